/* SPDX-License-Identifier: MIT */
/*
 * One event as a line. A call in the manner of strace:
 *
 *   [+0.001234567] 1234 pkg AllocateSharedMemory(0x7f00, 64) = 0x7f10 <0.000000213>  ← double-free
 *
 * or a transfer:
 *
 *   [+0.001234567] 1234 pkg LsaApLogonUser hands 0x7f10 (64 bytes, lsa-heap) to the LSA
 *
 * Millions of them are written, so names are prepared once and nothing goes through printf.
 */
#ifndef LSATRACE_VIEWER_REPORT_EVENT_LINE_H
#define LSATRACE_VIEWER_REPORT_EVENT_LINE_H

#include "viewer/base/buffer.h"
#include "viewer/model/model.h"

struct event_line;

/* The model must outlive it. */
struct event_line *event_line_new(const struct model *model, bool color);
void event_line_free(struct event_line *e);

void event_line_write(const struct event_line *e, struct buffer *b, const struct trace_event *event);

/* What a role's function returns, and what an event means by its fields. */
enum event_result {
	EVENT_RESULT_NONE,
	EVENT_RESULT_POINTER,
	EVENT_RESULT_BOOLEAN,
	EVENT_RESULT_STATUS
};
enum event_result event_result(enum trace_role role);
bool event_has_section(enum trace_role role, const struct trace_event *event);
bool event_has_size(enum trace_role role);
bool event_has_address(enum trace_role role, const struct trace_event *event);

/* Of a transfer. */
enum trace_receiver event_receiver(const struct trace_event *event);

/* Bytes asked for, without the InitialSize that creations carry beside it. */
uint64_t event_size(enum trace_role role, const struct trace_event *event);

#endif
