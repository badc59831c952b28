/* SPDX-License-Identifier: MIT */
#ifndef HOST_JOURNAL_H
#define HOST_JOURNAL_H

/*
 * The host's own count of the calls that reached its functions, those of TRACED_SLOTS. Tests compare a trace with it.
 *
 * The counters are in a file that is mapped shared, so they are right at any moment, even when the
 * process is killed. Each thread of each process has its own counters, which never decrease. For
 * one function, begun - returned is 1 while the host is in it, otherwise 0.
 */

#include <stdint.h>

#include "include/slots.h"

enum { JOURNAL_THREADS = 1024 };

struct journal_thread {
	uint32_t pid; /* 0: this place is not used */
	uint32_t tid;
	uint64_t begun[SLOT_COUNT];
	uint64_t returned[SLOT_COUNT];
};

/* The whole file. */
struct journal_file {
	uint64_t thread_count; /* places that are used, by all processes */
	struct journal_thread threads[JOURNAL_THREADS];
};

/*
 * Opens the journal of this process and of the processes that it forks: a file, which is replaced,
 * or private memory if `path` is NULL. Returns 0, or -1 with errno set.
 */
int journal_open(const char *path);

void journal_begin(enum slot function);
void journal_end(enum slot function);

#endif
