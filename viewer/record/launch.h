/* SPDX-License-Identifier: MIT */
/*
 * Runs a command with the preload library loaded, and waits until it ends.
 *
 * The command gets the same environment, file descriptors, signal mask and signal dispositions as
 * without lsatrace, except for three environment variables: LD_PRELOAD, LSATRACE_OPTIONS and
 * LSATRACE_SESSION.
 *
 * For one thread, one command at a time: the signals that end programs are forwarded to it while it runs,
 * and are then ignored, so that a signal for the command does not end lsatrace. Nothing here prints.
 */
#ifndef LSATRACE_VIEWER_RECORD_LAUNCH_H
#define LSATRACE_VIEWER_RECORD_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

/* Exit statuses of lsatrace that are not the command's. */
enum { LAUNCH_FAILED = 125, LAUNCH_CANNOT_RUN = 126, LAUNCH_NOT_FOUND = 127 };

struct launch {
	const char *library;   /* put first in LD_PRELOAD, after sanitizers only; NULL: the
				environment is not changed at all */
	const char *options;   /* value of LSATRACE_OPTIONS */
	const char *session;   /* value of LSATRACE_SESSION: the session file */
	const char *sanitizer; /* put before the library, unless LD_PRELOAD has one; "": none */
	/* Watches the process until it has ended; this is its tracer (ptrace), and it stops as it becomes the command.
	 * NULL: nobody does. */
	void (*watch)(pid_t pid, const char *watch_path);
	const char *watch_path;
};

enum launch_result {
	LAUNCH_ENDED,       /* `pid` and `wait_status` are set, as waitpid() does */
	LAUNCH_NOT_RUN,     /* exec failed, with `error` */
	LAUNCH_NOT_STARTED, /* no process could be made, because of `error` */
};

struct launch_outcome {
	pid_t pid;
	int wait_status;
	int error; /* an errno */
};

/* Runs `command` (ends with NULL; looked up as by execvp), and returns when it has ended. */
enum launch_result launch_command(const struct launch *launch, char *const *command,
				  struct launch_outcome *outcome);

/*
 * Returns the absolute path of a part of lsatrace, such as the preload library, to be freed: beside the running program,
 * or in ../lib or ../lib/lsatrace from there. Returns NULL if it is in none of these places.
 */
char *launch_find_part(const char *name);

/*
 * Returns the command that plays the LSA with these arguments, which end with NULL: the program of that name, or wine with it if
 * the last one is a DLL. NULL if there is no such program. Valid until the next call.
 */
char *const *launch_host(char *const *arguments);
const char *launch_host_name(char *const *arguments);

/*
 * Returns what is to be run in place of `lsatrace host ...`, which does nothing but execute that command. Another
 * command is returned as it is. Valid until the next call, too.
 */
char *const *launch_skip(char *const *command);

/* Can LD_PRELOAD name this path? Colons and white space separate its items; there is no escape. */
bool launch_can_preload(const char *library);

/* Returns the exit status as a shell gives it: the command's own, or 128 + the signal's number. */
int launch_exit_status(int wait_status);

#endif
