/* SPDX-License-Identifier: MIT */
/*
 * The words and levels of the kinds of findings and their reasons, from the tables of
 * trace_format.h. Both halves print them. Constant data, safe from any thread and signal handler.
 */
#ifndef LSATRACE_KINDS_H
#define LSATRACE_KINDS_H

#include "trace_format.h"

#define KINDS_TEXT(name, text, ...) text,
#define KINDS_LEVEL(name, text, level) TRACE_LEVEL_##level,

/* "block-leak"; "" for TRACE_KIND_NONE */
static inline const char *kinds_text(enum trace_kind kind)
{
	static const char *const texts[] = { TRACE_KINDS(KINDS_TEXT) };

	return texts[kind];
}

static inline enum trace_level kinds_level(enum trace_kind kind)
{
	static const enum trace_level levels[] = { TRACE_KINDS(KINDS_LEVEL) };

	return levels[kind];
}

/* "wrong-section"; "" for TRACE_REASON_NONE */
static inline const char *kinds_reason_text(enum trace_reason reason)
{
	static const char *const texts[] = { TRACE_REASONS(KINDS_TEXT) };

	return texts[reason];
}

/* "error" */
static inline const char *kinds_level_text(enum trace_level level)
{
	static const char *const texts[] = { TRACE_LEVELS(KINDS_TEXT) };

	return texts[level];
}

#endif
