/* SPDX-License-Identifier: MIT */
/*
 * The chunks of the trace file: mapped, handed out, and, in ring mode, taken again.
 *
 * Chunks are taken from the end of the file until it has its bound, then from the ring: the chunk
 * that was begun first among the closed ones. Results may take up to three quarters of the file from
 * the ring. The file's room is allocated before it is touched, so that a full disk is an error number
 * here and not a SIGBUS in the target. Any thread may take a chunk; none waits for another.
 */
#ifndef LSATRACE_PRELOAD_FILE_CHUNKS_H
#define LSATRACE_PRELOAD_FILE_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "preload/base/reentry.h"

enum { POOL_PATIENCE = 1024 };

/*
 * Maps `fd`, a new and empty file, which the pool then owns, and makes room for the first chunks.
 * `max_bytes` 0: no bound. Returns the header chunk, or NULL with errno set.
 */
struct trace_header *chunks_open(int fd, uint64_t max_bytes);

/* Where the file can be found again, should the host have closed its descriptor. Kept by the caller. */
void chunks_set_path(const char *path);

/* A file that was mapped. */
struct chunks_mapping {
	const char *base;
	size_t bytes;
	uint32_t chunks; /* handed out so far */
	uint8_t *use;
};

/* Takes the file out of use, still mapped; closes it. Then unmaps it. */
void chunks_detach(struct chunks_mapping *mapping);
void chunks_unmap(struct chunks_mapping *mapping);

/* A zeroed chunk of that kind, or NULL: none to be had. */
struct trace_chunk *chunks_take(enum trace_chunk_kind kind, uint32_t lane);
/* Gives a ring chunk back to be taken again, when its turn comes. */
void chunks_retire(struct trace_chunk *chunk);

/* References (trace_format.h) to and from addresses of the mapping. */
uint32_t chunks_reference(const void *item);
void *chunks_at(uint32_t reference);

/*
 * Items of one size, taken from chunks of one kind; each pool of items belongs to a static struct.
 * Under the cold lock only.
 */
struct chunks_items {
	enum trace_chunk_kind kind;
	uint32_t item_bytes;
	struct trace_chunk *chunk;
	uint32_t used; /* items of `chunk` */
};

/*
 * Room that was refused. To ask for it takes the cold lock, and a full file stays full, as a rule: so
 * it is asked for again only now and then, or every call would ask. Starts zeroed.
 */
struct chunks_refusal {
	uint32_t asked; /* since it was refused; 0: it was not */
};

static inline bool chunks_may_ask(struct chunks_refusal *refusal)
{
	return likely(__atomic_load_n(&refusal->asked, __ATOMIC_RELAXED) == 0) ||
	       __atomic_fetch_add(&refusal->asked, 1, __ATOMIC_RELAXED) % POOL_PATIENCE == 0;
}

/* Under the cold lock. */
static inline void chunks_note_answer(struct chunks_refusal *refusal, bool granted)
{
	__atomic_store_n(&refusal->asked, !granted, __ATOMIC_RELAXED);
}

/* Up to `*count` items that lie back to back; `*count` becomes how many. NULL: no room. */
void *chunks_items_take(struct chunks_items *items, uint32_t *count);

#endif
