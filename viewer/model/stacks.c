/* SPDX-License-Identifier: MIT */
#include "viewer/model/stacks.h"

#include <stdlib.h>

#include "viewer/base/memory.h"
#include "viewer/model/definitions.h"
#include "viewer/model/types.h"
#include "viewer/read/reader.h"

#include <uthash.h>

struct stack_node {
	uint32_t ref;
	struct model_stack *stack; /* NULL: unknown */
	UT_hash_handle hh;         /* by ref */
};

static struct model_frame decode_frame(const struct stacks *s, uint64_t word)
{
	uint64_t offset = word & ((1ull << TRACE_FRAME_OFFSET_BITS) - 1);
	uint32_t id = (uint32_t)(word >> TRACE_FRAME_OFFSET_BITS);
	const struct model_module *module = definitions_module(s->definitions, id);

	if (id == 0)
		return (struct model_frame){ NULL, offset, offset, true };
	if (!module)
		return (struct model_frame){ NULL, offset, 0, false };
	return (struct model_frame){ module, offset, module->load + offset, true };
}

static struct model_stack *decode_stack(const struct stacks *s, uint32_t ref)
{
	const struct trace_stack *t = reader_stack(s->reader, ref);
	struct model_stack *stack;

	if (!t)
		return NULL;
	stack = memory_new(1, sizeof(*stack) + t->frames * sizeof(stack->frame[0]));
	stack->frames = t->frames;
	stack->is_truncated = (t->flags & TRACE_STACK_TRUNCATED) != 0;
	for (uint32_t i = 0; i < t->frames; i++)
		stack->frame[i] = decode_frame(s, t->frame[i]);
	return stack;
}

const struct model_stack *stacks_find(struct stacks *s, uint32_t ref)
{
	struct stack_node *node;

	if (ref == 0)
		return NULL;
	HASH_FIND(hh, s->nodes, &ref, sizeof(ref), node);
	if (!node) {
		node = memory_new(1, sizeof(*node));
		node->ref = ref;
		node->stack = decode_stack(s, ref);
		HASH_ADD(hh, s->nodes, ref, sizeof(ref), node);
	}
	return node->stack;
}

void stacks_release(struct stacks *s)
{
	struct stack_node *node = s->nodes, *next;

	HASH_CLEAR(hh, s->nodes);
	for (; node; node = next) {
		next = node->hh.next;
		free(node->stack);
		free(node);
	}
}
