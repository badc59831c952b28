/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a trace, checked. This is the only module that knows where things lie in the file;
 * what it hands out has every field within the range that trace_format.h gives it, and every
 * reference leads to something of the right type or to nothing.
 *
 * A trace is hostile input, and it may be written, cut or replaced while it is read. So it is not
 * mapped, but copied by pread, once, and only the copy is looked at: nothing that was checked can
 * change, and a file that shrinks is an error instead of a SIGBUS. Copied at opening are the chunks
 * with results (definitions, stacks, ledger, findings, lanes, counters); the ring, which is nearly
 * all of a large trace, is copied a chunk at a time when somebody asks for it.
 *
 * A file whose header says that the process runs may be in motion. Chunks of it are read twice, and
 * an item counts as valid only if it was so at the first reading: its content is then whole in the
 * second. The log is read last, since the writer writes a stack before it refers to it. References
 * of such a file that lead to nothing are no damage: they read as "unknown".
 *
 * A reader is used by one thread at a time. Pointers that it hands out live as long as the reader.
 */
#ifndef LSATRACE_VIEWER_READ_READER_H
#define LSATRACE_VIEWER_READ_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"

struct progress;
struct reader;

enum reader_error {
	READER_OK,
	READER_CANNOT_OPEN,      /* no such file, not permitted, ... */
	READER_NOT_A_FILE,       /* a folder, a pipe, a device */
	READER_CANNOT_READ,      /* the system says so */
	READER_EMPTY,            /* no byte in it */
	READER_NOT_A_TRACE,      /* something else, or a trace whose making was never finished */
	READER_OTHER_BYTE_ORDER, /* made on a machine of the other kind */
	READER_OTHER_VERSION,    /* made by another version of lsatrace */
	READER_CUT_OFF,          /* shorter than it says */
	READER_DAMAGED,          /* a value outside the range that trace_format.h gives */
};

/* What is wrong with a file: `text` ends a line that begins with its name and ": ". */
struct reader_trouble {
	enum reader_error error;
	uint64_t at; /* the byte at which it shows */
	char text[160];
};

/* A reader of the file, or NULL and what is wrong. `progress` may be NULL. */
struct reader *reader_open(const char *path, struct progress *progress,
			   struct reader_trouble *trouble);
void reader_close(struct reader *r);

const struct trace_header *reader_header(const struct reader *r);

/* Where an iteration stands: starts zeroed. */
struct reader_cursor {
	uint32_t chunk;
	uint32_t offset; /* in the chunk, in bytes */
};

/* The next valid item of a kind, or NULL after the last: records in the order in which their chunks
 * were begun, others in that of the file. `*ref`, where there is one, is the item's reference. */
const struct trace_record *reader_next_record(const struct reader *r, struct reader_cursor *c);
const struct trace_entry *reader_next_entry(const struct reader *r, struct reader_cursor *c,
					    uint32_t *ref);
const struct trace_finding *reader_next_finding(const struct reader *r, struct reader_cursor *c);
const struct trace_lane *reader_next_lane(const struct reader *r, struct reader_cursor *c);
const struct trace_counters *reader_next_counters(const struct reader *r, struct reader_cursor *c);

/*
 * The stack that a reference leads to; NULL for 0 and for what a file in motion does not hold yet.
 */
const struct trace_stack *reader_stack(const struct reader *r, uint32_t ref);

/* The ledger's entry that a reference leads to, in whatever state; NULL as for a stack. */
const struct trace_entry *reader_entry(const struct reader *r, uint32_t ref);

/* A chunk of the ring. */
struct reader_ring {
	uint32_t chunk; /* its number in the file */
	uint32_t lane;
	uint64_t sequence; /* from 1 */
	/* It holds READER_RING_EVENTS events, of these times, so many of them transfers. */
	bool is_full;
	uint32_t transfers;
	uint64_t first_time, last_time;
};

/* The next chunk of the ring that holds events, in the order of the file; false after the last. */
bool reader_next_ring(const struct reader *r, struct reader_cursor *c, struct reader_ring *ring);

#define READER_RING_EVENTS TRACE_ITEMS(struct trace_event)

/* A ring chunk's events. */
struct reader_events {
	size_t count; /* committed events, the first of `event` */
	size_t torn;  /* slots that hold something which was never committed */
	struct trace_event event[READER_RING_EVENTS];
};

/*
 * Reads and checks a chunk of the ring. One that was taken for something else since the file was
 * opened yields no event. READER_OK, or what is wrong, also in `trouble`.
 */
enum reader_error reader_events(const struct reader *r, const struct reader_ring *ring,
				struct reader_events *events, struct reader_trouble *trouble);

#endif
