/* SPDX-License-Identifier: MIT */
/*
 * Runs a command with the preload library in front of it, and waits for it.
 *
 * The command must not be able to tell: but for three environment variables it gets the environment,
 * file descriptors, signal mask and signal dispositions that it would have had without lsatrace.
 *
 * One command at a time, from one thread: while it runs, lsatrace's own signal dispositions are
 * changed. Nothing here prints.
 */
#ifndef LSATRACE_VIEWER_RECORD_LAUNCH_H
#define LSATRACE_VIEWER_RECORD_LAUNCH_H

#include <sys/types.h>

/* Exit statuses of lsatrace that are not the command's. */
enum { LAUNCH_FAILED = 125, LAUNCH_CANNOT_RUN = 126, LAUNCH_NOT_FOUND = 127 };

struct launch {
	const char *library; /* goes before what LD_PRELOAD already holds */
	const char *options; /* value of LSATRACE_OPTIONS */
	const char *session; /* value of LSATRACE_SESSION */
};

enum launch_result {
	LAUNCH_ENDED,       /* `pid` and `wait_status` are set, as by waitpid */
	LAUNCH_NOT_RUN,     /* `error` says why exec refused the command */
	LAUNCH_NOT_STARTED, /* `error` says why no process could be made */
};

struct launch_outcome {
	pid_t pid;
	int wait_status;
	int error; /* an errno */
};

/* Finds `command` (NULL-terminated) as execvp does, and returns when it has ended. */
enum launch_result launch_command(const struct launch *launch, char *const *command,
				  struct launch_outcome *outcome);

/*
 * The preload library's absolute path: beside the running program, or under its install prefix. To be
 * freed; NULL with errno ENOENT if it is in none of these places.
 */
char *launch_find_library(void);

/* Can LD_PRELOAD name this path? Its items are parted by colons and white space, with no escape. */
int launch_can_preload(const char *library);

/* A command's exit status as a shell gives it: its own, or 128 and the signal that killed it. */
int launch_exit_status(int wait_status);

#endif
