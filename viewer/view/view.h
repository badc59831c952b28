/* SPDX-License-Identifier: MIT */
/* The options that say how much of a report is shown, and how. */
#ifndef LSATRACE_VIEWER_VIEW_VIEW_H
#define LSATRACE_VIEWER_VIEW_VIEW_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "viewer/base/arguments.h"
#include "viewer/view/frames.h"

/* Zeroed: the defaults. */
struct view {
	size_t top; /* findings that are shown with all that is known; 0: VIEW_TOP on a terminal */
	enum frames_names names;
	enum { VIEW_FRAMES_OWN, VIEW_FRAMES_ALL } frames;
	uint32_t source; /* lines */
};

#define VIEW_TOP 20u

struct argument_group view_arguments(struct view *v);

/* How many findings are shown with all that is known of them. */
size_t view_top(const struct view *v, FILE *out);

#endif
