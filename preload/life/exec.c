/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <alloca.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include "include/program.h"
#include "preload/file/trace.h"
#include "preload/host/real.h"
#include "preload/life/exec.h"
#include "preload/life/follow.h"
#include "preload/life/hooks.h"

#include "preload/base/poison.h"

/* What is executed. */
struct target {
	enum { BY_PATH, BY_SEARCH, BY_DESCRIPTOR, IN_FOLDER } how;
	const char *name; /* NULL or "": the file that `fd` refers to */
	int fd;           /* or, IN_FOLDER, the folder in which the name begins */
	int flags;
};

static struct program look_at(const struct target *t)
{
	struct program program = { 0 };
	char path[PATH_MAX];

	if (!t->name || !*t->name)
		program_look_into(&program, t->fd);
	else if (t->how == BY_SEARCH)
		program_find(&program, t->name, getenv("PATH"), path, sizeof(path));
	else
		program_look_at(&program, t->how == IN_FOLDER ? t->fd : AT_FDCWD, t->name);
	return program;
}

static const char *name_of(const struct target *t, char *const argv[])
{
	return t->name && *t->name ? t->name : argv && argv[0] ? argv[0] : "a program";
}

/* Is the library in the environment of a program that could not load it? Then says so, and takes it
 * out; and says so if somebody else did. Puts the sanitizer of a program before the library. Reads files
 * only if the library is in the environment, or was in that of this program. */
static char *const *fit_environment(const struct target *t, char *const argv[], char *const envp[],
				    void *room)
{
	bool has_library = follow_bytes(envp) != 0;
	struct program program;
	int saved_errno = errno;

	if (!has_library && !follow_is_expected())
		return envp;
	program = look_at(t);
	if (!has_library) {
		if (program.kind != PROGRAM_NONE)
			follow_note_untraced(name_of(t, argv), NULL);
	} else if (program_is_foreign(program.kind)) {
		follow_note_untraced(name_of(t, argv), &program);
		envp = follow_without(envp, room);
	} else if (*program.sanitizer) {
		envp = follow_behind(envp, program.sanitizer, room);
	}
	errno = saved_errno;
	return envp;
}

/* The environment for a target. The room for a copy is the caller's stack, as in exec_list(). */
#define ENVIRONMENT_FOR(t, argv, envp) \
	fit_environment(t, argv, envp, alloca(follow_bytes(envp) + 1))

static int call_real(const struct target *t, char *const argv[], char *const envp[])
{
	switch (t->how) {
	case BY_PATH:
		return real_execve(t->name, argv, envp);
	case BY_SEARCH:
		return real_execvpe(t->name, argv, envp);
	case BY_DESCRIPTOR:
		return real_fexecve(t->fd, argv, envp);
	default:
		return real_execveat(t->fd, t->name, argv, envp, t->flags);
	}
}

/* An exec function that returns has failed: the process goes on. */
static int execute(const struct target *t, char *const argv[], char *const envp[])
{
	char *const *environment = ENVIRONMENT_FOR(t, argv, envp);
	int result;

	hooks_end(TRACE_END_EXEC, 0);
	result = call_real(t, argv, environment);
	trace_end(TRACE_END_RUNNING, 0);
	return result;
}

int exec_path(const char *path, char *const argv[], char *const envp[])
{
	return execute(&(struct target){ BY_PATH, path, -1, 0 }, argv, envp);
}

int exec_file(const char *file, char *const argv[], char *const envp[])
{
	return execute(&(struct target){ BY_SEARCH, file, -1, 0 }, argv, envp);
}

int exec_descriptor(int fd, char *const argv[], char *const envp[])
{
	return execute(&(struct target){ BY_DESCRIPTOR, NULL, fd, 0 }, argv, envp);
}

int exec_at(int folder, const char *path, char *const argv[], char *const envp[], int flags)
{
	return execute(&(struct target){ IN_FOLDER, path, folder, flags }, argv, envp);
}

int exec_spawn(spawn_function *real, pid_t *pid, const char *name,
	       const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
	       char *const argv[], char *const envp[])
{
	struct target t = { real == real_posix_spawnp ? BY_SEARCH : BY_PATH, name, -1, 0 };

	return real(pid, name, actions, attributes, argv, ENVIRONMENT_FOR(&t, argv, envp));
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
