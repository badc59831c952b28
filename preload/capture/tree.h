/* SPDX-License-Identifier: MIT */
/*
 * The calling-context tree: all stacks that were seen, as one tree.
 *
 *	root ── main ── log_on ── allocate_session      stack 3 ends here
 *	            │          └─ allocate_ticket       stack 4
 *	            └── call_package ── ...
 *
 * A node is a return address below its parent; the outermost frame is nearest to the root. Stacks
 * that differ only in their inner frames share the nodes of the outer ones, so finding a stack costs
 * one look-up for each frame that changed. A node remembers the reference of the stack that ends in
 * it (stacks.h).
 *
 * The nodes of a stack that is new lie one behind the other, as a rule. So a node is looked for behind
 * its parent first: as long as nothing branches, that is all. The others are found by an index.
 *
 * Any thread, without a lock. Of a node only that reference ever changes. Each epoch (host/images.h)
 * has a root of its own, so nodes of code that was unloaded are not found again.
 */
#ifndef LSATRACE_PRELOAD_CAPTURE_TREE_H
#define LSATRACE_PRELOAD_CAPTURE_TREE_H

#include <stdbool.h>
#include <stdint.h>

/* Reserves memory. Returns false if there is none. */
bool tree_init(void);

/* The root of an epoch; 0 if the tree is full. It has the address of no frame. Threads that begin an
 * epoch at the same moment may get two. */
uint32_t tree_root(uint64_t epoch);

/* The node of a return address below `parent`, added if it is new. Then `*is_new` is set: a node below
 * that one is new as well, and not looked for. Returns 0 if the tree is full or `parent` is 0. */
uint32_t tree_child(uint32_t parent, uint64_t pc, bool *is_new);

/* Is a node the one of a return address? `node` may also be a root or 0. It has 64 bits, here and below,
 * because the compiler would extend it for each frame of a stack. */
bool tree_is_at(uint64_t node, uint64_t pc);

/* The parent of a node: another one, or a root; 0 for a root and for 0. */
uint64_t tree_parent(uint64_t node);

/* Remembers a node by any key, the upper bits of which count most: if there is room, or `turn`, which counts
 * the caller's calls, is one of a few. It is found by the same key, unless two others were remembered there
 * meanwhile. Returns 0, or a node, which is to be checked. */
void tree_remember(uint64_t key, uint32_t node, uint32_t turn);
uint32_t tree_recall(uint64_t key);

/* The reference of the stack that ends in a node; 0 if it is not known yet. */
uint32_t tree_stack(uint32_t node);
void tree_set_stack(uint32_t node, uint32_t stack);

/* Empties the tree for a new trace file. One thread only. */
void tree_reset(void);

#endif
