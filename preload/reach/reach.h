/* SPDX-License-Identifier: MIT */
/*
 * At the end of the process, if --leak-check asks for it: looks for what still points to its live blocks
 * and sections, to tell those that are lost.
 *
 *	host     exit() ──▶ reach_begin() ── copies itself ──▶ ends as it would have
 *	                                          │
 *	copy                                      └──▶ search_all() ──▶ trace, header.search ──▶ ends
 *
 * The host stands still only while the kernel makes the copy, as by fork(). The copy shows what was found
 * in the trace file, and `lsatrace run` waits for it. It is no child that the host could wait for, and its
 * end sends no signal (clone() without one). It has no descriptors of the host's, all signals are blocked,
 * so that none of the host's handlers runs in it, and it is gone after some seconds at most.
 */
#ifndef LSATRACE_PRELOAD_REACH_REACH_H
#define LSATRACE_PRELOAD_REACH_REACH_H

/* Does this once in a process that has its own trace. Async-signal-safe. Changes errno. */
void reach_begin(void);

#endif
