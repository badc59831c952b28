/* SPDX-License-Identifier: MIT */
/*
 * The size of the trace file. The file grows as it is needed, up to its bound, and each part of it
 * is allocated on disk before anything touches it: so a full disk is an error number here, and not
 * a SIGBUS in the host. Nor does growing past a limit raise SIGXFSZ.
 *
 * What a chunk passes through:
 *
 *	mapped only ── room_reaches() ──▶ in the file, zeroed ── chunks_take() ──▶ in use
 *
 * The host owns the process: it may close the descriptor, or give its number to a file of its own.
 * So each use checks which file it leads to, and opens the trace by its path if it must.
 *
 * Any thread; none waits for another but inside the kernel. room_open() and room_close(): under the
 * cold lock.
 */
#ifndef LSATRACE_PRELOAD_FILE_ROOM_H
#define LSATRACE_PRELOAD_FILE_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/base/vm.h"

/*
 * Takes `fd`, a new and empty file, and `map`, where it is mapped: it never gets longer than that.
 * Makes room for the first chunks. `is_bounded` false: nobody asked for a bound, so a file system
 * without fallocate(), which has to give all room at once, gives a fixed part. Returns 0, or an
 * errno value; then the descriptor is left open.
 */
int room_open(int fd, struct vm_table *map, bool is_bounded);

/* Closes the descriptor, if it still leads to the file. */
void room_close(void);

/* Where the file can be opened again. The caller keeps the string. */
void room_set_path(const char *path);

/* How many chunks the file may have. It gets less when the file can grow no further; now and then
 * room_reaches() tries again. */
uint32_t room_most(void);

/* Nothing more is written to the file by way of this module, and it may have no chunks: somebody has
 * shortened it. If its header is still there, a loss is counted in it. Async-signal-safe, but changes
 * errno. */
void room_give_up(void);
bool room_is_given_up(void);

/* Does the file lie in memory (tmpfs)? Then a page that is read is one that can be written, and the kernel
 * maps those around it as well. */
bool room_is_in_memory(void);

/* Is chunk `number` within the file? Lets the file grow if it is not. Returns false if it
 * cannot. */
bool room_reaches(uint32_t number);

/*
 * To be called when chunk `next` is the next one to be used: if little is left, one thread makes
 * more, so that the others need not wait for room, nor for each other inside the kernel.
 */
void room_grow_ahead(uint32_t next);

#endif
