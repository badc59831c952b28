/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SPAWN_H
#define BENCH_SPAWN_H

/*
 * Runs programs and measures their time. Variables by which the caller itself is traced are not
 * passed on. One program at a time; call it from the main thread only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { SPAWN_TIMEOUT_S = 300 };

struct command {
	const char *const *arguments;   /* ends with NULL; the program is searched in PATH */
	const char *const *environment; /* "NAME=value"..., in addition; ends with NULL; or NULL */
	const char *input;              /* a file, or NULL: nothing */
	const char *output;             /* a file, or NULL: outcome.text */
};

struct outcome {
	int status;      /* exit status; 128 + N if signal N ended it; 127 if it was not found */
	double seconds;  /* from just before its start to its end */
	double peak_mib; /* the most memory that it had, in MiB */
	char *text;      /* standard output, NUL-terminated; NULL if it went to a file */
};

/* Runs a program to its end, and kills it after SPAWN_TIMEOUT_S seconds. Its standard error is
 * not shown. Returns whether its status is 0. */
bool spawn_run(const struct command *command, struct outcome *outcome);

/* Returns which run failed last: its command, its status, and the last line of its standard error. Valid
 * until the next run. */
const char *spawn_last_failure(void);
void outcome_release(struct outcome *outcome);

/* Does the same, without an outcome. */
bool spawn_quietly(const char *const *arguments, const char *const *environment);

/* Starts a program that runs until spawn_end(). Returns its id, or -1. */
pid_t spawn_start(const struct command *command);
void spawn_end(pid_t pid);

/* Returns the number after "NAME " in the output, or NaN. */
double outcome_number(const struct outcome *outcome, const char *name);

/* From now on SIGINT and SIGTERM stop the program that runs, and no other one starts. Call it
 * once. */
void spawn_init(void);
bool spawn_is_stopped(void);

#endif
