/* SPDX-License-Identifier: MIT */
/*
 * Does things in other processes, the workers, several at a time, each with a time limit. A worker does one after
 * another, without input, and with a file for the output of each. When time is over, it is killed with its process
 * group and with what that has left behind, and another one takes its place.
 *
 * For one thread. SIGINT and SIGTERM are blocked meanwhile, but not in the workers.
 */
#ifndef LSATRACE_VIEWER_SWEEP_RUNS_H
#define LSATRACE_VIEWER_SWEEP_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum run_state {
	RUN_WAITING, /* it was not begun, or was killed because a signal asked for the end */
	RUN_RUNNING,
	RUN_ENDED,       /* with `wait_status`, as waitpid() has it */
	RUN_TIMED_OUT,   /* it was told to end, and killed if it did not */
	RUN_NOT_STARTED, /* with `error`, an errno */
};

struct run {
	char *output; /* the file */
	enum run_state state;
	int wait_status, error;
};

/* How to do them. */
struct runs {
	struct run *all;
	size_t count;
	uint32_t jobs;    /* how many may have their turn at the same time */
	uint32_t workers; /* at least as many; the others make ready for their turn meanwhile */
	uint32_t timeout_seconds; /* from its turn on */
	uint64_t end_ns;          /* none is begun after it; 0: there is no such time */
	void *context;
	/* In a worker: before its first run; and a run, which returns an exit status. */
	void (*begin)(void *context);
	int (*run)(void *context, size_t i);
	/* In this process, of each run that was begun. One that is RUN_WAITING was killed. */
	void (*ended)(void *context, size_t i);
};

/* Returns false if a signal has interrupted it. */
bool runs_do(struct runs *r);

/* In a worker, during a run: waits for its turn, if it has not got it; and lets another have it, which the end of the
 * run does as well. */
void runs_take_turn(void);
void runs_end_turn(void);

/* CLOCK_MONOTONIC. */
uint64_t runs_now_ns(void);

#endif
