/* SPDX-License-Identifier: MIT */
/*
 * What keeps the tracer a guest: re-entrancy, errno, the lock of the cold paths, fork.
 *
 * A thread is *inside* while it runs the tracer's own code. A call that arrives then, from a signal
 * handler, is passed through and counted, so no code of ours needs to be re-entrant. The host's own
 * functions run outside, so calls may nest in each other.
 *
 * A handler may also leave the tracer for good, by longjmp(). So who enters leaves a mark in his own
 * frame, which stays while that frame does: it is gone once something else lies there. Neither the
 * stack that a call comes from nor its depth would tell, for handlers have stacks of their own and
 * coroutines have many.
 *
 * The cold lock guards what happens once for a stack, a module, a thread or a finding. No call takes
 * it once warm. It is bounded: who cannot get it in time counts what is lost and goes on. Signals are
 * blocked under it, so that no handler leaves it, or the loader's lock, locked for good. It lies in
 * a page that the kernel clears in a forked child, however the child was made: there it is free, and
 * guard->trace, which is 0 then, tells the child that the trace is its parent's.
 */
#ifndef LSATRACE_PRELOAD_BASE_REENTRY_H
#define LSATRACE_PRELOAD_BASE_REENTRY_H

#include <stdbool.h>
#include <stdint.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Not part of the function that calls it: on the way of a call, what most calls do is in one piece, so
 * that its stack is small, and what few do is elsewhere. */
#define APART __attribute__((noinline))

struct guard_page {
	uint32_t trace; /* the number of the trace that is this process's; 0: it has none */
	uint32_t cold_lock;
	uint32_t fork_gate; /* 1: a thread is forking; see backtrace.c */
};

extern struct guard_page *guard;
/* 0: outside; the address of a mark; or 1: inside, and none was left. */
extern __thread uintptr_t reentry_inside;

/* In the frame of who is inside. */
struct reentry_mark {
	uintptr_t check;
};

static inline uintptr_t reentry_check(uintptr_t mark)
{
	return ~mark;
}

/* The fences are for a signal handler: there is no moment inside without a mark. */
static inline void reentry_enter(struct reentry_mark *mark)
{
	mark->check = reentry_check((uintptr_t)mark);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	reentry_inside = (uintptr_t)mark;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* In the frame that has entered before: its mark is still there. */
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

/* For a thread that is inside by reentry_inside: is the frame that had entered gone? The caller's own
 * frame reaches up to `end`. False as well when it is gone and nothing has yet come to its place. */
bool reentry_was_left(const void *end);

/* Makes the page. False: no memory. Called once, before the first trace. */
bool reentry_init(void);

/* False: not to be had within a second, or there is no page. */
bool cold_lock(void);
void cold_unlock(void);

/* Waits a moment that grows with `turn`; false after about a second. */
bool reentry_pause(unsigned turn);

#endif
