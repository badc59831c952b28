/* SPDX-License-Identifier: MIT */
/*
 * How a process ends: exit, _exit and the exec functions are noted in its trace on their way. What is
 * exported here stands in front of the C library.
 */
#define _GNU_SOURCE
#include <alloca.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "preload/file/trace.h"
#include "preload/guardpage/guarded.h"
#include "preload/host/real.h"
#include "preload/life/init.h"

#include "preload/base/poison.h"

#define EXPORT __attribute__((visibility("default")))

/* What is exported calls only what is static: by an exported name, it might reach somebody else's. */
static __attribute__((noreturn)) void end_now(int status, void (*real)(int))
{
	guarded_check();
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
	guarded_check();
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
