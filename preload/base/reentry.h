/* SPDX-License-Identifier: MIT */
/*
 * Tells whether a thread runs the tracer's own code at this moment.
 *
 * A thread is *inside* while it does. A call that arrives then comes from a signal handler: it gets
 * a lane of its own (lanes.h), so that no code of the tracer needs to be re-entrant. The host's
 * functions run outside, so calls may nest in each other.
 *
 * A signal handler may also leave the tracer for good, by longjmp(). To find that out, whoever
 * enters leaves a mark in its own stack frame. The mark is gone as soon as something else has used
 * that part of the stack. Neither the address of the stack nor the depth would tell: signal
 * handlers have stacks of their own, and coroutines have many. While the mark is there, the thread
 * is taken for being inside, and nothing is wrong with that: its calls only cost a little more.
 *
 * All state belongs to one thread. Async-signal-safe.
 */
#ifndef LSATRACE_PRELOAD_BASE_REENTRY_H
#define LSATRACE_PRELOAD_BASE_REENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/base/compiler.h"

/* 0: outside. 1: inside, without a mark. Else: inside, and the address of the mark. */
extern __thread uintptr_t reentry_inside;

/* Lies in the stack frame of whoever has entered. */
struct reentry_mark {
	uintptr_t check;
};

static inline uintptr_t reentry_check(uintptr_t mark)
{
	return ~mark;
}

/* Enters. The fences are for a signal handler, which must never find the thread inside without a
 * mark. */
static inline void reentry_enter(struct reentry_mark *mark)
{
	mark->check = reentry_check((uintptr_t)mark);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	reentry_inside = (uintptr_t)mark;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* Enters once more, in a frame that has entered before: its mark is still there. */
static inline void reentry_enter_again(const struct reentry_mark *mark)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	reentry_inside = (uintptr_t)mark;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline void reentry_leave(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	reentry_inside = 0;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/*
 * For a call that arrives while its thread is inside: returns true if the frame that had entered is
 * gone, so that a longjmp() has left the tracer. `end` is the upper end of the caller's own frame.
 * Returns false also if that frame is gone and nothing has used its place since.
 */
bool reentry_was_left(const void *end);

#endif
