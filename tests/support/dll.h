/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_DLL_H
#define SUPPORT_DLL_H

/*
 * DLLs that tests build, each by a command in a folder of the test. In a command,
 *
 *	$gcc -o some.dll some.c      builds one by mingw-w64,
 *	$clang -o some.dll some.c    by clang and lld, with mingw-w64's libraries,
 *	$pdb -o some.dll some.c      by clang and lld as Microsoft's compiler would: without libraries, with
 *	                             some.pdb beside it.
 */

#include <stdbool.h>

/* Comes before the name of a program of mingw-w64 or its binutils. */
#define MINGW "x86_64-w64-mingw32-"

/* Is a program in PATH? */
bool dll_has_program(const char *name);
/* Can such DLLs be built? */
bool dll_has_gcc(void);
bool dll_has_clang(void);
/* Skips the calling test if they cannot. */
void dll_need_gcc(void);
void dll_need_clang(void);

/* Is there an llvm-symbolizer that tells the right lines of inlined functions? */
bool dll_has_exact_symbolizer(void);

void dll_write(const char *folder, const char *name, const char *text);
/* Runs a command of the shell in a folder. If it fails, so does the calling test. */
__attribute__((format(printf, 2, 3))) void dll_run(const char *folder, const char *format, ...);

#endif
