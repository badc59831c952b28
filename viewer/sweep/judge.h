/* SPDX-License-Identifier: MIT */
/* Reads the traces of the runs of a sweep. For one thread. */
#ifndef LSATRACE_VIEWER_SWEEP_JUDGE_H
#define LSATRACE_VIEWER_SWEEP_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

struct plan_pairs;
struct sweep;

/* Reads the run as it is. Returns false, with one line printed, if there is nothing to learn. */
bool judge_learn(struct sweep *s);
/* Prints a line about the run as it is, and the end of its output. */
void judge_complain(const struct sweep *s, const char *words);
/* Sets the result of a run that has ended. */
void judge_run(struct sweep *s, size_t run);
/* Finds the calls that may fail after the one that this run let fail. */
void judge_pairs(struct sweep *s, size_t run, struct plan_pairs *pairs);

#endif
