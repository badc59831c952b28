/* SPDX-License-Identifier: MIT */
/*
 * Which chunks of the ring can hold the event of an entry of the ledger, by the era of the entry. So who
 * looks for a few entries in ten million events need not read them all.
 *
 *	lane 0   | chunk 1 | chunk 2 . . . . . . . . | chunk 5 | chunk 6 . .
 *	lane 1                       | chunk 3 | chunk 4 . . . . . . . . . .
 *	era      0         | 1                 | 2             | 3
 *
 * A thread reads the era when it enters what it made, and then writes the event: into the chunk of its
 * lane, or if that is full, into the next one, which it begins. So the event of an entry in a chunk was
 * entered after the chunk before it had begun, and before the one behind it began. Of these two moments the
 * era is known from the sequences of the chunks, because every TRACE_ERA_CHUNKS-th one begins an era.
 *
 *   - A thread takes a sequence first and begins the era then. So at a moment, each other lane may
 *     lag behind by one era.
 *   - Checkpoints begin eras as well, and the trace has them, but for those that were replaced.
 *   - If the eras are not all explained by chunks and checkpoints, or there are none (before version 4),
 *     any chunk can hold any event.
 *
 * Pure, but for the memory.
 */
#ifndef LSATRACE_VIEWER_READ_ERAS_H
#define LSATRACE_VIEWER_READ_ERAS_H

#include "viewer/read/reader.h"

struct eras_chunk {
	struct reader_ring ring;
	uint32_t first, last; /* its events are of entries of these eras, or of those between */
};

/* Returns the chunks of the ring, in the order of reader_list_rings(); to be freed. Never NULL. */
struct eras_chunk *eras_list_chunks(const struct reader *r, size_t *count);

#endif
