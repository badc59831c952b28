/* SPDX-License-Identifier: MIT */
/*
 * The chunks of the trace file: one pool for all kinds, mapped into the process. trace.h has a
 * picture.
 *
 * A chunk comes from the end of the file until the file has its bound. From then on it comes from
 * the ring: the oldest chunk of events that no thread is writing is cleared and used again,
 * whatever it is needed for. What a chunk of the ring is to the pool, in a file with a bound:
 *
 *	      chunks_take(RING)          chunks_retire()
 *	free ────────────────────▶ open ────────────────▶ closed
 *	                            ▲                       │
 *	                            └─ chunks_take(RING) ───┤
 *	                                                    └─ chunks_take(another kind) ─▶ taken
 *
 * Results may take up to three quarters of the file from the ring, and threads may hold up to one
 * quarter of it open, so neither can starve the other.
 *
 * Any thread may take a chunk; none waits for another. chunks_open() and chunks_detach(): under the
 * cold lock.
 */
#ifndef LSATRACE_PRELOAD_FILE_CHUNKS_H
#define LSATRACE_PRELOAD_FILE_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "preload/base/compiler.h"
#include "preload/base/vm.h"

/*
 * Maps `fd`, a new and empty file, and makes room for the first chunks. From then on the descriptor
 * belongs to this module. `max_bytes` is the bound of the file; 0: it has none. Returns the header
 * chunk, zeroed, or NULL with errno set; then the descriptor is still the caller's.
 */
struct trace_header *chunks_open(int fd, uint64_t max_bytes);

/* A file that was mapped. */
struct chunks_mapping {
	struct vm_table map;
	uint32_t chunks; /* handed out so far */
	uint8_t *use;
};

/* Takes the file out of use and closes it; it stays mapped. chunks_unmap() then unmaps it. */
void chunks_detach(struct chunks_mapping *mapping);
void chunks_unmap(struct chunks_mapping *mapping);

/* Returns a zeroed chunk of that kind, or NULL if there is no room. `lane` is the number of the
 * lane that writes it, for a chunk of the ring. */
struct trace_chunk *chunks_take(enum trace_chunk_kind kind, uint32_t lane);

/* Makes room for some chunks ahead of need, as far as possible. */
void chunks_prepare(void);

/* Gives back a chunk of the ring that is full: from now on it may be taken again. */
void chunks_retire(struct trace_chunk *chunk);

/* The reference (trace_format.h) of an item, and the item of a reference. */
uint32_t chunks_reference(const void *item);
void *chunks_at(uint32_t reference);

/*
 * Items of one size, taken one after another from chunks of one kind. Each module has its own,
 * which starts anew with each file. Under the cold lock.
 */
struct chunks_items {
	enum trace_chunk_kind kind;
	uint32_t item_bytes;
	struct trace_chunk *chunk; /* NULL: none so far */
	uint32_t used;             /* items of `chunk` */
	uint32_t most;             /* of a chunk; 0: as many as fit */
};

/* Takes up to `*count` items that lie back to back, zeroed, and sets `*count` to how many they are.
 * Returns the first one, or NULL if there is no room. */
void *chunks_items_take(struct chunks_items *items, uint32_t *count);

/*
 * Remembers that there was no room. A full file stays full, as a rule, and to ask for room takes
 * the cold lock: so, after a refusal, only one call of CHUNKS_PATIENCE asks again. Starts zeroed.
 */
struct chunks_refusal {
	uint32_t asked; /* calls since the refusal, this one included; 0: there was none */
};

enum { CHUNKS_PATIENCE = 1024 };

static inline bool chunks_may_ask(struct chunks_refusal *refusal)
{
	return likely(__atomic_load_n(&refusal->asked, __ATOMIC_RELAXED) == 0) ||
	       __atomic_fetch_add(&refusal->asked, 1, __ATOMIC_RELAXED) % CHUNKS_PATIENCE == 0;
}

/* Under the cold lock. */
static inline void chunks_note_answer(struct chunks_refusal *refusal, bool is_granted)
{
	__atomic_store_n(&refusal->asked, !is_granted, __ATOMIC_RELAXED);
}

#endif
