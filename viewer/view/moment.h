/* SPDX-License-Identifier: MIT */
/*
 * A moment that a user names: "2026-11-29 21:05", "21:05:47", "-8h" for 8 hours ago, "+12.5" for
 * 12.5 seconds after the start of a trace. Asks the clock and the time zone; keeps no state.
 */
#ifndef LSATRACE_VIEWER_VIEW_MOMENT_H
#define LSATRACE_VIEWER_VIEW_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed: none. */
struct moment {
	bool is_set;
	bool is_relative; /* to the start of each trace */
	uint64_t ns;      /* since that, or since 1970 */
};

struct argument;

/* Takes a moment for an option, as struct argument has it. After a failure none is set. */
const char *moment_take(void *moment, const struct argument *row, const char *value);

/* Returns nanoseconds since 1970, for a trace that was begun at `start_ns`. */
uint64_t moment_in(const struct moment *m, uint64_t start_ns);

#endif
