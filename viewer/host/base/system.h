/* SPDX-License-Identifier: MIT */
/*
 * All that the host asks of the system it runs on, besides the C library and threads of POSIX: libraries,
 * memory with rights, faults. system_windows.c is the same for Windows, system.c for all others.
 * Any thread may call these functions.
 */
#ifndef LSATRACE_HOST_BASE_SYSTEM_H
#define LSATRACE_HOST_BASE_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>

enum system_access { SYSTEM_NONE, SYSTEM_READ, SYSTEM_WRITE };

/* Opens a library. Returns NULL and sets *reason, which is valid until the next call, if it cannot. */
void *system_open(const char *path, const char **reason);
void *system_symbol(void *library, const char *name);

/* Returns zeroed memory, in whole pages, that can be accessed so; what is not touched costs nothing. Ends the
 * process if there is none. */
void *system_map(size_t bytes, enum system_access access);
void system_unmap(void *address, size_t bytes);

/* Changes the rights of whole pages. */
void system_protect(void *address, size_t bytes, enum system_access access);

size_t system_page_bytes(void);

/* Gets a fault of the calling thread: what it is called, and the address that was accessed, or NULL; `is_access` is false
 * if there was none. Returns whether the instruction is to be repeated; otherwise the process ends by the fault, as if nobody had looked. */
typedef bool system_fault(const char *name, bool is_access, void *address);

/* Has all faults of the process looked at by this function. Call it once. */
void system_watch_faults(system_fault *look);

/* Has faults of the calling thread looked at in this room, because its stack may be full. The room may be in the frame of the
 * thread's first function. */
enum { SYSTEM_FAULT_ROOM = 64 << 10 };
void system_watch_thread(char room[static SYSTEM_FAULT_ROOM]);

#endif
