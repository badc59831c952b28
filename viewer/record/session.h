/* SPDX-License-Identifier: MIT */
/*
 * How traced processes tell lsatrace which traces they made: each appends one line to the session
 * file, an absolute path, or "!" and why there is none. The file is lsatrace's own and temporary. What
 * is in it is anybody's who could write to it, so a path is only ever opened, and checked, as a trace.
 *
 * Nothing here prints.
 */
#ifndef LSATRACE_VIEWER_RECORD_SESSION_H
#define LSATRACE_VIEWER_RECORD_SESSION_H

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* Starts zeroed. */
struct session {
	char *path; /* absolute; NULL: there is no file */
	FILE *file;
	char **traces; /* absolute paths, in the order in which they were made */
	size_t trace_count;
	int refused; /* a process could make no trace, and has said so itself */
};

/* Makes the file in $TMPDIR or else in /tmp. Returns -1 with errno if it cannot be made. */
int session_open(struct session *s);

/* Takes in what the file says, and removes it: a report may be interrupted. */
void session_read(struct session *s);

/*
 * Writes how the process `pid` ended, as waitpid has it, into those of the traces that it made and
 * that still say it is running. A trace that cannot be written to stays as it is.
 */
void session_mark_end(const struct session *s, pid_t pid, int wait_status);

/* Removes the file, if session_read has not. */
void session_release(struct session *s);

#endif
