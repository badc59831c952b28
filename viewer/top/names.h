/* SPDX-License-Identifier: MIT */
/*
 * Names for `top`: where the backtraces of its rows are. Symbols may take seconds to read, and a server
 * of debug information may not answer at all. So they are looked up by a child process, which inherits
 * the model as it is, writes what it finds into a pipe, and ends. What it has found is kept. Where a server
 * can be asked, the child first writes what it knows without it, and then everything again.
 *
 * For one thread at a time. Signals are not used: who waits for the pipe learns that there is more.
 */
#ifndef LSATRACE_VIEWER_TOP_NAMES_H
#define LSATRACE_VIEWER_TOP_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "viewer/top/picture.h"

struct names;
struct places;

/* The places must outlive the result. Never NULL. */
struct names *names_new(const struct places *places);
/* Ends the child as well. Accepts NULL. */
void names_free(struct names *n);
/* Forgets everything: another trace has other backtraces. */
void names_forget(struct names *n);

/*
 * Returns "function at file:line < caller" of the package's innermost code in the backtrace of a row; or
 * all backtraces of the row, as lines. Plain text; NULL: not known yet, but from now on it is wanted.
 */
const char *names_place(struct names *n, const struct picture_key *key);
const char *names_stacks(struct names *n, enum picture_table table, const struct picture_key *key);

/* Starts a child for what is wanted and not known, unless there is one. */
void names_start(struct names *n, const struct picture *p);

/* The pipe of the child; -1: there is none. */
int names_fd(const struct names *n);
/* Is everything known that is wanted, but for what a server may know? */
bool names_await_server(const struct names *n);
/* Returns the servers that did not answer and are not asked any more, as DEBUGINFOD_URLS has them; NULL: none. */
const char *names_silent(const struct names *n);
/* Takes what the child has written; to be called when there is something to read. */
void names_take(struct names *n);

#endif
