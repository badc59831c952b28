/* SPDX-License-Identifier: MIT */
/*
 * From traces to a report. A format is a row in report.c and a report_<format>.c, which sees
 * findings and the model, never a record's bytes.
 */
#ifndef LSATRACE_VIEWER_REPORT_REPORT_H
#define LSATRACE_VIEWER_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "include/trace_format.h"

struct findings;
struct model;
struct model_events;
struct symbols;

enum report_color { REPORT_COLOR_AUTO, REPORT_COLOR_ALWAYS, REPORT_COLOR_NEVER };

/* What a format writes. */
struct report {
	struct model *const *models;
	const struct model_events *events; /* of each model */
	size_t count;                      /* of models, at least 1 */
	const struct findings *findings;
	struct symbols *symbols;
	bool color; /* for text: with colours */
};

/* One format: its name, and its writer, whose stream is in memory. */
struct report_format {
	const char *name;
	void (*write)(const struct report *report, FILE *out);
};

void report_text(const struct report *report, FILE *out);
void report_json(const struct report *report, FILE *out);

struct report_options {
	const struct report_format *format; /* NULL: text */
	const char *file;                   /* where the report goes; NULL: the stream given */
	enum trace_level fail_on;           /* findings at or above it count as failure */
	int fail_never;
	enum report_color color;
};

/*
 * Takes one of the options that `report` and `run` share (--format, -O/--report, --fail-on,
 * --color), by its long name. Returns NULL, or what the value should have been, for "…: expected
 * %s".
 */
const char *report_take_option(struct report_options *o, const char *name, const char *value);

/*
 * Reads the traces, judges them together and writes the report to options->file or `out`. Trouble
 * is said on standard error, one line each. Returns 0 (no finding at or above the level), 1
 * (findings) or 2 (a trace could not be read, or the report not be written).
 */
int report_traces(const struct report_options *options, char *const *paths, size_t count, FILE *out);

/* Does the stream get colours: a terminal that has them, and NO_COLOR is not set? */
bool report_wants_color(enum report_color color, FILE *out);

/* Says what is wrong with a trace or a report on standard error, in one line. */
void report_trouble(const char *path, const char *text);

#endif
