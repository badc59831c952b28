/* SPDX-License-Identifier: MIT */
/*
 * The exec functions. The trace says that its process ended by exec before the real function runs;
 * that function returns only if it failed, and then the trace says again that the process is
 * running.
 *
 * A program whose loader could not load the library gets an environment without it (follow.h).
 *
 * All may be called where only async-signal-safe functions may be called, as POSIX has it for exec.
 */
#ifndef LSATRACE_PRELOAD_LIFE_EXEC_H
#define LSATRACE_PRELOAD_LIFE_EXEC_H

#include <stdarg.h>
#include <stdbool.h>

#include "preload/host/real.h"

/* execve(), and execvpe(), which looks for `file` in PATH. */
int exec_path(const char *path, char *const argv[], char *const envp[]);
int exec_file(const char *file, char *const argv[], char *const envp[]);

/* fexecve() and execveat(). */
int exec_descriptor(int fd, char *const argv[], char *const envp[]);
int exec_at(int folder, const char *path, char *const argv[], char *const envp[], int flags);

/* posix_spawn() and posix_spawnp(), which is `real`. No exec function that is exported is called by
 * these, in the child. */
int exec_spawn(spawn_function *real, pid_t *pid, const char *name,
	       const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
	       char *const argv[], char *const envp[]);

/* execl() and its variants: `exec` is one of the first two, `first` is argv[0], and `list` holds the
 * other arguments up to NULL, followed by the environment if `has_environment`. */
int exec_list(int (*exec)(const char *, char *const[], char *const[]), const char *name,
	      const char *first, va_list list, bool has_environment);

#endif
