/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <alloca.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../include/options.h"
#include "init.h"
#include "process.h"
#include "real.h"
#include "trace.h"

#include "poison.h"

#define EXPORT __attribute__((visibility("default")))

static void (*real_exit)(int) __attribute__((noreturn));
static void (*real_quick_exit)(int) __attribute__((noreturn));
static int (*real_execve)(const char *, char *const[], char *const[]);
static int (*real_execvpe)(const char *, char *const[], char *const[]);
static int (*real_fexecve)(int, char *const[], char *const[]);
static int (*real_execveat)(int, const char *, char *const[], char *const[], int);

#define FIND(pointer, name) ((pointer) = (__typeof__(pointer))real_dlsym(RTLD_NEXT, name))

void process_init(void)
{
	FIND(real_exit, "_exit");
	FIND(real_quick_exit, "quick_exit");
	FIND(real_execve, "execve");
	FIND(real_execvpe, "execvpe");
	FIND(real_fexecve, "fexecve");
	FIND(real_execveat, "execveat");
}

static void at_exit(int status, void *unused)
{
	(void)unused;
	trace_end(TRACE_END_EXIT, status);
}

void process_watch(void)
{
	on_exit(at_exit, NULL);
}

/* What is exported calls only what is static: by an exported name, it might reach somebody else's. */
static __attribute__((noreturn)) void end_now(int status, void (*real)(int))
{
	trace_end(TRACE_END_EXIT, status);
	real(status);
	__builtin_unreachable();
}

EXPORT void _exit(int status)
{
	init_ensure();
	end_now(status, real_exit);
}

EXPORT void _Exit(int status)
{
	init_ensure();
	end_now(status, real_exit);
}

EXPORT void quick_exit(int status)
{
	init_ensure();
	end_now(status, real_quick_exit);
}

static void exec_begins(void)
{
	init_ensure();
	trace_end(TRACE_END_EXEC, 0);
}

/* An exec function that returns has failed: the process goes on. */
static int exec_failed(int result)
{
	trace_end(TRACE_END_RUNNING, 0);
	return result;
}

static int exec_path(const char *path, char *const argv[], char *const envp[])
{
	exec_begins();
	return exec_failed(real_execve(path, argv, envp));
}

static int exec_file(const char *file, char *const argv[], char *const envp[])
{
	exec_begins();
	return exec_failed(real_execvpe(file, argv, envp));
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	return exec_path(path, argv, envp);
}

EXPORT int execv(const char *path, char *const argv[])
{
	return exec_path(path, argv, environ);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	return exec_file(file, argv, envp);
}

EXPORT int execvp(const char *file, char *const argv[])
{
	return exec_file(file, argv, environ);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	exec_begins();
	return exec_failed(real_fexecve(fd, argv, envp));
}

EXPORT int execveat(int folder, const char *path, char *const argv[], char *const envp[], int flags)
{
	exec_begins();
	return exec_failed(real_execveat(folder, path, argv, envp, flags));
}

static size_t count_arguments(va_list list)
{
	va_list copy;
	size_t count = 1;

	va_copy(copy, list);
	while (va_arg(copy, const char *))
		count++;
	va_end(copy);
	return count;
}

/* Collects the arguments of an execl function: on the stack, as the C library does, since exec may
 * be called where nothing may be allocated. */
#define COLLECT(argv, first, list) \
	do { \
		size_t n_ = count_arguments(list); \
		(argv) = alloca((n_ + 1) * sizeof(*(argv))); \
		(argv)[0] = (char *)(first); \
		for (size_t i_ = 1; i_ <= n_; i_++) \
			(argv)[i_] = va_arg(list, char *); \
	} while (0)

EXPORT int execl(const char *path, const char *arg, ...)
{
	char **argv;
	va_list list;

	va_start(list, arg);
	COLLECT(argv, arg, list);
	va_end(list);
	return exec_path(path, argv, environ);
}

EXPORT int execlp(const char *file, const char *arg, ...)
{
	char **argv;
	va_list list;

	va_start(list, arg);
	COLLECT(argv, arg, list);
	va_end(list);
	return exec_file(file, argv, environ);
}

EXPORT int execle(const char *path, const char *arg, ...)
{
	char *const *envp;
	char **argv;
	va_list list;

	va_start(list, arg);
	COLLECT(argv, arg, list);
	envp = va_arg(list, char *const *);
	va_end(list);
	return exec_path(path, argv, envp);
}

/* Is `path`, `bytes` long, the library that this code is in? */
static int is_self(const char *path, size_t bytes)
{
	Dl_info info;

	return dladdr(&is_self, &info) && info.dli_fname && strlen(info.dli_fname) == bytes &&
	       memcmp(info.dli_fname, path, bytes) == 0;
}

/* Takes the library's path out of LD_PRELOAD, in place: the environment is the target's. */
static void forget_preload(char *list)
{
	char *to = list, *from = list;

	while (*from) {
		size_t bytes = strcspn(from, ": ");

		if (!is_self(from, bytes)) {
			if (to != list)
				*to++ = ':';
			memmove(to, from, bytes);
			to += bytes;
		}
		from += bytes;
		from += *from != '\0';
	}
	*to = '\0';
}

void process_stop_following(void)
{
	char *list = getenv("LD_PRELOAD");

	if (list)
		forget_preload(list);
	if (list && !*list)
		unsetenv("LD_PRELOAD");
	unsetenv(OPTIONS_VARIABLE);
	unsetenv(SESSION_VARIABLE);
}
