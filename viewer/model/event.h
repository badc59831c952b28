/* SPDX-License-Identifier: MIT */
/*
 * What the fields of an event mean. That depends on the role of its function (enum trace_role): an
 * acquiring call has a size and returns an address, a releasing call is given an address, and a
 * transfer, or the return of an entry point, is no call at all.
 *
 * Pure functions, safe from any thread.
 */
#ifndef LSATRACE_VIEWER_MODEL_EVENT_H
#define LSATRACE_VIEWER_MODEL_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "include/trace_format.h"

/* The role of an event that is the return of an entry point, which has no call of its own. */
#define EVENT_ROLE_RETURN ((enum trace_role)(TRACE_ROLE_LAST + 1))

/* The role of an event, where its function has the given one. The functions below take this one. */
enum trace_role event_role(enum trace_role function, const struct trace_event *event);

/* What a function returns. */
enum event_result {
	EVENT_RESULT_NONE,
	EVENT_RESULT_POINTER,
	EVENT_RESULT_BOOLEAN,
	EVENT_RESULT_STATUS
};
enum event_result event_result(enum trace_role role);

/* Is the function one that is recorded only for --fail? Then the event has no arguments, and a result only
 * if --fail let the call fail. */
bool event_is_untraced(enum trace_role role);

/* Can --fail let a call of such a function fail? */
bool event_can_fail(enum trace_role role);

/* Does the caller pass a section, or a client request, as the first argument? */
bool event_takes_section(enum trace_role role);
/* Does the event name a section, or a client request, in its field `section`? */
bool event_has_section(enum trace_role role, const struct trace_event *event);
/* Does the event have a size? If not, the call releases something. */
bool event_has_size(enum trace_role role);
/* Is the address known? That of an acquiring call is known once it has succeeded. */
bool event_has_address(enum trace_role role, const struct trace_event *event);

/* The size in bytes that was asked for; of a creation: MaxSize. */
uint64_t event_size(enum trace_role role, const struct trace_event *event);
/* InitialSize of a creation, in bytes. */
uint64_t event_initial_size(const struct trace_event *event);

/* Of a transfer: who gets the block, and the number of the block's family. */
enum trace_receiver event_receiver(const struct trace_event *event);
uint8_t event_family(const struct trace_event *event);

#endif
