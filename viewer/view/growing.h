/* SPDX-License-Identifier: MIT */
/* What `report --growth` says to people: the backtraces whose live memory grows (model/growth.h). */
#ifndef LSATRACE_VIEWER_VIEW_GROWING_H
#define LSATRACE_VIEWER_VIEW_GROWING_H

struct buffer;
struct frames_style;
struct model;
struct symbols;

/* Appends what grows in one trace, and a line that says how much was looked at. */
void growing_write(struct buffer *out, const struct frames_style *style, struct symbols *symbols,
		   const struct model *m);

#endif
