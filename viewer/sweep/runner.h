/* SPDX-License-Identifier: MIT */
/*
 * The process that does the runs of a sweep, and tells when each has ended. It is started before any trace is
 * read: the one that reads them grows large, so that each process it makes costs more than a short command.
 * And so runs are read while others go on.
 *
 *	sweep ── which run, with which options ──▶ runner ──▶ worker: one recording after another ──▶ command
 *	      ◀── which run has ended, and how ───        ──▶ worker ...
 *
 * For one thread.
 */
#ifndef LSATRACE_VIEWER_SWEEP_RUNNER_H
#define LSATRACE_VIEWER_SWEEP_RUNNER_H

#include <stdbool.h>
#include <stddef.h>

struct sweep;

/* Returns false with one line printed if it cannot be started. */
bool runner_start(struct sweep *s);

/*
 * Does the runs from one on that are WAITING, several at a time, and calls judge() for each that has ended.
 * Returns false if a signal has interrupted it, or the runner has died.
 */
bool runner_do(struct sweep *s, size_t first, void (*judge)(struct sweep *s, size_t run));

/* What was started ends. */
void runner_end(struct sweep *s);

#endif
