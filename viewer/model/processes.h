/* SPDX-License-Identifier: MIT */
/*
 * The tree of the traced processes: a process is below the one that forked it, and a program is below
 * the one that executed it. A process whose parent has no
 * trace, or is gone, is at the top.
 *
 * Pure; for one thread at a time. A zeroed struct can be released.
 */
#ifndef LSATRACE_VIEWER_MODEL_PROCESSES_H
#define LSATRACE_VIEWER_MODEL_PROCESSES_H

#include <stddef.h>

struct model;

#define PROCESSES_TOP ((size_t)-1)

struct processes {
	size_t count;
	size_t *parent; /* by number of the trace; PROCESSES_TOP: there is none */
	size_t *depth;  /* by number of the trace; 0: at the top */
	size_t *ordered; /* numbers of traces: each process before those below it, and then the next */
};

void processes_sort(struct processes *p, struct model *const *models, size_t count);
void processes_release(struct processes *p);

#endif
