/* SPDX-License-Identifier: MIT */
/*
 * At the end of the process, if --leak-check asks for it: looks for what still points to its live blocks
 * and sections, to tell those that are lost.
 *
 *	host     exit() ──▶ reach_begin() ── goes on, and ends as it would have
 *	                          │                             │
 *	a process that shares     └── waits ───────────────────▶└──▶ search_all() ──▶ trace, header.search
 *	the host's memory
 *
 * Memory stays as long as one process has it. So the host does not stand still, but while that process is
 * made and the innermost part of its stack is copied: with the registers in it, as they are now. All other
 * memory is searched as the host leaves it. `lsatrace run` waits for the outcome.
 *
 * The process is no child that the host could wait for, and its end sends no signal (clone() without one).
 * It has no descriptors of the host's, all signals are blocked, so that none of the host's handlers runs
 * in it, and it is gone some seconds after the host at most.
 */
#ifndef LSATRACE_PRELOAD_REACH_REACH_H
#define LSATRACE_PRELOAD_REACH_REACH_H

#include <stdbool.h>

/* Begins this once in a process that has its own trace. `has_killed`: threads were ended wherever they were.
 * Async-signal-safe. Changes errno. */
void reach_begin(bool has_killed);

#endif
