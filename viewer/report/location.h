/* SPDX-License-Identifier: MIT */
/*
 * Where a finding is in the source, as formats for CI systems say it: the frame of the package that is
 * to blame (finding.h, skipped[]), or, by preference, its first caller in a file below the source root.
 * The path of such a file is relative. Another path is absolute, and is never called relative.
 *
 * For one thread at a time. Asks the file system, because links below the root may lead out of it.
 */
#ifndef LSATRACE_VIEWER_REPORT_LOCATION_H
#define LSATRACE_VIEWER_REPORT_LOCATION_H

#include <stdbool.h>
#include <stdint.h>

struct buffer;
struct finding;
struct sources;
struct symbols;

/* `root` is a folder; NULL: the repository that encloses the current folder, or else that folder. */
struct sources *sources_new(const char *root);
/* Accepts NULL. */
void sources_free(struct sources *s);
/* The absolute path of the source root. */
const char *sources_root(const struct sources *s);

struct source {
	const char *path; /* to the root, if it is relative, or else absolute */
	bool is_relative;
};

/* Finds the file with a path from debug information, or of a module. NULL if a relative path leads to
 * no file below the source root. Valid as long as `s`. */
const struct source *sources_find(struct sources *s, const char *path);

struct location {
	const struct source *source; /* NULL: unknown */
	bool is_module;              /* no source file is known: it is the file of the module */
	uint32_t line;               /* 0: unknown */
	char *function;              /* NULL: unknown */
};

/* Finds the location of a stack of the finding, by enum trace_finding_stacks. */
struct location location_find(struct sources *s, struct symbols *symbols, const struct finding *f,
			      unsigned which);
void location_release(struct location *l);

/* Appends the URI of a path: percent-encoded, and with "file://" if it is absolute. */
void location_write_uri(struct buffer *b, const struct source *source);

#endif
