/* SPDX-License-Identifier: MIT */
/* Parts of the text report that other formats have as well. */
#ifndef LSATRACE_VIEWER_REPORT_TEXT_H
#define LSATRACE_VIEWER_REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"

struct buffer;
struct finding;
struct findings;
struct model;
struct model_events;
struct model_process;
struct report;
struct symbols;

/* Says what happened at a stack: "allocated here". */
const char *text_stack_words(enum trace_finding_stacks which);
/* Appends "SENTENCE (COST; PACKAGE)", one line of plain text. */
void text_write_sentence(struct buffer *text, const struct finding *f);
/* The same, with "KIND/REASON: " before it. */
void text_write_headline(struct buffer *text, const struct finding *f);
/* Appends the headline with its level, and the stacks. */
void text_write_finding(const struct report *report, const struct finding *f, struct buffer *text);
/* Says how a process ended: "was killed by SIGABRT". */
void text_write_ending(struct buffer *text, const struct model_process *process);
/*
 * If a signal killed the process that a thread gets by what it does itself, says which thread that was, as far as a wrong
 * access to guarded memory tells it, or which ones it may have been: only a handler in the process could note more.
 * Returns false if nothing was appended.
 */
bool text_write_threads(struct buffer *text, const char *before, const struct report *report,
			size_t trace);
/* Did the process end by that? By wrong accesses to guarded memory, but not by damage that is found later. */
bool text_has_ended_process(const struct finding *f);
/* Appends the words and "2026-11-29 21:05:47.123", the time of this machine; nothing if it is not known. */
void text_write_time(struct buffer *to, const char *words, uint64_t time_ns);
/* Says when a trace was begun, and ended: "from 2026-11-29 21:05:47.123 to 2026-11-29 21:06:01.456". What
 * was killed may have lived on after its last call. */
void text_write_span(struct buffer *to, const struct model *model,
		     const struct model_events *events);
/* Appends the sums over all findings, without a newline. */
void text_write_summary(struct buffer *text, const struct findings *f);
/* Appends a line for each module that could not be read as the file that was traced, with `before` before it. */
void text_write_missing(struct buffer *text, struct symbols *symbols, const char *before);
/* Appends what could not be recorded, each item with `before` and `after` around it. */
void text_write_losses(struct buffer *text, const struct findings *f, const char *before,
		       const char *after);

#endif
