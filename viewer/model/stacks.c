/* SPDX-License-Identifier: MIT */
#include "viewer/model/stacks.h"

#include "viewer/model/definitions.h"

static struct model_frame decode_frame(const struct definitions *d, uint64_t word)
{
	uint64_t offset = word & ((1ull << TRACE_FRAME_OFFSET_BITS) - 1);
	uint32_t id = (uint32_t)(word >> TRACE_FRAME_OFFSET_BITS);
	const struct model_module *module = definitions_module(d, id);

	if (id == 0)
		return (struct model_frame){ NULL, offset, offset, true };
	if (!module)
		return (struct model_frame){ NULL, offset, 0, false };
	return (struct model_frame){ module, offset, module->load + offset, true };
}

void stacks_decode(struct model_stack *stack, const struct definitions *d,
		   const struct trace_stack *t)
{
	stack->frames = t->frames;
	stack->is_truncated = (t->flags & TRACE_STACK_TRUNCATED) != 0;
	for (uint32_t i = 0; i < t->frames; i++)
		stack->frame[i] = decode_frame(d, t->frame[i]);
}
