/* SPDX-License-Identifier: MIT */
/*
 * Tells which functions of a package only wrap a function of the table, such as
 *
 *	PVOID EIDAlloc(DWORD bytes) { return lsa->AllocateLsaHeap(bytes); }
 *
 * The line to change is that of the function that calls such a wrapper. So sentences name that line,
 * and the wrapper beside it; stacks stay whole. The same holds for functions outside of the package, such
 * as those of a library that it allocates with, where one of the package calls them. A function is taken
 * for a wrapper if in the stacks of the trace
 *
 *   - it is always there for the same function of the table, and calls that, or another wrapper, in
 *     one place only,
 *   - it is called in at least two places, all of them in the package, and
 *   - if it allocates, blocks of at least two sizes.
 *
 * What allocates in a single place for a single caller is no wrapper, unless that caller is one. All
 * instances of a template are one function. The operators new and delete, and functions of the C++ library, are
 * wrappers always. The user can name more of them: what such a one calls is skipped as well.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_FINDINGS_WRAPPERS_H
#define LSATRACE_VIEWER_FINDINGS_WRAPPERS_H

struct argument_list;
struct finding;
struct findings_namer;
struct model;
struct wrappers;

/* Looks through the stacks of a trace; of a large one, through those of some calls, evenly spread, and of
 * what is live. `globs` are the names of further wrappers, with the wildcards of glob(7). What is given must
 * outlive the result. Never NULL. */
struct wrappers *wrappers_new(const struct model *model, const struct findings_namer *namer,
			      const struct argument_list *globs);
/* Accepts NULL. */
void wrappers_free(struct wrappers *w);

/* Sets finding->skipped[]. The finding is of the same model. */
void wrappers_skip(const struct wrappers *w, struct finding *finding);

#endif
