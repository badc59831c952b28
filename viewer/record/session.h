/* SPDX-License-Identifier: MIT */
/*
 * The session file tells lsatrace which traces its command made. It is a temporary file, and
 * LSATRACE_SESSION names it for the command. Processes append lines:
 *
 *	PATH            the trace of a process: an absolute path
 *	!REASON         why a process that should be traced has no trace
 *	+TEXT           of a process without a trace: which of the images that Wine has mapped have packages
 *	-NAME REASON    a program that a process executed untraced, because the library cannot be
 *	                preloaded into it
 *
 * Any process of the user can write to the file, so its content is not trusted: a path is only ever
 * opened, and checked, as a trace.
 *
 * Nothing here prints. For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_RECORD_SESSION_H
#define LSATRACE_VIEWER_RECORD_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

/* Texts that processes have written, each once, and how often. */
struct session_texts {
	struct session_text {
		char *text;
		unsigned count;
	} * all;
	size_t count, room;
};

/* Starts zeroed. */
struct session {
	const char *folder; /* where to make the file; NULL: in $TMPDIR, or else in /tmp */
	char *path;         /* absolute; NULL: there is no file */
	FILE *file;
	char id[8];    /* that its traces have in their headers */
	char **traces; /* absolute paths, in the order in which the traces were made */
	size_t trace_count, trace_room;
	struct session_texts refusals; /* reasons why processes could make no trace */
	struct session_texts untraced; /* programs that were executed untraced, and why */
	struct session_texts of_wine;  /* what Wine has mapped in processes without a trace */
};

/* Makes the file. Returns false with errno set if that fails. */
bool session_open(struct session *s);

/*
 * Reads the file, and removes it, so that it is gone even if the report is interrupted. A process
 * that has become another user cannot write to the file. So traces of this session are also looked for
 * in the folder of `pattern`: the pattern of the traces' names, an absolute path. A trace that another run
 * has replaced is a refusal.
 */
void session_read(struct session *s, const char *pattern);

/* Waits until the traced processes have ended, for a second at most: those that the command has made may
 * end a little later than it does. */
void session_wait(const struct session *s);

/*
 * Writes how the process `pid` ended, as waitpid() reports it, into those of its traces that still
 * say that it is running. Skips a trace that it cannot write to.
 */
void session_mark_end(const struct session *s, pid_t pid, int wait_status);

/* Waits until the copies of processes that have ended have found out what is lost (preload/reach), or the
 * time in which they must have is over. */
void session_wait_for_searches(const struct session *s);

/* Removes the traces, but no file that is not a trace of this session: any process may have written
 * its name. */
void session_remove_traces(const struct session *s);

/* Removes the files of sessions from a folder: somebody killed who should have removed them. */
void session_remove_left(const char *folder);

/* Removes the file, if session_read() has not. */
void session_release(struct session *s);

#endif
