/* SPDX-License-Identifier: MIT */
/*
 * A program of winelib, which the tests build where winegcc is installed:
 *
 *	wine winelib.exe.so DLL LIBRARY
 *
 * calls a package for Windows, and one for Linux, in one process.
 */
#include <dlfcn.h>
#include <stdio.h>

#include "tests/windows/winelib.h"

void *__attribute__((ms_abi)) LoadLibraryA(const char *path);
void *__attribute__((ms_abi)) GetProcAddress(void *library, const char *name);

int main(int argc, char **argv)
{
	static const char entry[] = "SpLsaModeInitialize";
	void *library, *dll;

	if (argc != 3 || !(dll = LoadLibraryA(argv[1])) || !(library = dlopen(argv[2], RTLD_NOW)))
		return 2;
	winelib_call_windows(GetProcAddress(dll, entry), "DLL");
	winelib_call_native(dlsym(library, entry), "library");
	winelib_call_windows(GetProcAddress(dll, entry), "DLL");
	return 0;
}
