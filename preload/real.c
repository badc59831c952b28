/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

#include "real.h"

#include "poison.h"

void *(*real_dlsym)(void *handle, const char *name);
int (*real_dlclose)(void *handle);
void (*real_exit)(int status);
void (*real_quick_exit)(int status);
int (*real_execve)(const char *path, char *const argv[], char *const envp[]);
int (*real_execvpe)(const char *file, char *const argv[], char *const envp[]);
int (*real_fexecve)(int fd, char *const argv[], char *const envp[]);
int (*real_execveat)(int folder, const char *path, char *const argv[], char *const envp[],
		     int flags);
int (*real_sigaction)(int signal, const struct sigaction *action, struct sigaction *old);
sighandler_t (*real_signal)(int signal, sighandler_t handler);
sighandler_t (*real_sysv_signal)(int signal, sighandler_t handler);

#define FIND(pointer, name) ((pointer) = (__typeof__(pointer))real_dlsym(RTLD_NEXT, name))

/* dlsym() cannot be asked for itself: the versions under which glibc has had it on this processor. */
static void find_dlsym(void)
{
	static const char *const versions[] = { "GLIBC_2.34", "GLIBC_2.2.5" };

	for (size_t i = 0; i < 2 && !real_dlsym; i++)
		real_dlsym =
			(void *(*)(void *, const char *))dlvsym(RTLD_NEXT, "dlsym", versions[i]);
}

void real_init(void)
{
	find_dlsym();
	FIND(real_dlclose, "dlclose");
	FIND(real_exit, "_exit");
	FIND(real_quick_exit, "quick_exit");
	FIND(real_execve, "execve");
	FIND(real_execvpe, "execvpe");
	FIND(real_fexecve, "fexecve");
	FIND(real_execveat, "execveat");
	FIND(real_sigaction, "sigaction");
	FIND(real_signal, "signal");
	FIND(real_sysv_signal, "__sysv_signal");
}
