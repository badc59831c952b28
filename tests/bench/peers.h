/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

/*
 * The tools that lsatrace is compared with, if they are installed. Each is used in the way that is
 * best for it: heaptrack writes its raw data to a file, so that neither its interpreter nor a
 * compressor uses the processors; LTTng-UST records into memory only (snapshot mode).
 */

#include <stdbool.h>
#include <sys/types.h>

struct peers {
	char *heaptrack; /* library to preload, or NULL */
	char *heaptrack_interpret;
	char *heaptrack_print;
	char *babeltrace;
	char *symbolizer;
	const char *lttng; /* library to preload, or NULL */
	const char *lttng_missing;
	char *lttng_home;     /* as an assignment for the environment */
	pid_t lttng_sessiond; /* 0: not running */
	bool lttng_session;   /* a session is recording */
};

/* Finds out which peers there are. Starts a session daemon of LTTng and a session. */
void peers_start(struct peers *p, const char *folder);
void peers_release(struct peers *p);

/* Ends the session, and begins one that records malloc() and free() with thread and address.
 * Each processor has four buffers of a size such as "4M"; NULL: the default. */
bool lttng_begin(struct peers *p, const char *buffer_size);

/* Writes the contents of the buffers into a folder. */
bool lttng_snapshot(struct peers *p, const char *folder);
void lttng_end(struct peers *p);

#endif
