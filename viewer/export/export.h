/* SPDX-License-Identifier: MIT */
/*
 * Writes traces in the formats of other tools.
 *
 * To add a format: a row in EXPORT_FORMATS, and a file viewer/export/NAME.c with its function
 * export_write_NAME(). A format streams: it keeps nothing that grows with what it has written.
 */
#ifndef LSATRACE_VIEWER_EXPORT_EXPORT_H
#define LSATRACE_VIEWER_EXPORT_EXPORT_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;
struct model;
struct model_events;
struct places;
struct profile;
struct progress;
struct symbols;
struct trouble;

/* The formats: FORMAT(name, what it is, for --help). */
#define EXPORT_FORMATS(FORMAT) \
	FORMAT(speedscope, "flame graphs of what is leaked, of what was allocated, of calls") \
	FORMAT(pprof, "the same for pprof, with build-ids") \
	FORMAT(folded, "bytes leaked by each stack, one line each") \
	FORMAT(perfetto, "a time line: the calls of each thread, and what is held") \
	FORMAT(ctf, "the calls in the Common Trace Format, for babeltrace2") \
	FORMAT(ndjson, "one finding a line, for a database of many hosts")

/* What a format writes. */
struct export
{
	struct model *const *models;
	const struct model_events *events; /* of each model */
	size_t count;                      /* of models, at least 1 */
	bool is_exact;                     /* all of them are */
	struct symbols *symbols;
	struct progress *progress;
	const char *file; /* as given; ctf: the folder that it writes */
};

#define EXPORT_CONSTANT(name, help) EXPORT_##name,
enum export_format { EXPORT_FORMATS(EXPORT_CONSTANT) EXPORT_COUNT };

/* Each returns false, with one line printed, if the ring of a trace cannot be read. */
#define EXPORT_PROTOTYPE(name, help) \
	bool export_write_##name(const struct export *e, struct buffer *out);
EXPORT_FORMATS(EXPORT_PROTOTYPE)

/*
 * Reads the traces and writes them to `file`, or to standard output if that is NULL. For ctf it is a folder,
 * and not NULL. Prints one line for each trouble, and then returns false. Traces that can be read are written
 * even if others cannot. Not every format has a place for it: prints one line as well if something was lost,
 * and one for each module whose symbols are missing. `places` says where these may be; NULL: nowhere else.
 */
bool export_traces(enum export_format format, const char *file, const struct places *places,
		   char *const *paths, size_t count);

/* What to append to the name of what is exported: nothing, or that it is a lower bound. */
const char *export_bound(bool is_exact);

/* Makes a profile; NULL with one line printed if a ring cannot be read. */
struct profile *export_profile(const struct export *e);

#endif
