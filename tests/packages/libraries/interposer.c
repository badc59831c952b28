/* SPDX-License-Identifier: MIT */
/*
 * Not a package, but a library that is preloaded together with the tracer. It replaces
 * functions of the C library and finds those with dlsym(), beginning with the first allocation of
 * the process.
 */
#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *find_next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

void *malloc(size_t size)
{
	static void *(*next)(size_t);
	void *symbol;

	if (!next) {
		symbol = find_next("malloc");
		memcpy(&next, &symbol, sizeof(next));
	}
	return next(size);
}

char *getenv(const char *name)
{
	static char *(*next)(const char *);
	void *symbol;

	if (!next) {
		symbol = find_next("getenv");
		memcpy(&next, &symbol, sizeof(next));
	}
	return next(name);
}

const char *gnu_get_libc_version(void)
{
	return "interposed";
}

static void print_where(const char *what, const void *symbol)
{
	const char *name = "nowhere", *slash;
	Dl_info info;

	if (symbol && dladdr(symbol, &info) && info.dli_fname)
		name = info.dli_fname;
	slash = strrchr(name, '/');
	printf("interposer: %s: %s\n", what, slash ? slash + 1 : name);
}

void interposer_look(void);

void interposer_look(void)
{
	print_where("default", dlsym(RTLD_DEFAULT, "gnu_get_libc_version"));
	print_where("next", find_next("gnu_get_libc_version"));
	print_where("next malloc", find_next("malloc"));
	print_where("no more", find_next("interposer_look"));
	printf("interposer: called: %s\n", gnu_get_libc_version());
}
