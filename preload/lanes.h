/* SPDX-License-Identifier: MIT */
/*
 * A thread's place in the trace: what it writes without asking anyone. Its ring chunk, its counters,
 * its calls in flight. A thread that ends leaves its lane, with all that is in it, to the next one,
 * so that ten thousand threads, one after another, cost no more than one.
 */
#ifndef LSATRACE_LANES_H
#define LSATRACE_LANES_H

#include <stdbool.h>
#include <stdint.h>

#include "../include/trace_format.h"

enum { LANE_SLOTS = 64 };

struct lane {
	struct trace_event *next, *end; /* room in the ring chunk; equal: none */
	struct trace_chunk *chunk;
	struct trace_lane *shown; /* in the file */
	int32_t tid;
	uint32_t number;
	uint32_t releases;              /* for the ledger's epochs */
	struct unwind_history *history; /* the backtrace taken last */
	uint32_t unwinding; /* 1: the thread is inside libunwind; see backtrace.h; 2: for
					   longer than anyone waits */
	uint32_t next_free; /* in the list of lanes between threads */
	uint32_t slots;     /* entries of slot[]: ledger entries of the file, free to use */
	uint32_t slot[LANE_SLOTS];
	uint32_t depth;                           /* calls in flight */
	uintptr_t stack_pointer[TRACE_IN_FLIGHT]; /* of their shims, and who called them: tells which a */
	uint64_t caller[TRACE_IN_FLIGHT];         /* longjmp() has left */
	struct trace_counters *counters[TRACE_PACKAGES];
} __attribute__((aligned(64)));

/* False: no memory. Once. */
bool lanes_init(void);
/* For a new file: all lanes are as never used. */
void lanes_reset(void);

/* The calling thread's lane; NULL: the trace has no room for one. */
struct lane *lanes_mine(void);

/*
 * A call arrives while its thread is inside the tracer; the caller's own frame reaches up to `end`.
 * False: a signal handler has come upon the tracer. True: longjmp() had left it. The thread is outside
 * then, and what it was in the midst of is forgotten.
 */
bool lanes_were_left(const void *end);

/* How many there are. */
uint32_t lanes_count(void);

/* The calling thread's counters for a package; NULL: no room. */
struct trace_counters *lanes_counters(struct lane *lane, uint32_t package);

/* Waits, bounded, until no other thread is inside the unwinder. */
void lanes_await_unwinders(void);

#endif
