/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

/*
 * The tools that lsatrace is compared with, as far as they are installed. Each is used as favours
 * it: heaptrack writes its raw data to a file, so that neither its interpreter nor a compressor has
 * a share in the processors; LTTng-UST records into memory only (snapshot mode).
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
	bool lttng_session;   /* there is one, which records */
};

/* Finds out what there is; starts a session daemon of LTTng, of our own, and a session. */
void peers_start(struct peers *p, const char *folder);
void peers_release(struct peers *p);

/* Begins a session in which malloc() and free() are recorded with thread and address, in buffers of
 * so many bytes ("4M"), four a processor; NULL: as many as is the default. The former one ends. */
bool lttng_begin(struct peers *p, const char *buffer_size);

/* Writes what the buffers hold into a folder. */
bool lttng_snapshot(struct peers *p, const char *folder);
void lttng_end(struct peers *p);

#endif
