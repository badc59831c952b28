/* SPDX-License-Identifier: MIT */
/*
 * Brings up modules of the preload library inside a test, in place of its constructor: nothing
 * stands in front of the test's own functions. What the system refuses ends the calling test by
 * abort().
 */
#ifndef SUPPORT_PRELOAD_FIXTURE_H
#define SUPPORT_PRELOAD_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "preload/file/chunks.h"
#include "preload/file/lanes.h"

/* What the constructor does, with `options` in place of LSATRACE_OPTIONS. No trace is made. */
void preload_init(const char *options);

/* A trace of `ring_bytes` in a file without a name, 0: in full mode; and the calling thread's
 * lane. */
struct lane *preload_start(uint64_t ring_bytes);

/* The same in place of the trace that there is, as in a forked child. */
struct lane *preload_start_anew(uint64_t ring_bytes);

/* The trace's file, as the system knows it. */
int preload_file(void);

/* Gives `count` lanes, each of a thread of its own that waits until preload_end_threads(). */
enum { PRELOAD_LANES_MOST = 64 };
void preload_start_threads(struct lane *lanes[], unsigned count);
void preload_end_threads(void);

/* Runs `work` in `count` threads at once and waits for them. */
void preload_run_threads(unsigned count, void *(*work)(void *number));

/* Leaves the process so much more address space than it has taken now, which a sanitizer takes a lot of. */
void preload_limit_address_space(uint64_t more_bytes);

/* The item after one, NULL: the first, in the chunks of a kind; NULL: no more. */
void *preload_next_item(enum trace_chunk_kind kind, size_t item_bytes, const void *after);
/* The same by the items' own types. */
#define PRELOAD_NEXT(name, kind) \
	static inline struct trace_##name *preload_next_##name(const struct trace_##name *after) \
	{ \
		return preload_next_item(kind, sizeof(*after), after); \
	}

PRELOAD_NEXT(entry, TRACE_CHUNK_LEDGER)
PRELOAD_NEXT(finding, TRACE_CHUNK_FINDINGS)
PRELOAD_NEXT(lane, TRACE_CHUNK_LANES)
PRELOAD_NEXT(counters, TRACE_CHUNK_COUNTERS)
PRELOAD_NEXT(event, TRACE_CHUNK_RING)

/* The committed record of the log after one, NULL: the first; NULL: no more. */
struct trace_record *preload_next_record(const struct trace_record *after);

/* How many chunks of a kind there are. */
uint32_t preload_chunks(enum trace_chunk_kind kind);

#endif
