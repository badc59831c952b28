/* SPDX-License-Identifier: MIT */
/*
 * A bar on standard error for work that takes over a second, if that is a terminal; nothing
 * otherwise. A zeroed struct is ready for use; a NULL one is accepted everywhere. One at a time, on
 * one thread.
 */
#ifndef LSATRACE_VIEWER_BASE_PROGRESS_H
#define LSATRACE_VIEWER_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	uint64_t started_ns; /* 0: not begun */
	uint64_t drawn_ns;   /* when the bar was last drawn, 0: it is not there */
	bool hidden;         /* standard error is no terminal */
};

/* `done` of `total` units of `what` are done. Cheap enough to be called for every 16 KiB. */
void progress_show(struct progress *p, const char *what, uint64_t done, uint64_t total);

/* Takes the bar away, if it is there, so that other lines may follow. */
void progress_end(struct progress *p);

#endif
