/* SPDX-License-Identifier: MIT */
/*
 * One recording, as `record` and `run` make it: runs the command with the preload library, and
 * collects the traces that it left.
 *
 * When all goes well nothing is printed, because standard error belongs to the command.
 */
#ifndef LSATRACE_VIEWER_RECORD_RECORDING_H
#define LSATRACE_VIEWER_RECORD_RECORDING_H

#include "viewer/record/session.h"
#include "viewer/record/settings.h"

/* Why there is nothing to judge by. */
enum recording_gap {
	RECORDING_NO_GAP,
	RECORDING_NO_PACKAGE, /* no package was initialised */
	RECORDING_UNTRACED,   /* the command cannot be traced, or no trace could be written */
};

/* Starts zeroed. */
struct recording {
	struct settings settings;                         /* filled in from the command line */
	void (*watch)(pid_t pid, const char *watch_path); /* as in struct launch */
	const char *watch_path;
	struct session session; /* after recording_run: the traces */
	enum recording_gap gap; /* after recording_run, if there are none */
};

/* What --help says of the exit status of `record`; it is the first part of that of `run`. */
#define RECORDING_STATUSES \
	"The exit status is COMMAND's own, or 128+N if signal N killed it;\n" \
	"125 if lsatrace failed, 126 if COMMAND cannot be run, 127 if it is not\n" \
	"found."

/*
 * Runs `command` (ends with NULL). Returns the exit status for lsatrace. If lsatrace could not run
 * the command, or the command initialised no package, one line that says so has been printed.
 */
int recording_run(struct recording *r, char *const *command);

/* Prints a line for each reason why processes could make no trace, and for each program that was
 * executed untraced because its loader could not have loaded the library. */
void recording_tell_untraced(const struct recording *r);

void recording_release(struct recording *r);

#endif
