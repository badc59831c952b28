/* SPDX-License-Identifier: MIT */
/*
 * Runs programs, several at a time, each with a time limit. A program gets a process group of its own,
 * so that its children end with it, no input, and a file for its output.
 *
 * For one thread. SIGCHLD, SIGINT and SIGTERM are blocked meanwhile.
 */
#ifndef LSATRACE_VIEWER_SWEEP_RUNS_H
#define LSATRACE_VIEWER_SWEEP_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct progress;

enum run_state {
	RUN_WAITING,
	RUN_RUNNING,
	RUN_ENDED,       /* with `wait_status`, as waitpid() has it */
	RUN_TIMED_OUT,   /* it was told to end, and killed if it did not */
	RUN_NOT_STARTED, /* with `error`, an errno */
};

struct run {
	char **argv;  /* argv[0] is the path of the program; ends with NULL */
	char *output; /* the file */
	enum run_state state;
	int wait_status, error;
	pid_t pid;
	uint64_t deadline_ns;
	bool is_told; /* to end */
};

/* Returns false if a signal has interrupted it: what ran then was killed, and is WAITING. */
bool runs_do(struct run *runs, size_t count, uint32_t jobs, uint32_t timeout_seconds,
	     struct progress *progress);

#endif
