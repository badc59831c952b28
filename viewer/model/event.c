/* SPDX-License-Identifier: MIT */
#include "viewer/model/event.h"

static const struct role {
	enum event_result result;
	bool takes_section, has_size;
} roles[TRACE_ROLE_LAST + 2] = {
	[TRACE_ROLE_CREATE_SECTION] = { EVENT_RESULT_POINTER, false, true },
	[TRACE_ROLE_DELETE_SECTION] = { EVENT_RESULT_BOOLEAN, false, false },
	[TRACE_ROLE_ALLOCATE_IN_SECTION] = { EVENT_RESULT_POINTER, true, true },
	[TRACE_ROLE_FREE_IN_SECTION] = { EVENT_RESULT_NONE, true, false },
	[TRACE_ROLE_ALLOCATE] = { EVENT_RESULT_POINTER, false, true },
	[TRACE_ROLE_FREE] = { EVENT_RESULT_NONE, false, false },
	[TRACE_ROLE_ALLOCATE_FOR_CLIENT] = { EVENT_RESULT_STATUS, true, true },
	[TRACE_ROLE_FREE_FOR_CLIENT] = { EVENT_RESULT_STATUS, true, false },
	[TRACE_ROLE_OBTAIN] = { EVENT_RESULT_STATUS, false, true },
	[TRACE_ROLE_TRANSFER] = { EVENT_RESULT_NONE, false, true },
	[TRACE_ROLE_POINTER] = { EVENT_RESULT_POINTER, false, false },
	[TRACE_ROLE_BOOLEAN] = { EVENT_RESULT_BOOLEAN, false, false },
	[TRACE_ROLE_STATUS] = { EVENT_RESULT_STATUS, false, false },
	[EVENT_ROLE_RETURN] = { EVENT_RESULT_STATUS, false, false },
};

enum trace_role event_role(enum trace_role function, const struct trace_event *event)
{
	return function == TRACE_ROLE_TRANSFER && (event->state & TRACE_EVENT_RETURNED)
		       ? EVENT_ROLE_RETURN
		       : function;
}

enum event_result event_result(enum trace_role role)
{
	return roles[role].result;
}

bool event_is_untraced(enum trace_role role)
{
	return role > TRACE_ROLE_TRANSFER && role <= TRACE_ROLE_LAST;
}

bool event_can_fail(enum trace_role role)
{
	return role != EVENT_ROLE_RETURN && roles[role].result != EVENT_RESULT_NONE;
}

bool event_takes_section(enum trace_role role)
{
	return roles[role].takes_section;
}

bool event_has_section(enum trace_role role, const struct trace_event *event)
{
	return roles[role].takes_section || (role >= TRACE_ROLE_TRANSFER && event->section);
}

bool event_has_size(enum trace_role role)
{
	return roles[role].has_size;
}

bool event_has_address(enum trace_role role, const struct trace_event *event)
{
	if (role > TRACE_ROLE_TRANSFER)
		return false;
	if (!roles[role].has_size || role == TRACE_ROLE_TRANSFER)
		return true;
	return (event->state & TRACE_EVENT_RETURNED) && !(event->state & TRACE_EVENT_FAILED);
}

uint64_t event_size(enum trace_role role, const struct trace_event *event)
{
	return role == TRACE_ROLE_CREATE_SECTION ? event->size & UINT32_MAX : event->size;
}

uint64_t event_initial_size(const struct trace_event *event)
{
	return event->size >> 32;
}

enum trace_receiver event_receiver(const struct trace_event *event)
{
	return (enum trace_receiver)(event->result >> 8);
}

uint8_t event_family(const struct trace_event *event)
{
	return (uint8_t)event->result;
}
