/* SPDX-License-Identifier: MIT */
/*
 * Does things in processes of their own, several at a time, each with a time limit. Each process gets a
 * process group, so that its children end with it, no input, and a file for its output.
 *
 * For one thread. SIGCHLD, SIGINT and SIGTERM are blocked meanwhile, but not in the processes.
 */
#ifndef LSATRACE_VIEWER_SWEEP_RUNS_H
#define LSATRACE_VIEWER_SWEEP_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

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
	pid_t pid;
	uint64_t deadline_ns;
	bool is_told; /* to end */
};

/* How to do them. */
struct runs {
	struct run *all;
	size_t count;
	uint32_t jobs, timeout_seconds;
	uint64_t end_ns; /* none is begun after it; 0: there is no such time */
	void *context;
	int (*run)(void *context, size_t i); /* in a process of its own: returns its exit status */
	void (*ended)(void *context, size_t i);
};

/* Returns false if a signal has interrupted it. */
bool runs_do(struct runs *r);

/* CLOCK_MONOTONIC. */
uint64_t runs_now_ns(void);

#endif
