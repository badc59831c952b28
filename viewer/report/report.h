/* SPDX-License-Identifier: MIT */
/*
 * From traces to a report: opens the traces, judges them together, and writes the report in one of
 * the formats.
 *
 * To add a format: a row in REPORT_FORMATS, and a file viewer/report/NAME.c with its function
 * report_write_NAME(). A format sees findings and models, never the bytes of a record.
 */
#ifndef LSATRACE_VIEWER_REPORT_REPORT_H
#define LSATRACE_VIEWER_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "include/trace_format.h"
#include "viewer/base/arguments.h"
#include "viewer/symbols/places.h"
#include "viewer/view/selection.h"
#include "viewer/view/view.h"

struct baseline;
struct buffer;
struct drawing;
struct findings;
struct model;
struct model_events;
struct progress;
struct results;
struct sources;
struct suppressions;
struct symbols;

/* The formats, the default one first: NAMED(name, how the names of its files end), FORMAT(name). */
#define REPORT_FORMATS(NAMED, FORMAT) \
	NAMED(text, ".txt") \
	NAMED(json, ".json") \
	NAMED(junit, ".xml") \
	NAMED(sarif, ".sarif") \
	FORMAT(github) \
	FORMAT(gitlab) \
	FORMAT(gcc) \
	NAMED(markdown, ".md") \
	NAMED(html, ".html") \
	NAMED(baseline, ".baseline")

/* What a format writes. */
struct report {
	struct model *const *models;
	const struct model_events *events; /* of each model */
	size_t count;                      /* of models, at least 1 */
	struct findings *findings;
	struct symbols *symbols;
	struct sources *sources;
	const struct suppressions *suppressions; /* NULL: there are none */
	const struct baseline *baseline;         /* NULL: there is none */
	bool generates;                          /* the text also has suppressions */
	bool fails_on_warning;                   /* warnings count as failures */
	bool has_color;                          /* the text is to be coloured */
	const struct view *view;
	const struct selection *selection; /* that was applied to the findings */
	const char *since;                 /* a checkpoint: only what is newer; NULL: all */
	bool has_growth;                   /* also say what grows */
	bool has_leak_kinds;               /* only some kinds of leaks are asked for */
	const struct results *sweep;       /* whose runs the traces are; NULL: they are of none */
	struct drawing *drawing;           /* of a page, from report_begin_html() on */
	const char *offsets; /* of what baseline_warn() warns; NULL: nothing, or there is no baseline */
};

#define REPORT_FORMAT_CONSTANT(name, ...) REPORT_FORMAT_##name,
enum report_format { REPORT_FORMATS(REPORT_FORMAT_CONSTANT, REPORT_FORMAT_CONSTANT) };

#define REPORT_PROTOTYPE(name, ...) \
	void report_write_##name(const struct report *report, struct buffer *out);
REPORT_FORMATS(REPORT_PROTOTYPE, REPORT_PROTOTYPE)

/* Before and after all that is written of a report, if a page is: a thread reads what the page draws while
 * the findings are made. */
void report_begin_html(struct report *report);
void report_end_html(struct report *report);

enum report_color { REPORT_COLOR_AUTO, REPORT_COLOR_ALWAYS, REPORT_COLOR_NEVER };

/* The levels from which findings count as failure, in the order of --fail-on's values. DEFAULT: it was
 * not given, which is the same as ERROR. */
enum report_fail_on {
	REPORT_FAIL_ON_DEFAULT,
	REPORT_FAIL_ON_ERROR,
	REPORT_FAIL_ON_WARNING,
	REPORT_FAIL_ON_NEVER
};

#define REPORT_FILES_MOST 16

/* A file that a report goes to. */
struct report_file {
	const char *path;
	bool has_format; /* it was told, or follows from the name; else it is that of the options */
	enum report_format format;
};

/* Zeroed: the defaults. To be released by report_release(). */
struct report_options {
	struct argument_list suppression_files;
	struct suppressions *suppressions; /* from these files; NULL: there are none */
	bool generates;                    /* the text also has suppressions for the findings */
	const char *baseline_file;         /* NULL: there is none */
	struct baseline *baseline;         /* what it holds */
	bool prunes;                       /* what is gone is taken out of that file */
	/* That of the stream; but if it is the format of a file, the stream gets text. */
	enum report_format format;
	struct report_file file[REPORT_FILES_MOST];
	size_t files;
	const char *source_root; /* a folder; NULL: the repository that encloses the current one */
	enum report_fail_on fail_on;
	enum report_color color;
	struct argument_list wrappers; /* functions that the user names as wrappers */
	struct view view;
	struct selection selection;
	struct places places;
	const char *since;   /* a checkpoint: only what is newer; NULL: all */
	bool has_growth;     /* also say what grows */
	uint32_t leak_kinds; /* as model_set_leak_kinds() takes them; 0: all */
	/* The sweep whose runs the traces are: what is live in a process that was killed is no leak then,
	 * and what came of the runs is part of the report. NULL: they are of none. */
	struct results *sweep;
};

/* The format of what goes to the stream. */
enum report_format report_stream_format(const struct report_options *o);

/* The options that `report` and `run` share; other commands have some of them as well. */
struct argument_group report_arguments(struct report_options *o);
struct argument_group report_suppression_arguments(struct report_options *o);
struct argument_group report_color_arguments(enum report_color *color);

/* Should `out` get colours? If `color` is AUTO: a terminal that has them, unless NO_COLOR is set. */
bool report_wants_color(enum report_color color, FILE *out);

/*
 * Reads what the options name, such as files of suppressions, and also lsatrace.supp of the current
 * folder, and says that if `says_so`. Returns false with one line printed if something is wrong in it.
 */
bool report_prepare(struct report_options *o, bool says_so);
void report_release(struct report_options *o);

enum report_status {
	REPORT_CLEAN,    /* no finding at or above the level of options->fail_on */
	REPORT_FINDINGS, /* there are such findings */
	REPORT_TROUBLE,  /* a trace could not be read, or the report not be written */
	/* As REPORT_CLEAN, but there is a doubt: */
	REPORT_UNSURE,  /* something was lost */
	REPORT_EMPTY,   /* no package was initialised */
	REPORT_RUNNING, /* a process still runs */
	REPORT_CRASHED, /* an exception ended a program for Windows, and its status does not say so */
};

/*
 * Reads the traces, judges them together, and writes the report to `out`, and to the files.
 * Prints one line for each trouble; a doubt is none. Traces that can be read are reported even
 * if others cannot.
 */
enum report_status report_traces(const struct report_options *options, char *const *paths,
				 size_t count, FILE *out);

/* What to say of a doubt where it is a failure; NULL: there is none. */
const char *report_doubt(enum report_status status);

/*
 * Opens one trace, as every command does. If `events` is not NULL, also counts its events. Returns
 * NULL with one line printed if the trace cannot be read.
 */
struct model *report_open_trace(const char *path, struct model_events *events,
				struct progress *progress);

/* Of a sweep: what is live in a process that was killed is no leak. */
void report_excuse_killed(struct model *model);

/* Prints a line for each module that could not be read as the file that was traced. */
void report_complain_of_symbols(const char *subject, struct symbols *symbols);

/*
 * Opens a file for what is made from the traces, which is none of the traces itself. Returns NULL with
 * one line printed if it cannot be opened.
 */
FILE *report_open_file(const char *path, char *const *traces, size_t count);

#endif
