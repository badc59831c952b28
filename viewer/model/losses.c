/* SPDX-License-Identifier: MIT */
#include "viewer/model/losses.h"

static const struct {
	const char *name, *words;
} losses[TRACE_LOST_COUNT] = {
	[TRACE_LOST_EVENTS] = { "events", "calls are not in the history" },
	[TRACE_LOST_STACKS] = { "stacks", "calls have no backtrace" },
	[TRACE_LOST_BLOCKS] = { "blocks", "blocks and sections could not be followed" },
	[TRACE_LOST_JUDGEMENTS] = { "judgements", "calls could not be judged" },
	[TRACE_LOST_FINDINGS] = { "findings", "findings could not be kept" },
	[TRACE_LOST_DEFINITIONS] = { "definitions", "modules, packages or texts are not named" },
	[TRACE_LOST_PACKAGES] = { "packages", "packages could not be traced, or not as a whole" },
};

const char *losses_name(enum trace_lost what)
{
	return losses[what].name;
}

const char *losses_words(enum trace_lost what)
{
	return losses[what].words;
}
