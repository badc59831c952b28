/* SPDX-License-Identifier: MIT */
/*
 * Shows what a trace says while its process runs, again and again: on a terminal, with keys, or as text.
 * Only the trace is read, so that the process does not notice.
 *
 * For one thread.
 */
#ifndef LSATRACE_VIEWER_TOP_TOP_H
#define LSATRACE_VIEWER_TOP_TOP_H

#include <stdbool.h>
#include <stdint.h>

#include "viewer/symbols/places.h"

struct top_options {
	bool is_batch;     /* text on standard output, and no keys */
	uint32_t pictures; /* after how many to end; 0: when the process does */
	uint64_t delay_ns; /* between two of them */
	struct places places;
};

/*
 * Runs until the process or the pictures end, or the user leaves. When the process ends, the last picture
 * is on standard output, and says how. If it had ended before, there is one picture, which the user may
 * walk through; without a terminal it is text. Returns false with one line printed if there was trouble.
 */
bool top_run(const struct top_options *options, const char *trace);

#endif
