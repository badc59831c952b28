/* SPDX-License-Identifier: MIT */
#include "viewer/findings/kinds.h"

#define KIND_TEXT(name, text, level) [TRACE_KIND_##name] = text,
#define KIND_LEVEL(name, text, level) [TRACE_KIND_##name] = TRACE_LEVEL_##level,
#define LEVEL_TEXT(name, text) [TRACE_LEVEL_##name] = text,
#define REASON_TEXT(name, text) [TRACE_REASON_##name] = text,

const char *kinds_text(enum trace_kind kind)
{
	static const char *const texts[] = { TRACE_KINDS(KIND_TEXT) };

	return texts[kind];
}

enum trace_level kinds_level(enum trace_kind kind)
{
	static const enum trace_level levels[] = { TRACE_KINDS(KIND_LEVEL) };

	return levels[kind];
}

const char *kinds_reason_text(enum trace_reason reason)
{
	static const char *const texts[] = { TRACE_REASONS(REASON_TEXT) };

	return texts[reason];
}

const char *kinds_level_text(enum trace_level level)
{
	static const char *const texts[] = { TRACE_LEVELS(LEVEL_TEXT) };

	return texts[level];
}

static const struct {
	const char *name, *words;
} losses[TRACE_LOST_COUNT] = {
	[TRACE_LOST_EVENTS] = { "events", "calls are not in the history" },
	[TRACE_LOST_STACKS] = { "stacks", "calls have no backtrace" },
	[TRACE_LOST_BLOCKS] = { "blocks", "blocks and sections could not be followed" },
	[TRACE_LOST_JUDGEMENTS] = { "judgements", "calls could not be judged" },
	[TRACE_LOST_FINDINGS] = { "findings", "findings could not be kept" },
	[TRACE_LOST_DEFINITIONS] = { "definitions", "modules, packages or texts are not named" },
	[TRACE_LOST_PACKAGES] = { "packages", "packages could not be traced" },
};

const char *kinds_lost_name(enum trace_lost what)
{
	return losses[what].name;
}

const char *kinds_lost_words(enum trace_lost what)
{
	return losses[what].words;
}
