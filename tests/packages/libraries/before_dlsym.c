/* SPDX-License-Identifier: MIT */
/*
 * Not a package, but a library that is preloaded together with the tracer, and replaces
 * dlsym() as the tracer does.
 */
#include <dlfcn.h>
#include <string.h>

void *dlsym(void *handle, const char *name)
{
	static void *(*next)(void *, const char *);
	void *symbol;

	if (!next) {
		symbol = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
		memcpy(&next, &symbol, sizeof(next));
	}
	return next(handle, name);
}
