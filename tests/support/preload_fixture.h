/* SPDX-License-Identifier: MIT */
/*
 * Starts modules of the preload library inside a test, in place of the library's constructor. No
 * function of the test program is replaced. If the system refuses something, such as memory, the
 * calling test ends by abort().
 */
#ifndef SUPPORT_PRELOAD_FIXTURE_H
#define SUPPORT_PRELOAD_FIXTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "preload/file/chunks.h"
#include "preload/file/lanes.h"

/* Does what the constructor does, with `options` in place of LSATRACE_OPTIONS. Creates no trace. */
void preload_init(const char *options);

/* Creates a trace with a ring of `ring_bytes` bytes, or in full mode if that is 0, in a file
 * without a name. Returns the lane of the calling thread. */
struct lane *preload_start(uint64_t ring_bytes);

/* Does the same again, in place of the present trace, as a forked child does. */
struct lane *preload_start_anew(uint64_t ring_bytes);

/* Returns the file descriptor of the trace. */
int preload_file(void);

/* Starts `count` threads, and sets lanes[] to their lanes. They wait until
 * preload_end_threads(). */
enum { PRELOAD_LANES_MOST = 64 };
void preload_start_threads(struct lane *lanes[], unsigned count);
void preload_end_threads(void);

/* Runs `work` in `count` threads at the same time, with the thread's number, and waits for their
 * end. */
void preload_run_threads(unsigned count, void *(*work)(void *number));

/* Limits the address space of the process to what it uses now and `more_bytes` more. Under a
 * sanitizer it uses very much. */
void preload_limit_address_space(uint64_t more_bytes);

/* Returns how many bytes of the process are locked (VmLck). */
uint64_t preload_locked_bytes(void);

/* Returns the item after `after`, or the first one if that is NULL, in the chunks of a kind.
 * Returns NULL after the last one. */
void *preload_next_item(enum trace_chunk_kind kind, size_t item_bytes, const void *after);
/* Does the same for each type of item. */
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
PRELOAD_NEXT(checkpoint, TRACE_CHUNK_CHECKPOINTS)

/* Returns the committed record of the log after `after`, or the first one if that is NULL.
 * Returns NULL after the last one. */
struct trace_record *preload_next_record(const struct trace_record *after);

/* Returns the number of chunks of a kind. */
uint32_t preload_chunks(enum trace_chunk_kind kind);

#endif
