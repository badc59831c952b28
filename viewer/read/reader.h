/* SPDX-License-Identifier: MIT */
/*
 * Reads a trace, and checks all of it. Everything above this room can rely on what a reader hands
 * out: each field is within the range that trace_format.h gives it, and each reference leads to an
 * item of the right type or to nothing.
 *
 * A trace is hostile input, and it may be written, cut off or replaced while it is read. So the
 * file is not mapped. Its chunks are copied, once, and only the copies are checked and used: what
 * was checked cannot change afterwards (chunks.h).
 *
 * A file whose header says that the process is running may be in motion. The log of such a file is
 * copied last, because the writer writes a stack before it refers to it. A reference that leads to
 * nothing is damage in a file at rest; in a file in motion it means "unknown".
 *
 * Safe from any thread, but for opening and closing. Pointers that a reader hands out are valid until reader_close().
 */
#ifndef LSATRACE_VIEWER_READ_READER_H
#define LSATRACE_VIEWER_READ_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "viewer/read/trouble.h"

struct progress;
struct reader;

/* Returns a reader of the file, or NULL with the trouble filled in. `progress` may be NULL. */
struct reader *reader_open(const char *path, struct progress *progress, struct trouble *t);
/* Accepts NULL. */
void reader_close(struct reader *r);

const struct trace_header *reader_header(const struct reader *r);
/* Did the header say, when the reading began, that the process was running? */
bool reader_was_moving(const struct reader *r);

/* The position of an iteration over items of one kind. Starts zeroed. */
struct reader_cursor {
	uint32_t chunk;
	uint32_t offset; /* in the chunk, in bytes */
};

/*
 * Each returns the next valid item, or NULL after the last. Records come in the order in which
 * their chunks were begun, other items in the order of the file.
 */
const struct trace_record *reader_next_record(const struct reader *r, struct reader_cursor *c);
const struct trace_entry *reader_next_entry(const struct reader *r, struct reader_cursor *c);
const struct trace_finding *reader_next_finding(const struct reader *r, struct reader_cursor *c);
const struct trace_lane *reader_next_lane(const struct reader *r, struct reader_cursor *c);
const struct trace_counters *reader_next_counters(const struct reader *r, struct reader_cursor *c);
const struct trace_checkpoint *reader_next_checkpoint(const struct reader *r,
						      struct reader_cursor *c);
/* The reference of the next stack of the log; 0 after the last. */
uint32_t reader_next_stack(const struct reader *r, struct reader_cursor *c);
/* The number of entries. */
size_t reader_count_entries(const struct reader *r);
/* The era of the entry that reader_next_entry() has just returned; 0 before version 4. */
uint32_t reader_era(const struct reader *r, const struct reader_cursor *c);
/* What the search has found of that entry; UNKNOWN before version 5, and of an entry that is newer. */
enum trace_reach reader_reach(const struct reader *r, const struct reader_cursor *c);
/* The number of the function that counters->function[0] is about. */
uint32_t reader_first_function(const struct reader *r, const struct trace_counters *counters);

/*
 * Return what a reference leads to. NULL for the reference 0, and for an item that a file in motion
 * does not hold yet. An entry may be in any state.
 */
const struct trace_stack *reader_stack(const struct reader *r, uint32_t ref);
const struct trace_entry *reader_entry(const struct reader *r, uint32_t ref);

/*
 * The places at which stacks can lie, for tables of what is known of each stack: how many there are,
 * and the one of a stack, below that number. reader_stack(r, ref) is not NULL.
 */
size_t reader_stack_places(const struct reader *r);
size_t reader_stack_place(const struct reader *r, uint32_t ref);

#define READER_RING_EVENTS TRACE_ITEMS(struct trace_event)

/* What the header of a chunk of the ring says. */
struct reader_ring {
	uint32_t chunk; /* its number in the file */
	uint32_t lane;
	uint64_t sequence; /* from 1 */
	bool is_full;      /* it holds READER_RING_EVENTS events, and the following is known: */
	uint32_t transfers;
	uint64_t first_time, last_time; /* ticks */
};

/*
 * Sets *ring to the next chunk of the ring that holds events, in the order of the file. Returns
 * false after the last.
 */
bool reader_next_ring(const struct reader *r, struct reader_cursor *c, struct reader_ring *ring);
/* Returns all of them, lane by lane, the oldest one of a lane first; to be freed. NULL: there are none. */
struct reader_ring *reader_list_rings(const struct reader *r, size_t *count);

/* The events of one chunk of the ring, where they were read. */
struct reader_events {
	size_t count; /* committed events: event[0] to event[count - 1] */
	size_t torn;  /* places that hold something which was never committed */
	struct trace_chunk head;
	struct trace_event event[READER_RING_EVENTS];
};

/*
 * Reads and checks the events of a chunk of the ring. There are none if the chunk was given to
 * another use since the trace was opened. Returns false with the trouble filled in.
 */
bool reader_read_events(const struct reader *r, const struct reader_ring *ring,
			struct reader_events *events, struct trouble *t);

/*
 * Copies a chunk of the file, below header.chunks and not chunk 0, to TRACE_CHUNK_BYTES bytes: as it was
 * checked, and of the ring as it is now. One that is not in use is zero. Returns false with the trouble
 * filled in.
 */
bool reader_copy_chunk(const struct reader *r, uint32_t number, void *to, struct trouble *t);

#endif
