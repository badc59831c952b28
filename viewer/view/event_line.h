/* SPDX-License-Identifier: MIT */
/*
 * Writes one event as a line of text. A call looks as in strace:
 *
 *   [+0.001234567] 1234 pkg AllocateSharedMemory(0x7f00, 64) = 0x7f10 <0.000000213>  ← double-free
 *
 * and a transfer so:
 *
 *   [+0.001234567] 1234 pkg LsaApLogonUser hands 0x7f10 (64 bytes, lsa-heap) to the LSA
 *
 * With sites, " site=0123456789abcdef" follows the call (include/site.h), in front of what is wrong with it.
 *
 * `events` writes millions of these, so names are prepared once, and nothing goes through printf.
 *
 * Any number of threads may write; making and freeing is for one.
 */
#ifndef LSATRACE_VIEWER_VIEW_EVENT_LINE_H
#define LSATRACE_VIEWER_VIEW_EVENT_LINE_H

#include <stdbool.h>

#include "include/trace_format.h"

struct buffer;
struct event_line;
struct model;
struct verdicts;

/* What is given must outlive the result. Never NULL. */
struct event_line *event_line_new(const struct model *model, const struct verdicts *verdicts,
				  bool has_color, bool has_sites);
/* Accepts NULL. */
void event_line_free(struct event_line *e);

void event_line_write(const struct event_line *e, struct buffer *b, const struct trace_event *event);

#endif
