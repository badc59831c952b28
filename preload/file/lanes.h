/* SPDX-License-Identifier: MIT */
/*
 * A thread's place in the trace: what it writes without asking anyone. Its ring chunk, its
 * counters, its calls in flight. A thread that ends leaves its lane, with all that is in it, to the
 * next one, so that ten thousand threads, one after another, cost no more than one.
 */
#ifndef LSATRACE_PRELOAD_FILE_LANES_H
#define LSATRACE_PRELOAD_FILE_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "preload/base/reentry.h"
#include "preload/file/trace.h"

enum { LANE_PLACES_LEAST = 64, LANE_PLACES_MOST = 1024, LANE_SECTIONS = 256 };

enum { LANE_COUNTERS = TRACE_FUNCTIONS / TRACE_COUNTERS_FUNCTIONS };

/* A lane's counters in the file, by package and function; NULL: not used so far. */
struct lane_counters {
	struct trace_counters *of[TRACE_PACKAGES][LANE_COUNTERS];
};

struct lane {
	struct trace_event *next, *end; /* room in the ring chunk; equal: none */
	struct trace_chunk *chunk;
	struct trace_lane *shown; /* in the file */
	uint64_t time;    /* of the call that is being recorded, in ticks: never goes back */
	int *errno_place; /* of the thread */
	int32_t tid;
	uint32_t number;
	uint32_t releases;              /* for the ledger's epochs */
	struct unwind_history *history; /* the backtrace taken last */
	uint32_t unwinding;   /* 1: the thread is inside libunwind; see backtrace.h; 2: for
					   longer than anyone waits */
	uint32_t next_free;   /* in the list of lanes between threads */
	uint32_t places;      /* in place[]: free ones in the file, for what is live */
	uint32_t places_most; /* that it keeps: fewer in a small file */
	uint32_t *place;      /* LANE_PLACES_MOST */
	uint32_t depth;       /* calls in flight */
	uintptr_t stack_pointer[TRACE_IN_FLIGHT]; /* of their shims, and who called them: tells which a */
	uint64_t caller[TRACE_IN_FLIGHT];         /* longjmp() has left */
	struct lane_counters *counters;
	/* Blocks that the lane's calls entered less those that they let go, by the number of their
	 * section; sections share a row. */
	int32_t *blocks; /* LANE_SECTIONS */
} __attribute__((aligned(64)));

/* What each lane keeps for capture/, which this folder does not know (capture/unwind.h). */
struct lane_history {
	size_t bytes; /* zeroed when a lane is made */
	/* The thread left the tracer in the middle of a backtrace: what is kept is not whole. */
	void (*forget)(struct unwind_history *history);
};

/* False: no memory. Once. */
bool lanes_init(const struct lane_history *kind);
/* For a new file: all lanes are as never used. */
void lanes_reset(void);

/* The calling thread's lane, and in which trace. */
extern __thread struct lane *lanes_own;
extern __thread uint32_t lanes_own_trace;

/* The calling thread's lane, if it has one in this process's trace; else NULL. */
static inline struct lane *lanes_known(void)
{
	return likely(lanes_own_trace == trace_number()) ? lanes_own : NULL;
}

/* The same, but it is given one, if it can be; NULL: the trace has no room for it. */
struct lane *lanes_mine(void);

/*
 * A call arrives while its thread is inside the tracer; the caller's own frame reaches up to `end`.
 * False: a signal handler has come upon the tracer. True: longjmp() had left it. The thread is
 * outside then, and what it was in the midst of is forgotten.
 */
bool lanes_were_left(const void *end);

/* How many there are. */
uint32_t lanes_count(void);

/* Moves the lane's time on. */
static inline void lanes_advance(struct lane *lane, uint64_t ticks)
{
	if (likely(ticks > lane->time))
		lane->time = ticks;
}

struct trace_counters *lanes_add_counters(struct lane *lane, uint32_t package, uint32_t function);

/* The calling thread's counter for a package and function; NULL: no room. */
static inline struct trace_counter *lanes_counter(struct lane *lane, uint32_t package,
						  uint32_t function)
{
	struct trace_counters *counters =
		lane->counters->of[package][function / TRACE_COUNTERS_FUNCTIONS];

	if (unlikely(!counters))
		counters = lanes_add_counters(lane, package, function);
	return counters ? &counters->function[function % TRACE_COUNTERS_FUNCTIONS] : NULL;
}

/* The sum of blocks[] of all lanes. */
int64_t lanes_blocks(uint32_t section);

/* Waits, bounded, until no other thread is inside the unwinder. */
void lanes_await_unwinders(void);

#endif
