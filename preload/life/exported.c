/* SPDX-License-Identifier: MIT */
/*
 * All functions that the library exports. Each makes sure that the library is ready, and calls the
 * module that does the work. dlsym(), dlvsym() and the entry points of packages (preload/ways_in) and
 * syscall() are written in assembly, and come here for the same.
 *
 * Nothing in the library calls a function by an exported name: the loader might bind that name to a
 * function of the host or of another preloaded library.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/host/real.h"
#include "preload/host/signals.h"
#include "preload/life/confinement.h"
#include "preload/life/exec.h"
#include "preload/life/hooks.h"
#include "preload/life/init.h"
#include "preload/ways_in/client.h"
#include "preload/ways_in/dlsym.h"
#include "preload/ways_in/libraries.h"
#include "preload/ways_in/link_maps.h"
#include "preload/ways_in/linked.h"
#include "preload/ways_in/pe_crash.h"
#include "preload/ways_in/pe_exports.h"

#include "preload/base/poison.h"

#define EXPORT __attribute__((visibility("default")))

/* Loading. dlsym_amd64.S, linked_amd64.S and pe_exports_amd64.S are what others come to, and call these. */

struct dlsym_answer exported_answer(void *handle, const char *name, const char *version,
				    const void *caller, enum loader_function asked);
void *exported_target(uint32_t number, const void *caller);
__attribute__((ms_abi)) void *exported_pe_target(uint32_t number);

struct dlsym_answer exported_answer(void *handle, const char *name, const char *version,
				    const void *caller, enum loader_function asked)
{
	if (dlsym_needs_init(handle, name, version, caller, asked))
		init_ensure();
	return dlsym_find(handle, name, version, caller, asked);
}

void *exported_target(uint32_t number, const void *caller)
{
	init_ensure();
	return linked_target(number, caller);
}

__attribute__((ms_abi)) void *exported_pe_target(uint32_t number)
{
	libraries_settle();
	pe_crash_watch();
	return pe_exports_target(number);
}

/* Also the address by which the library itself knows it (libraries.h). */
int exported_dlclose(void *handle)
{
	init_ensure();
	return libraries_close(handle, __builtin_return_address(0));
}

EXPORT int dlclose(void *handle) __attribute__((alias("exported_dlclose")));

/* Never called. The loader runs its resolver, under the loader's lock, when dlsym() asks for it. */
static __attribute__((used)) void (*resolve_loaded(void))(void)
{
	link_maps_run_job();
	return (void (*)(void))resolve_loaded;
}

EXPORT __attribute__((ifunc("resolve_loaded"))) void lsatrace_loaded(void);

/* Signals. Only the C library's functions have to be found: a sanitizer in the host calls these before
 * there is an environment. */

EXPORT int sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
	real_init();
	return signals_action(signal, action, old);
}

EXPORT sighandler_t signal(int signal, sighandler_t handler)
{
	real_init();
	return signals_set(signal, handler);
}

EXPORT sighandler_t __sysv_signal(int signal, sighandler_t handler)
{
	real_init();
	return signals_set_sysv(signal, handler);
}

EXPORT int prctl(int option, ...)
{
	unsigned long argument[4];
	va_list list;

	real_init();
	va_start(list, option);
	for (int i = 0; i < 4; i++)
		argument[i] = va_arg(list, unsigned long);
	va_end(list);
	return confinement_prctl(option, argument);
}

/* syscall_amd64.S defines syscall(), and calls this for SYS_prctl, SYS_seccomp and SYS_exit_group. */
long exported_system_call(long number, unsigned long a, unsigned long b, unsigned long c,
			  unsigned long d, unsigned long e);

long exported_system_call(long number, unsigned long a, unsigned long b, unsigned long c,
			  unsigned long d, unsigned long e)
{
	real_init();
	if (number == SYS_exit_group)
		_exit((int)a);
	if (number == SYS_prctl)
		return confinement_prctl((int)a, (const unsigned long[]){ b, c, d, e });
	return confinement_seccomp(a, b, (const void *)c);
}

/* The end of the process. */

EXPORT void _exit(int status)
{
	init_ensure();
	hooks_exit(status, real_exit);
}

EXPORT void _Exit(int status)
{
	init_ensure();
	hooks_exit(status, real_exit);
}

EXPORT void quick_exit(int status)
{
	init_ensure();
	hooks_quick_exit(status);
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	init_ensure();
	return exec_path(path, argv, envp);
}

EXPORT int execv(const char *path, char *const argv[])
{
	init_ensure();
	return exec_path(path, argv, environ);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	init_ensure();
	return exec_file(file, argv, envp);
}

EXPORT int execvp(const char *file, char *const argv[])
{
	init_ensure();
	return exec_file(file, argv, environ);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	init_ensure();
	return exec_descriptor(fd, argv, envp);
}

EXPORT int execveat(int folder, const char *path, char *const argv[], char *const envp[], int flags)
{
	init_ensure();
	return exec_at(folder, path, argv, envp, flags);
}

EXPORT int execl(const char *path, const char *arg, ...)
{
	va_list list;
	int result;

	init_ensure();
	va_start(list, arg);
	result = exec_list(exec_path, path, arg, list, false);
	va_end(list);
	return result;
}

EXPORT int execlp(const char *file, const char *arg, ...)
{
	va_list list;
	int result;

	init_ensure();
	va_start(list, arg);
	result = exec_list(exec_file, file, arg, list, false);
	va_end(list);
	return result;
}

EXPORT int execle(const char *path, const char *arg, ...)
{
	va_list list;
	int result;

	init_ensure();
	va_start(list, arg);
	result = exec_list(exec_path, path, arg, list, true);
	va_end(list);
	return result;
}

EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	init_ensure();
	return exec_spawn(real_posix_spawn, pid, path, actions, attributes, argv, envp);
}

EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
			const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
	init_ensure();
	return exec_spawn(real_posix_spawnp, pid, file, actions, attributes, argv, envp);
}

/* What include/lsatrace.h looks up by name; described there. */

EXPORT void lsatrace_client_hook_table(void *table, size_t bytes);
EXPORT void lsatrace_client_checkpoint(const char *name);
EXPORT size_t lsatrace_client_leaks_since(const char *checkpoint);
EXPORT void lsatrace_client_ignore(const void *memory);

void lsatrace_client_hook_table(void *table, size_t bytes)
{
	init_ensure();
	client_hook_table(table, bytes);
}

void lsatrace_client_checkpoint(const char *name)
{
	init_ensure();
	client_checkpoint(name);
}

size_t lsatrace_client_leaks_since(const char *checkpoint)
{
	init_ensure();
	return client_leaks_since(checkpoint);
}

void lsatrace_client_ignore(const void *memory)
{
	init_ensure();
	client_ignore(memory);
}
