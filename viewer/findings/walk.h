/* SPDX-License-Identifier: MIT */
/* Goes through the functions of a stack, the innermost one first. Each inlined function counts. */
#ifndef LSATRACE_VIEWER_FINDINGS_WALK_H
#define LSATRACE_VIEWER_FINDINGS_WALK_H

#include <stdbool.h>
#include <stdint.h>

struct findings_namer;
struct model_frame;
struct model_stack;
struct symbol;

struct walk {
	const struct model_stack *stack;
	const struct findings_namer *namer;
	/* Zero at first; then the place of the walk. It is lost when the namer is asked for anything else. */
	const struct model_frame *frame;
	const struct symbol *symbol;
	uint32_t next;
};

/* Steps to the next function. Returns false if there is none. */
bool walk_next(struct walk *walk);

/* Returns the function at a depth from 0 on, and sets *frame; NULL: the stack is not that deep. Valid until the
 * namer's next answer. */
const struct symbol *walk_to(const struct model_stack *stack, const struct findings_namer *namer,
			     unsigned depth, const struct model_frame **frame);

#endif
