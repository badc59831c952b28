/* SPDX-License-Identifier: MIT */
/*
 * Chooses which events are shown: by what the call is, whose it is, when it was made, what code made it,
 * and which block it concerns.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_VIEW_EVENT_FILTER_H
#define LSATRACE_VIEWER_VIEW_EVENT_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "viewer/base/arguments.h"
#include "viewer/view/moment.h"
#include "viewer/view/selection.h"

struct event_filter;
struct model;
struct symbols;
struct verdicts;

/* Zeroed: all events. */
struct event_wishes {
	/* Of each field that has any, an event must match one. SELECTION_FINDING is not used. */
	struct argument_list filter[SELECTION_FIELDS];
	bool has_findings_only;
	bool has_address;
	uint64_t address;
	struct moment since, until;
	const char *checkpoint; /* that `since` is, by name; NULL: it is a time */
};

struct argument_group event_filter_arguments(struct event_wishes *wishes);

/*
 * Prepares a filter for a trace. Returns NULL, with one line printed for the command, if a wish names
 * something that the trace does not have. What is given must outlive the result.
 */
struct event_filter *event_filter_new(const struct event_wishes *wishes, const struct model *model,
				      const struct verdicts *verdicts, struct symbols *symbols,
				      const char *command);
/* Accepts NULL. */
void event_filter_free(struct event_filter *f);

/* Is the event to be shown? Events come in the order of time: the life of a block is followed. */
bool event_filter_passes(struct event_filter *f, const struct trace_event *event);

#endif
