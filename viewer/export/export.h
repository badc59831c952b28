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
struct profile;
struct progress;
struct symbols;
struct trouble;

/* The formats: FIRST(name), FORMAT(name). */
#define EXPORT_FORMATS(FIRST, FORMAT) \
	FIRST(speedscope) \
	FORMAT(pprof) FORMAT(folded) FORMAT(perfetto) FORMAT(ctf) FORMAT(ndjson)

/* What a format writes. */
struct export
{
	struct model *const *models;
	const struct model_events *events; /* of each model */
	size_t count;                      /* of models, at least 1 */
	struct symbols *symbols;
	const char *file; /* as given; ctf: the folder that it writes */
};

#define EXPORT_CONSTANT(name) EXPORT_##name,
enum export_format { EXPORT_FORMATS(EXPORT_CONSTANT, EXPORT_CONSTANT) EXPORT_COUNT };

/* Each returns false, with one line printed, if the ring of a trace cannot be read. */
#define EXPORT_PROTOTYPE(name) bool export_write_##name(const struct export *e, struct buffer *out);
EXPORT_FORMATS(EXPORT_PROTOTYPE, EXPORT_PROTOTYPE)

#define EXPORT_FIRST_WORD(name) #name
#define EXPORT_NEXT_WORD(name) "|" #name
#define EXPORT_WORDS EXPORT_FORMATS(EXPORT_FIRST_WORD, EXPORT_NEXT_WORD)

/*
 * Reads the traces and writes them to `file`, or to standard output if that is NULL. For
 * ctf it is a folder, and not NULL. Prints one line for
 * each trouble, and then returns false. Traces that can be read are written even if others cannot.
 */
bool export_traces(enum export_format format, const char *file, char *const *paths, size_t count);

/* Makes a profile; NULL with one line printed if a ring cannot be read. */
struct profile *export_profile(const struct export *e);

#endif
