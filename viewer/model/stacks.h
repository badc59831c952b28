/* SPDX-License-Identifier: MIT */
/*
 * Decodes the backtraces of a trace, each at most once. A part of the model.
 *
 * For one thread at a time: stacks_find() fills a cache.
 */
#ifndef LSATRACE_VIEWER_MODEL_STACKS_H
#define LSATRACE_VIEWER_MODEL_STACKS_H

#include <stdint.h>

struct definitions;
struct model_stack;
struct reader;
struct stack_node;

/* Starts zeroed, with the reader and the definitions set, which must outlive it. */
struct stacks {
	const struct reader *reader;
	const struct definitions *definitions;
	struct stack_node *nodes; /* a hash by reference */
};

/* Returns the stack that a reference leads to, valid until stacks_release(). NULL: unknown. */
const struct model_stack *stacks_find(struct stacks *s, uint32_t ref);
void stacks_release(struct stacks *s);

#endif
