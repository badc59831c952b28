/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <alloca.h>
#include <stddef.h>
#include <unistd.h>

#include "preload/file/trace.h"
#include "preload/host/real.h"
#include "preload/life/exec.h"
#include "preload/life/hooks.h"

#include "preload/base/poison.h"

/* An exec function that returns has failed: the process goes on. */
static int note_failure(int result)
{
	trace_end(TRACE_END_RUNNING, 0);
	return result;
}

int exec_path(const char *path, char *const argv[], char *const envp[])
{
	hooks_end(TRACE_END_EXEC, 0);
	return note_failure(real_execve(path, argv, envp));
}

int exec_file(const char *file, char *const argv[], char *const envp[])
{
	hooks_end(TRACE_END_EXEC, 0);
	return note_failure(real_execvpe(file, argv, envp));
}

int exec_descriptor(int fd, char *const argv[], char *const envp[])
{
	hooks_end(TRACE_END_EXEC, 0);
	return note_failure(real_fexecve(fd, argv, envp));
}

int exec_at(int folder, const char *path, char *const argv[], char *const envp[], int flags)
{
	hooks_end(TRACE_END_EXEC, 0);
	return note_failure(real_execveat(folder, path, argv, envp, flags));
}

int exec_list(int (*exec)(const char *, char *const[], char *const[]), const char *name,
	      const char *first, va_list list, bool has_environment)
{
	size_t count = 1; /* without the NULL at the end */
	char **argv;
	va_list copy;

	va_copy(copy, list);
	while (va_arg(copy, const char *))
		count++;
	va_end(copy);
	/* On the stack, as the C library does: exec may be called where nothing may be allocated. */
	argv = alloca((count + 1) * sizeof(*argv));
	argv[0] = (char *)first;
	for (size_t i = 1; i <= count; i++)
		argv[i] = va_arg(list, char *);
	return exec(name, argv, has_environment ? va_arg(list, char *const *) : environ);
}
