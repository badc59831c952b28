/* SPDX-License-Identifier: MIT */
/*
 * What a forked child takes over from its parent's trace: definitions and stacks out of the file, as
 * far as they were written at the fork, and the ledger, which is in its own memory already. The
 * parent goes on writing its file meanwhile; what is taken is never changed there.
 */
#ifndef LSATRACE_PRELOAD_LIFE_INHERIT_H
#define LSATRACE_PRELOAD_LIFE_INHERIT_H

#include <stdbool.h>

#include "preload/file/chunks.h"
#include "preload/file/log.h"

struct inheritance {
	struct chunks_mapping old;
	struct log_mark mark;
};

/* Puts the parent's file aside. Under the cold lock, as the rest. */
void inherit_begin(struct inheritance *i);
/* Writes what is inherited to the new file. */
void inherit_all(struct inheritance *i);
/* Lets the parent's file go. */
void inherit_end(struct inheritance *i);

#endif
