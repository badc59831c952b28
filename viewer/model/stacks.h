/* SPDX-License-Identifier: MIT */
/*
 * Decodes the backtraces of a trace. A part of the model. Pure.
 */
#ifndef LSATRACE_VIEWER_MODEL_STACKS_H
#define LSATRACE_VIEWER_MODEL_STACKS_H

struct definitions;
struct model_stack;
struct trace_stack;

/* Fills in the stack. The definitions are those of the same trace. */
void stacks_decode(struct model_stack *stack, const struct definitions *d,
		   const struct trace_stack *t);

#endif
