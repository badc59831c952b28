/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SPAWN_H
#define BENCH_SPAWN_H

/*
 * Runs programs and takes their time. What the caller is traced with does not reach them. One at a
 * time; the main thread only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { SPAWN_TIMEOUT_S = 300 };

struct command {
	const char *const *arguments;   /* ends with NULL; the program is looked for in PATH */
	const char *const *environment; /* "NAME=value"..., in addition; ends with NULL; or NULL */
	const char *input;              /* a file, or NULL: nothing */
	const char *output;             /* a file, or NULL: it is kept */
};

struct outcome {
	int status;     /* exit status; 128 + N if signal N ended it; 127 if it was not found */
	double seconds; /* from before it was started until it had ended */
	char *text;     /* standard output, NUL-terminated; NULL if it went to a file */
};

/* Runs a program to its end; one that takes longer than SPAWN_TIMEOUT_S is killed. What it says on
 * standard error is not shown. Returns whether its status is 0. */
bool spawn_run(const struct command *command, struct outcome *outcome);
void outcome_release(struct outcome *outcome);

/* The same, with an outcome that nobody wants. */
bool spawn_quietly(const char *const *arguments, const char *const *environment);

/* Starts one that goes on, for spawn_end. Returns its id, or -1. */
pid_t spawn_start(const struct command *command);
void spawn_end(pid_t pid);

/* The number behind "NAME " in what was printed; NaN if there is none. */
double outcome_number(const struct outcome *outcome, const char *name);

/* SIGINT and SIGTERM stop what runs, and let nothing new begin. Call it once. */
void spawn_init(void);
bool spawn_is_stopped(void);

#endif
