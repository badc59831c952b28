/* SPDX-License-Identifier: MIT */
/*
 * Chooses which findings a report shows, and in which order. The exit status does not depend on it: a
 * filter must not turn a gate green.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_VIEW_SELECTION_H
#define LSATRACE_VIEWER_VIEW_SELECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "viewer/base/arguments.h"
#include "viewer/view/moment.h"

struct buffer;
struct finding;
struct findings;
struct model_frame;
struct symbol;

/* What a filter is about. A finding must pass one filter of each field that has any. */
enum selection_field {
	SELECTION_KIND,
	SELECTION_PACKAGE,
	SELECTION_FUNCTION,
	SELECTION_FILE,
	SELECTION_LEVEL,
	SELECTION_THREAD,
	SELECTION_FINDING,
	SELECTION_FIELDS
};

enum selection_sort {
	SELECTION_SORT_SEVERITY,
	SELECTION_SORT_BYTES,
	SELECTION_SORT_COUNT,
	SELECTION_SORT_TIME
};
enum selection_groups {
	SELECTION_GROUP_NONE,
	SELECTION_GROUP_KIND,
	SELECTION_GROUP_PACKAGE,
	SELECTION_GROUP_FUNCTION,
	SELECTION_GROUP_SECTION
};

/* Zeroed: all findings, in their own order, but new ones before known ones. */
struct selection {
	struct argument_list filter[SELECTION_FIELDS]; /* patterns */
	/* What is known to have happened only before the one, or only after the other, is left out. */
	struct moment since, until;
	enum selection_sort sort;
	enum selection_groups groups;
};

struct argument_group selection_arguments(struct selection *s);
/* Takes a level into a list, as struct argument has it. */
const char *selection_take_level(void *member, const struct argument *row, const char *value);

/* Does a symbol match a pattern of SELECTION_FUNCTION, or SELECTION_FILE, with '*', '?' and '[]'? A
 * function also matches by its linkage name, and without its parameters; a file also by its last part. */
bool selection_matches(enum selection_field field, const char *glob, const struct symbol *symbol);

/*
 * Finds the code of the package that is to blame for a finding: the innermost, but for wrappers. Returns
 * NULL if there is no backtrace. Valid until the symbols' next answer.
 */
const struct symbol *selection_culprit(const struct findings *findings, const struct finding *f,
				       const struct model_frame **frame);
/* Appends what the findings of a group have in common. */
void selection_write_group(const struct selection *s, const struct findings *findings,
			   const struct finding *f, struct buffer *b);

/* Does it leave out any findings? */
bool selection_is_narrow(const struct selection *s);

/* Prints one line for each filter that no finding passes, and for a fingerprint that is too short for one. Before
 * findings are selected. */
void selection_complain(const struct selection *s, struct findings *findings);

/* Selects and orders the findings, and groups them. */
void selection_apply(const struct selection *s, struct findings *findings);

#endif
