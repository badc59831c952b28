/* SPDX-License-Identifier: MIT */
/*
 * The names of findings: kinds, reasons and levels, and of what was lost. They follow from the
 * tables of trace_format.h, except for the words about losses.
 *
 * Constant data, safe from any thread.
 */
#ifndef LSATRACE_VIEWER_FINDINGS_KINDS_H
#define LSATRACE_VIEWER_FINDINGS_KINDS_H

#include "include/trace_format.h"

/* "block-leak" */
const char *kinds_text(enum trace_kind kind);
enum trace_level kinds_level(enum trace_kind kind);
/* "wrong-section"; "" for TRACE_REASON_NONE */
const char *kinds_reason_text(enum trace_reason reason);
/* "error" */
const char *kinds_level_text(enum trace_level level);

/* The name of a counter of losses, for JSON; and words for people, to be put after its number. */
const char *kinds_lost_name(enum trace_lost what);
const char *kinds_lost_words(enum trace_lost what);

#endif
