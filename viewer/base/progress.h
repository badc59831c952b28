/* SPDX-License-Identifier: MIT */
/*
 * A progress bar on standard error, for work that takes more than a second. Without a terminal
 * there is none.
 *
 * A zeroed struct is ready for use. All functions accept NULL. For one thread, and one bar at a
 * time: what another thread does is shown by the one that waits for it.
 */
#ifndef LSATRACE_VIEWER_BASE_PROGRESS_H
#define LSATRACE_VIEWER_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	uint64_t started_ns; /* 0: not started */
	uint64_t drawn_ns;   /* when the bar was last drawn; 0: it is not shown */
	bool is_hidden;      /* standard error is no terminal */
	bool is_noted;       /* of a thread that draws nothing: only noted, for progress_relay() */
	const char *what;    /* a literal; these three are for is_noted */
	uint64_t done, total;
};

/* Says that `done` of `total` units of `what` are done. Cheap enough for a call every 16 KiB. */
void progress_show(struct progress *p, const char *what, uint64_t done, uint64_t total);

/* Shows by `p` what another thread has noted last. */
void progress_relay(struct progress *p, const struct progress *noted);

/* progress_show() of bytes of which nobody knows how many there will be: shown if no bar was for a second. */
void progress_show_bytes(struct progress *p, const char *what, uint64_t bytes);

/* Removes the bar, if it is shown, so that other lines can be printed. */
void progress_end(struct progress *p);

#endif
