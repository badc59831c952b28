/* SPDX-License-Identifier: MIT */
#include "viewer/host/base/system.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static system_fault *look_at_fault;

static const int rights[] = {
	[SYSTEM_NONE] = PROT_NONE,
	[SYSTEM_READ] = PROT_READ,
	[SYSTEM_WRITE] = PROT_READ | PROT_WRITE,
};

static const struct signal_name {
	int number;
	const char *name;
} signals[] = {
	{ SIGSEGV, "SIGSEGV" }, { SIGBUS, "SIGBUS" },   { SIGFPE, "SIGFPE" },
	{ SIGILL, "SIGILL" },   { SIGABRT, "SIGABRT" },
};

#define SIGNAL_COUNT (sizeof(signals) / sizeof(*signals))

/* dlopen() looks for a name without a slash in the folders of libraries only. */
void *system_open(const char *path, const char **reason)
{
	char *local = strchr(path, '/') ? NULL : realpath(path, NULL);
	void *library = dlopen(local ? local : path, RTLD_NOW | RTLD_LOCAL);

	free(local);
	if (!library)
		*reason = dlerror();
	return library;
}

void *system_symbol(void *library, const char *name)
{
	return dlsym(library, name);
}

void *system_map(size_t bytes, enum system_access access)
{
	void *address = mmap(NULL, bytes, rights[access],
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (address == MAP_FAILED) {
		perror("lsatrace-host: mmap");
		_exit(2);
	}
	return address;
}

void system_unmap(void *address, size_t bytes)
{
	munmap(address, bytes);
}

void system_protect(void *address, size_t bytes, enum system_access access)
{
	mprotect(address, bytes, rights[access]);
}

size_t system_page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static const char *name_signal(int number)
{
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		if (signals[i].number == number)
			return signals[i].name;
	return "signal";
}

/* A fault that is not repaired meets the default disposition when the instruction runs again; a signal that was sent
 * does not come again by itself. */
static void take_signal(int number, siginfo_t *info, void *context)
{
	bool is_access = info->si_code > 0 && number != SIGABRT;

	(void)context;
	if (look_at_fault(name_signal(number), is_access, is_access ? info->si_addr : NULL))
		return;
	signal(number, SIG_DFL);
	if (info->si_code <= 0)
		raise(number);
}

void system_watch_thread(char room[static SYSTEM_FAULT_ROOM])
{
	sigaltstack(&(stack_t){ .ss_sp = room, .ss_size = SYSTEM_FAULT_ROOM }, NULL);
}

void system_watch_faults(system_fault *look)
{
	struct sigaction action = { .sa_sigaction = take_signal,
				    .sa_flags = SA_SIGINFO | SA_ONSTACK };

	look_at_fault = look;
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		sigaction(signals[i].number, &action, NULL);
}
