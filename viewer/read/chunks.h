/* SPDX-License-Identifier: MIT */
/*
 * The chunks of a trace, copied into memory. Chunks with results (log, ledger, findings, lanes,
 * counters, checkpoints) are copied once, when the trace is opened. Chunks of the ring, which are
 * nearly all of a large trace, are copied one at a time, when somebody asks for one.
 *
 * A file in motion is one that its process may still write. Each chunk of it is read twice, and the
 * second reading keeps only the items that were valid in the first: they were whole before the
 * second reading began (settle.h).
 *
 *   first reading   second reading   result
 *   not valid       not valid        not valid
 *   not valid       valid            not valid: perhaps only half of it is written
 *   valid           valid            valid, content from the second reading
 *
 * Only the kind and the counts of a chunk's header are checked here; nothing else in the copies is.
 *
 * For one thread at a time, but for chunks_read_ring() and for finding chunks.
 */
#ifndef LSATRACE_VIEWER_READ_CHUNKS_H
#define LSATRACE_VIEWER_READ_CHUNKS_H

#include <stdbool.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "viewer/read/trouble.h"

struct progress;

struct chunk {
	uint32_t number;         /* in the file */
	struct trace_chunk head; /* as last read */
	unsigned char *data; /* TRACE_CHUNK_BYTES; NULL: not loaded, as FREE and RING always are */
	uint64_t *stacks;    /* LOG, filled in by the reader: one bit for each granule, set where a
				    valid stack begins */
	uint32_t log; /* LOG, filled in by the reader: numbers the loaded chunks of the log */
};

/* Starts zeroed, with `fd`, `is_moving` and `ledger_entries` set. */
struct chunks {
	int fd;
	bool is_moving;
	uint32_t ledger_entries; /* of a chunk */
	struct chunk *chunk; /* those that are not FREE, by number; without chunk 0, the header */
	uint32_t count, room;
};

/* The offset of a chunk in the file, in bytes. */
uint64_t chunks_place(uint32_t number);

/*
 * Finds the chunks that are in use, among the first `count` chunks of the file. Reads the header of
 * each chunk that is not loaded: it is new, or it may have been given to another use. Holes of a
 * sparse file are not read.
 */
bool chunks_read_heads(struct chunks *c, uint32_t count, struct trouble *t);

/* Returns the chunk with this number, or NULL if that is not in use. */
struct chunk *chunks_search(const struct chunks *c, uint32_t number);

/* The same. Most files have no chunk that is not in use, and each event is asked for that of its stack. */
static inline struct chunk *chunks_find(const struct chunks *c, uint32_t number)
{
	if (number - 1 < c->count && c->chunk[number - 1].number == number)
		return &c->chunk[number - 1];
	return chunks_search(c, number);
}

/*
 * Loads the chunks of the log, or else all other results. A chunk that has changed its kind since
 * its header was read is taken as FREE. `progress` may be NULL.
 */
bool chunks_load(struct chunks *c, bool is_log, struct progress *progress, struct trouble *t);

/*
 * Copies a chunk of the ring, which has TRACE_CHUNK_BYTES. Its header's sequence is 0 if it no longer holds
 * the events that it held when the headers were read.
 */
bool chunks_read_ring(const struct chunks *c, uint32_t number, void *to, struct trouble *t);

/* Frees the copies and closes the file. */
void chunks_release(struct chunks *c);

#endif
