/* SPDX-License-Identifier: MIT */
/*
 * Backtraces as a tree of calling contexts, outermost frame first: a node is its parent and a
 * return address. Two backtraces that differ in their innermost frames share the rest, so that
 * finding one costs a look-up for each frame that changed. A node remembers the reference of the
 * stack that ends in it. No lock; nodes are never changed but for that reference.
 */
#ifndef LSATRACE_PRELOAD_CAPTURE_TREE_H
#define LSATRACE_PRELOAD_CAPTURE_TREE_H

#include <stdbool.h>
#include <stdint.h>

/* False: no memory. */
bool tree_init(void);

/* The node above every outermost frame, in an epoch (images.h). */
uint32_t tree_root(uint64_t epoch);

/* The node of a return address below `parent`; 0: the tree is full, or `parent` is 0. */
uint32_t tree_child(uint32_t parent, uint64_t pc);

/* The reference of the stack that ends in a node; 0: not known yet. */
uint32_t tree_stack(uint32_t node);
void tree_set_stack(uint32_t node, uint32_t stack);

/* For a new file, in which no stack is known: empties it. One thread only. */
void tree_reset(void);

#endif
