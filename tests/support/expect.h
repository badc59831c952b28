/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_EXPECT_H
#define SUPPORT_EXPECT_H

/*
 * Runs a command untraced and traced, and expects that it does the same; then expects of the report
 * what the command did. What is not as expected fails the calling test.
 */

#include "traced.h"

#define ODD(...) COMMAND(ODD_HOST, __VA_ARGS__)
#define NO_OPTIONS ((const char *const[]){ NULL })

/* Runs the command untraced, then records it. Its output and its end must be the same. */
struct traced trace_with(const char *const options[], const char *const command[]);
struct traced trace(const char *const command[]);
/* Expects one trace as well. */
struct traced trace_one(const char *const command[]);

/* Two runs must have the same output and end. */
void expect_same_run(const struct run *traced, const struct run *bare);

/* The command runs as without the tracer, except for one line that says why it is not traced. */
void expect_untraced(const char *const options[], const char *const command[], const char *why);

/* How often a function was called, and one of the numbers of events, in the first trace. */
long long calls_of(const struct traced *traced, const char *function);
long long events_of(const struct traced *traced, const char *what);
/* The number of findings of a kind, or of all if `kind` is NULL. */
long long findings_of(const struct traced *traced, const char *kind);

void expect_traces(const struct traced *traced, size_t count);
void expect_exact(const struct traced *traced);
/* The end of the first trace: "exit", "killed" and so on. */
void expect_end(const struct traced *traced, const char *end, long long status);
/* Leaks of blocks, and nothing else; and that the result is exact. */
void expect_leaks(const struct traced *traced, long long blocks, long long bytes);
void expect_leaks_exactly(const struct traced *traced, long long blocks, long long bytes);
/* One trace in which everything is known. */
void expect_one(const struct traced *traced, long long blocks, long long bytes);
/* A text of one line. */
void expect_line(const char *text, const char *start, const char *end);

long long size_of(const char *path);
void join(char path[4096], const char *folder, const char *name);
/* Skips the test unless it is run by root. */
void need_root(void);

#endif
