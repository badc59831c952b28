/* SPDX-License-Identifier: MIT */
/*
 * What keeps the tracer a guest: re-entrancy, errno, the lock of the cold paths, fork.
 *
 * A thread is *inside* while it runs the tracer's own code. A call that arrives then, from a signal
 * handler, is passed through and counted, so no code of ours needs to be re-entrant. The host's own
 * functions run outside, so calls may nest in each other.
 *
 * The cold lock guards what happens once for a stack, a module, a thread or a finding. No call takes
 * it once warm. It is bounded: who cannot get it in time counts what is lost and goes on. It lies in
 * a page that the kernel clears in a forked child, however the child was made: there it is free, and
 * guard->owner, which is 0 then, tells the child that the trace is its parent's.
 */
#ifndef LSATRACE_GUARD_H
#define LSATRACE_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

struct guard_page {
	uint32_t owner; /* 1: the trace is this process's; 0: it is not, or there is none */
	uint32_t cold_lock;
	uint32_t fork_gate; /* 1: a thread is forking; see backtrace.c */
};

extern struct guard_page *guard;
extern __thread bool guard_inside;

/* Makes the page. False: no memory. Called once, before the first trace. */
bool guard_init(void);

/* False: not to be had within a second, or there is no page. */
bool cold_lock(void);
void cold_unlock(void);

/* Waits a moment that grows with `turn`; false after about a second. */
bool guard_pause(unsigned turn);

#endif
