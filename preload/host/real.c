/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>

#include "preload/base/kernel.h"
#include "preload/host/elf_image.h"
#include "preload/host/real.h"

#include "preload/base/poison.h"

void *(*real_dlsym)(void *handle, const char *name);
void *(*real_dlvsym)(void *handle, const char *name, const char *version);
int (*real_dlclose)(void *handle);
void (*real_exit)(int status);
void (*real_quick_exit)(int status);
int (*real_prctl)(int option, ...);
int (*real_execve)(const char *path, char *const argv[], char *const envp[]);
int (*real_execvpe)(const char *file, char *const argv[], char *const envp[]);
int (*real_fexecve)(int fd, char *const argv[], char *const envp[]);
int (*real_execveat)(int folder, const char *path, char *const argv[], char *const envp[],
		     int flags);
spawn_function *real_posix_spawn, *real_posix_spawnp;
int (*real_sigaction)(int signal, const struct sigaction *action, struct sigaction *old);
sighandler_t (*real_signal)(int signal, sighandler_t handler);
sighandler_t (*real_sysv_signal)(int signal, sighandler_t handler);

#define FIND(pointer, name) ((pointer) = (__typeof__(pointer))real_dlsym(RTLD_NEXT, name))

/* dlsym() cannot be asked for itself, nor dlvsym(), which is ours as well. What RTLD_NEXT would
 * find: the first behind us. */
static void *find_behind_us(const char *name)
{
	const struct link_map *map = elf_image_map_at((const void *)&real_init);
	const ElfW(Sym) *symbol = NULL;
	struct elf_dynamic dynamic;

	while (map && !symbol && (map = map->l_next) != NULL)
		symbol = elf_image_read(&dynamic, map) ? elf_image_find(&dynamic, name) : NULL;
	return symbol ? elf_image_address(&dynamic, symbol) : NULL;
}

/* By its name in the C library itself, whoever stands in front of that. */
static void *find_in_c_library(const char *name)
{
	const struct link_map *map = elf_image_map_at((const void *)&real_init);
	const ElfW(Sym) *symbol = NULL;
	struct elf_dynamic dynamic;

	while (map && !symbol && (map = map->l_next) != NULL)
		if (elf_image_read(&dynamic, map) && elf_image_is_c_library(&dynamic))
			symbol = elf_image_find(&dynamic, name);
	return symbol ? elf_image_address(&dynamic, symbol) : NULL;
}

void real_init(void)
{
	if (real_dlsym)
		return;
	kernel_call_by((long (*)(long, ...))find_in_c_library("syscall"));
	real_dlsym = (__typeof__(real_dlsym))find_behind_us("dlsym");
	real_dlvsym = (__typeof__(real_dlvsym))find_behind_us("dlvsym");
	FIND(real_dlclose, "dlclose");
	FIND(real_exit, "_exit");
	FIND(real_quick_exit, "quick_exit");
	FIND(real_prctl, "prctl");
	FIND(real_execve, "execve");
	FIND(real_execvpe, "execvpe");
	FIND(real_fexecve, "fexecve");
	FIND(real_execveat, "execveat");
	FIND(real_posix_spawn, "posix_spawn");
	FIND(real_posix_spawnp, "posix_spawnp");
	FIND(real_sigaction, "sigaction");
	FIND(real_signal, "signal");
	FIND(real_sysv_signal, "__sysv_signal");
}
