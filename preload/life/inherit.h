/* SPDX-License-Identifier: MIT */
/*
 * What a forked child takes over into its own trace. Definitions and stacks are copied out of the
 * parent's file, which is still mapped; the ledger lies in the child's memory already, and its
 * references to stacks are changed to those of the copies.
 *
 * The parent goes on writing to its file meanwhile. Only what the log held at the fork is copied:
 * it is never changed again.
 *
 *	inherit_begin()   takes the parent's file out of use, still mapped
 *	...               the caller makes and maps the child's own file
 *	inherit_all()     copies
 *	inherit_end()     unmaps the parent's file
 *
 * Under the cold lock, in a child that has one thread so far, or several of its own.
 */
#ifndef LSATRACE_PRELOAD_LIFE_INHERIT_H
#define LSATRACE_PRELOAD_LIFE_INHERIT_H

#include "preload/file/chunks.h"
#include "preload/file/log.h"

struct inheritance {
	struct chunks_mapping old;
	struct log_mark mark; /* how far the log was written at the fork */
};

void inherit_begin(struct inheritance *i);
/* What the new file has no room for is counted in it. */
void inherit_all(struct inheritance *i);
void inherit_end(struct inheritance *i);

#endif
