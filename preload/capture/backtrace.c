/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <string.h>

#include "preload/base/config.h"
#include "preload/base/reentry.h"
#include "preload/capture/backtrace.h"
#include "preload/capture/libunwind.h"
#include "preload/capture/stacks.h"
#include "preload/capture/tree.h"
#include "preload/capture/unwind.h"
#include "preload/file/lanes.h"
#include "preload/file/trace.h"
#include "preload/host/elf_image.h"

#include "preload/base/poison.h"

/* No code lies below: what an unwinder finds there is how a stack ends. */
#define LOWEST_CODE 0x4000u

enum { OWN_FRAMES = 12 }; /* more than there are, unless calls are nested in each other */

bool backtrace_init(const char **why)
{
	struct elf_image own;

	if (elf_image_at((const void *)&backtrace_init, &own)) {
		unwind_own_start = own.start;
		unwind_own_bytes = own.end - own.start;
	}
	return libunwind_init(why);
}

/* Drops the tracer's own frames, which are innermost and where a package was called through us. */
static void trim(struct backtrace *b, const uint64_t *pc, uint32_t found, uint32_t depth)
{
	uint32_t frames = 0;

	for (uint32_t i = 0; i < found && pc[i] >= LOWEST_CODE && frames <= depth; i++)
		if (!unwind_is_own(pc[i]) && frames++ < depth)
			b->pc[frames - 1] = pc[i];
	b->truncated = frames > depth;
	b->frames = b->truncated ? depth : frames;
}

/* With many calls in each other there may be any number of own frames. Where new frames are put
 * together there is room for them all: it is not in use now. */
static APART void take_nested(struct backtrace *b, struct lane *lane)
{
	uint64_t *pc = (uint64_t *)lane->history->fresh;
	uint32_t most = sizeof(lane->history->fresh) / (sizeof(uint64_t));

	trim(b, pc, libunwind_take(pc, most, &lane->unwinding), config->depth);
}

/* What does not lead to the caller is not believed. */
static void take_by_libunwind(struct backtrace *b, struct lane *lane, const void *frame_address)
{
	uint64_t caller = ((const uint64_t *)frame_address)[1];
	uint32_t most = config->depth + OWN_FRAMES;
	uint32_t found = libunwind_take(b->pc, most, &lane->unwinding);

	/* For the analyzer, which does not always look into trim(). */
	b->frames = 0;
	b->truncated = false;
	trim(b, b->pc, found, config->depth);
	if (unlikely(found == most && !b->truncated))
		take_nested(b, lane);
	if (likely(b->frames > 0 && (b->pc[0] == caller || unwind_is_own(caller))))
		return;
	b->frames = 1;
	b->truncated = true;
	b->pc[0] = caller;
}

/* The innermost frames of the history. */
static void take_from_history(struct backtrace *b, const struct unwind_history *h)
{
	b->frames = 0;
	b->truncated = false;
	for (uint32_t i = h->frames; i > 0; i--) {
		if (unwind_is_own(h->frame[i].pc) || !h->frame[i].pc)
			continue;
		b->truncated = b->frames == config->depth;
		if (b->truncated)
			return;
		b->pc[b->frames++] = h->frame[i].pc;
	}
}

static bool is_same(const struct backtrace *a, const struct backtrace *b)
{
	return a->frames == b->frames && a->truncated == b->truncated &&
	       memcmp(a->pc, b->pc, a->frames * sizeof(a->pc[0])) == 0;
}

static uint32_t find(const struct backtrace *b, uint64_t *caller)
{
	*caller = b->pc[0];
	return stacks_find(b);
}

/* Is the stack that the tree has for the history this one? */
static bool is_known_as(const struct unwind_history *h, uint32_t stack)
{
	uint32_t node = h->frame[h->frames].node, known;

	if (!node || node >> 31 || !stack)
		return true;
	known = tree_stack(node);
	if (!known)
		tree_set_stack(node, stack);
	return !known || stacks_are_alike(known, stack);
}

/* Takes it by libunwind as well, which is believed. What the tree has for it is compared as
 * well. */
static APART uint32_t take_checked(struct lane *lane, const void *frame_address, uint64_t *caller)
{
	struct backtrace b, ours;
	bool plain = unwind_take(lane->history, frame_address);
	uint32_t stack;

	take_by_libunwind(&b, lane, frame_address);
	stack = find(&b, caller);
	if (!plain)
		return stack;
	take_from_history(&ours, lane->history);
	__atomic_add_fetch(&trace_header->unwind_checked, 1, __ATOMIC_RELAXED);
	if (!is_same(&ours, &b) || !is_known_as(lane->history, stack))
		__atomic_add_fetch(&trace_header->unwind_differences, 1, __ATOMIC_RELAXED);
	return stack;
}

static APART uint32_t take_in_full(struct lane *lane, const void *frame_address, uint64_t *caller)
{
	struct backtrace b;

	lane->history->frames = 0;
	take_by_libunwind(&b, lane, frame_address);
	return find(&b, caller);
}

/* The stack that ends in a node of the tree, seen for the first time; or the tree is full. */
static APART uint32_t store(struct lane *lane, uint32_t node, uint64_t *caller)
{
	struct backtrace b;
	uint32_t stack;

	take_from_history(&b, lane->history);
	if (b.frames == 0)
		return 0;
	stack = find(&b, caller);
	if (node && stack)
		tree_set_stack(node, stack);
	return stack;
}

uint32_t backtrace_take(struct lane *lane, const void *frame_address, uint64_t *caller)
{
	struct unwind_history *h = lane->history;
	uint32_t node, stack;

	if (unlikely(config->unwind == UNWIND_CHECK))
		return take_checked(lane, frame_address, caller);
	if (unlikely(config->unwind == UNWIND_LIBUNWIND) || unlikely(!unwind_take(h, frame_address)))
		return take_in_full(lane, frame_address, caller);
	node = h->frame[h->frames].node;
	stack = likely(node && !(node >> 31)) ? tree_stack(node) : 0;
	*caller = ((const uint64_t *)frame_address)[1];
	return likely(stack && !unwind_is_own(*caller)) ? stack : store(lane, node, caller);
}

uint32_t backtrace_take_at(const ucontext_t *context)
{
	uint64_t at = (uint64_t)context->uc_mcontext.gregs[REG_RIP];
	struct backtrace b = { 0 };
	uint32_t most = config->depth + OWN_FRAMES;
	uint32_t found = libunwind_take_at(context, b.pc, most);

	trim(&b, b.pc, found, config->depth);
	b.truncated |= found == most;
	if (b.frames == 0)
		b.pc[b.frames++] = at;
	/* Frames are return addresses: as if what was interrupted were a call. */
	if (b.pc[0] == at)
		b.pc[0]++;
	return stacks_find(&b);
}

bool backtrace_has(const struct lane *lane, uint64_t pc)
{
	const struct unwind_history *h = lane->history;

	for (uint32_t i = h->frames; i > 0; i--)
		if (h->frame[i].pc == pc)
			return true;
	return h->frames == 0;
}
