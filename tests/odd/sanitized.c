/* SPDX-License-Identifier: MIT */
/*
 * A program with a sanitizer replaces functions of the C library, for all loaded objects.
 * It looks the real functions up before any constructor has run. Until then nobody can call those
 * functions.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "host.h"
#include "odd.h"
#include "package.h"

static bool is_looking;

static void *find_next(const char *name)
{
	need(!is_looking, name);
	return dlsym(RTLD_NEXT, name);
}

int strcmp(const char *a, const char *b)
{
	need(!is_looking, "strcmp");
	while (*a && *a == *b)
		a++, b++;
	return (unsigned char)*a - (unsigned char)*b;
}

char *getcwd(char *buffer, size_t bytes)
{
	void *symbol = find_next("getcwd");
	char *(*next)(char *, size_t);

	memcpy(&next, &symbol, sizeof(next));
	return next(buffer, bytes);
}

int prctl(int option, ...)
{
	void *symbol = find_next("prctl");
	int (*next)(int, ...);
	unsigned long value[4];
	va_list list;

	va_start(list, option);
	for (int i = 0; i < 4; i++)
		value[i] = va_arg(list, unsigned long);
	va_end(list);
	memcpy(&next, &symbol, sizeof(next));
	return next(option, value[0], value[1], value[2], value[3]);
}

static void begin(int argc, char **argv, char **environment)
{
	struct sigaction action;

	(void)environment;
	if (argc < 2 || strcmp(argv[1], "sanitized") != 0)
		return;
	is_looking = true;
	dlsym(RTLD_NEXT, "getcwd");
	dlsym(RTLD_NEXT, "dlclose");
	dlvsym(RTLD_NEXT, "prctl", "GLIBC_2.2.5");
	dlsym(RTLD_DEFAULT, "no_such_function");
	is_looking = false;
	sigaction(SIGUSR1, NULL, &action);
}

__attribute__((section(".preinit_array"), used)) static void (*first)(int, char **, char **) = begin;

static int sanitized(char **arguments)
{
	(void)arguments;
	host_start();
	leak(13);
	return 0;
}

const struct scenario sanitized_scenarios[] = {
	{ "sanitized", sanitized },
	{ 0 },
};
