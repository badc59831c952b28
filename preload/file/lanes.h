/* SPDX-License-Identifier: MIT */
/*
 * Lanes: what a thread writes to the trace without a lock. A lane holds the chunk of the ring that
 * its thread fills, its counters, and its calls in flight. In the file it is a struct trace_lane.
 *
 *	no lane ── first call of a thread ──▶ in use ──── the thread ends ────▶ free
 *	                                        ▲                                │
 *	                                        └── first call of a new thread ──┘
 *
 * The next thread goes on where the last one stopped, so that ten thousand threads, one after
 * another, cost no more than one.
 *
 * A signal handler that interrupts the tracer, and calls, is a thread of its own to the tracer: for
 * the time of its call it has another lane, in which lane.outer is the lane of the interrupted code.
 * So nothing of the tracer needs to be re-entrant, and nobody has to know whether the handler will
 * return: if it does not, the outer lane rests until the thread ends.
 *
 * Code of the tracer that is left other than by its return, by a longjmp() out of a handler or with
 * the end of its thread, is counted in TRACE_LOST_JUDGEMENTS: a block may be missing.
 *
 * A lane belongs to one thread; where nothing else is said, functions are for that thread. A forked
 * child starts with no lanes.
 */
#ifndef LSATRACE_PRELOAD_FILE_LANES_H
#define LSATRACE_PRELOAD_FILE_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "preload/base/reentry.h"
#include "preload/file/trace.h"

struct unwind_history;

enum {
	LANE_PLACES_LEAST = 128, /* of the ledger in the file, that a lane may keep for itself */
	LANE_PLACES_MOST = 4 * TRACE_LEDGER_ENTRIES,
	LANE_COUNTERS = TRACE_FUNCTIONS / TRACE_COUNTERS_FUNCTIONS,
};

/* A lane's counters in the file, by package and function; NULL: not used so far. */
struct lane_counters {
	struct trace_counters *of[TRACE_PACKAGES][LANE_COUNTERS];
};

/* For the ledger: the live section that was named last (ledger/scopes.h), as long as its life is `life`. */
struct lane_section {
	uint64_t handle, scope, life;
	const uint64_t *life_now;
	uint32_t shown; /* its place in the file */
};

#define LANE_NO_LIFE UINT64_MAX /* no section has it */

struct lane {
	struct trace_event *next, *end; /* room in the chunk of the ring; equal: none */
	struct trace_chunk *chunk;      /* NULL: none; set after next and end */
	struct trace_lane *shown;       /* in the file */
	uint64_t time;    /* ticks: of the call that is being recorded; never goes back */
	int *errno_place; /* &errno of the thread */
	int32_t tid;
	uint32_t number;
	uint32_t releases; /* for the epochs of the ledger */
	uint32_t injected; /* for call/fail.h: the call that it has let fail, or 0 */
	uint32_t entry;    /* for ledger/entries.h: where its run goes on */
	struct lane_section section;
	struct unwind_history *history; /* the backtrace that the thread took last */
	uint32_t next_free;             /* link of the list of free lanes */
	uint32_t places;      /* entries of place[]: unused entries of the ledger in the file */
	uint32_t places_most; /* that it keeps: fewer in a small file, and where lanes are many */
	uint32_t *place;      /* their references; LANE_PLACES_MOST */
	uint32_t fresh;       /* the first of some that nobody has used, which lie back to back */
	uint32_t fresh_count; /* set last */
	uint32_t depth;       /* calls in flight */
	const void *user; /* the thread that has it, or had it last: its &lanes_own; NULL: it has ended */
	bool is_nested;       /* it is used by a handler that interrupted the tracer */
	struct lane *outer;   /* of the interrupted code; NULL: it had none yet */
	uintptr_t outer_mark; /* reentry_inside of that code */
	/* Of the calls in flight, by depth: the stack pointer of the shim, and the return address.
	 * They tell whether longjmp() has left the call. */
	uintptr_t stack_pointer[TRACE_IN_FLIGHT];
	uint64_t caller[TRACE_IN_FLIGHT];
	struct lane_memory *memory; /* of the lane's number; what is in it: see lanes.c */
	struct lane_counters *counters;
} __attribute__((aligned(64)));

/* What a lane keeps for capture/, which this folder does not know (capture/unwind.h). It outlives
 * the thread and the trace of the lane. */
struct lane_history {
	size_t bytes; /* zeroed at first */
	/* Makes it void: its thread was interrupted while it changed it, and will not go on, or it
	 * has ended. */
	void (*forget)(struct unwind_history *history);
};

/* At start-up, as early as possible: how the C library tells that a thread has ended. */
void lanes_start(void);

/* Returns false if there is no memory. Once. */
bool lanes_init(const struct lane_history *kind);

/* For a new file: there are no lanes. Under the cold lock. */
void lanes_reset(void);

/* The calling thread's lane, and the number of the trace that it belongs to. NULL: it has none, and
 * then the number is that of no trace. */
extern __thread struct lane *lanes_own;
extern __thread uint32_t lanes_own_trace;

/* Returns the calling thread's lane in this process's trace, or NULL if it has none so far. */
static inline struct lane *lanes_known(void)
{
	return likely(lanes_own_trace == trace_number()) ? lanes_own : NULL;
}

/* The same, but gives the thread a lane if it has none. Returns NULL if the trace has no room for
 * it. */
struct lane *lanes_mine(void);

/*
 * For a call that arrives while its thread is inside the tracer (reentry.h). Returns true if a
 * longjmp() has certainly left the tracer: then lanes_note_left() is done. Returns false otherwise;
 * most often a signal handler interrupted the tracer, which will go on. `end` is the upper end of
 * the caller's own stack frame.
 */
bool lanes_were_left(const void *end);

/* The tracer was left: the thread is outside of it, a backtrace that it was about to take is
 * forgotten, its locks are released, and that is counted. */
void lanes_note_left(void);

/* Has the tracer ever been left so? Also in an ancestor of this process. Any thread. */
bool lanes_have_left(void);

/* For a call that arrives while its thread is inside the tracer, and leaves `mark` in its frame:
 * gives the thread another lane, and returns it. NULL: there is none. lanes_unnest() goes back to
 * the outer lane, which is inside. */
struct lane *lanes_nest(struct reentry_mark *mark);
void lanes_unnest(struct lane *lane);

/* For a call of the lane `own` that has come back: if calls of inner lanes never did, goes back to
 * that lane. */
void lanes_return_to(const struct lane *own);

/* How many lanes there are. Any thread. */
uint32_t lanes_count(void);

/* Moves the lane's time forward to `ticks`. */
static inline void lanes_advance(struct lane *lane, uint64_t ticks)
{
	if (likely(ticks > lane->time))
		lane->time = ticks;
}

/* Makes the counters that hold the function's, and returns them; NULL: there is no room. */
struct trace_counters *lanes_add_counters(struct lane *lane, uint32_t package, uint32_t function);

/* Returns the lane's counter for a package and function; NULL: there is no room. */
static inline struct trace_counter *lanes_counter(struct lane *lane, uint32_t package,
						  uint32_t function)
{
	struct trace_counters *counters =
		lane->counters->of[package][function / TRACE_COUNTERS_FUNCTIONS];

	if (unlikely(!counters))
		counters = lanes_add_counters(lane, package, function);
	return counters ? &counters->function[function % TRACE_COUNTERS_FUNCTIONS] : NULL;
}

#endif
