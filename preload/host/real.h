/* SPDX-License-Identifier: MIT */
/* The C library's functions that the tracer's exported ones (life/exported.c) stand in front of. They are
 * set before any of those can be called. */
#ifndef LSATRACE_PRELOAD_HOST_REAL_H
#define LSATRACE_PRELOAD_HOST_REAL_H

#include <signal.h>
#include <spawn.h>

extern void *(*real_dlsym)(void *handle, const char *name);
extern void *(*real_dlvsym)(void *handle, const char *name, const char *version);
extern int (*real_dlclose)(void *handle);
extern void (*real_exit)(int status);
extern void (*real_quick_exit)(int status);
extern int (*real_prctl)(int option, ...);
extern int (*real_execve)(const char *path, char *const argv[], char *const envp[]);
extern int (*real_execvpe)(const char *file, char *const argv[], char *const envp[]);
extern int (*real_fexecve)(int fd, char *const argv[], char *const envp[]);
extern int (*real_execveat)(int folder, const char *path, char *const argv[], char *const envp[],
			    int flags);

typedef int spawn_function(pid_t *pid, const char *name, const posix_spawn_file_actions_t *actions,
			   const posix_spawnattr_t *attributes, char *const argv[],
			   char *const envp[]);
extern spawn_function *real_posix_spawn, *real_posix_spawnp;

extern int (*real_sigaction)(int signal, const struct sigaction *action, struct sigaction *old);
extern sighandler_t (*real_signal)(int signal, sighandler_t handler);
extern sighandler_t (*real_sysv_signal)(int signal, sighandler_t handler);

/* Finds them. Does nothing the second time. */
void real_init(void);

#endif
