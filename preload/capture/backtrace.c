/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <string.h>

#include "preload/base/config.h"
#include "preload/base/reentry.h"
#include "preload/capture/backtrace.h"
#include "preload/capture/libunwind.h"
#include "preload/capture/stacks.h"
#include "preload/capture/step.h"
#include "preload/capture/tree.h"
#include "preload/capture/unwind.h"
#include "preload/file/lanes.h"
#include "preload/file/trace.h"
#include "preload/host/elf_image.h"

#include "preload/base/poison.h"

/* No code lies below: what an unwinder finds there is how a stack ends. */
#define LOWEST_CODE 0x4000u

enum {
	OWN_FRAMES = 12, /* more than there are, unless calls are nested in each other */
	OWN_FRAMES_MOST = 65536,
};

/* How backtraces are taken. */
static enum unwind way = UNWIND_AUTO;

void backtrace_init(void)
{
	struct elf_image own;

	if (elf_image_at((const void *)&backtrace_init, &own)) {
		unwind_own_start = own.start;
		unwind_own_bytes = own.end - own.start;
	}
}

bool backtrace_start(void)
{
	if (config->unwind == UNWIND_AUTO)
		return true;
	if (!libunwind_init())
		return false;
	way = config->unwind;
	return true;
}

/* Drops the tracer's own frames, which are innermost and where a package was called through us. */
static void trim(struct backtrace *b, const uint64_t *pc, uint32_t found)
{
	uint32_t frames = 0, depth = config->depth;

	for (uint32_t i = 0; i < found && pc[i] >= LOWEST_CODE && frames <= depth; i++)
		if (!unwind_is_own(pc[i]) && frames++ < depth)
			b->pc[frames - 1] = pc[i];
	b->truncated = frames > depth;
	b->frames = b->truncated ? depth : frames;
}

/* What does not lead to the caller is not believed. */
static void expect_caller(struct backtrace *b, const void *frame_address)
{
	uint64_t caller = ((const uint64_t *)frame_address)[1];

	if (likely(b->frames > 0 && (b->pc[0] == caller || unwind_is_own(caller))))
		return;
	b->frames = 1;
	b->truncated = true;
	b->pc[0] = caller;
}

/* By libunwind. There may be any number of the tracer's own frames, where calls are nested in each
 * other. There is room for them all where new frames of the history are put together: it is not in
 * use now. Returns false if libunwind could not be asked. */
static bool take_by_libunwind(struct backtrace *b, struct lane *lane, const void *frame_address)
{
	uint64_t *pc = (uint64_t *)lane->history->fresh;
	uint32_t most = sizeof(lane->history->fresh) / (sizeof(uint64_t));
	uint32_t few = config->depth + OWN_FRAMES, found;

	if (!libunwind_take(pc, few, &found))
		return false;
	trim(b, pc, found);
	if (unlikely(found == few && !b->truncated)) {
		if (!libunwind_take(pc, most, &found))
			return false;
		trim(b, pc, found);
	}
	expect_caller(b, frame_address);
	return true;
}

/* Any number of frames of the tracer may be among them; a stack that leads in circles is given
 * up. */
static void take_by_steps(struct backtrace *b, struct step_frame *f)
{
	uint32_t own = 0;

	b->frames = 0;
	b->truncated = false;
	do {
		if (f->pc < LOWEST_CODE && !f->is_interrupted)
			return;
		if (unwind_is_own(f->pc)) {
			own++;
			continue;
		}
		b->truncated = b->frames == config->depth;
		if (b->truncated)
			return;
		b->pc[b->frames++] = f->pc;
	} while (own < OWN_FRAMES_MOST && step_out(f));
}

/* From here on outward, whatever frames there are. Returns false if libunwind would not find them:
 * where a frame restores an rsp that is not the CFA, libunwind 1.6 takes the CFA for it. */
static APART bool take_any(struct backtrace *b, struct lane *lane, const void *frame_address)
{
	struct step_frame f;

	step_begin(&f, &lane->history->pages);
	take_by_steps(b, &f);
	expect_caller(b, frame_address);
	return !f.has_other_rsp;
}

/* The innermost frames of the history. */
static void take_from_history(struct backtrace *b, struct unwind_history *h)
{
	b->frames = 0;
	b->truncated = false;
	for (const struct unwind_frame *f = h->last; f > unwind_root(h); f--) {
		if (unwind_is_own(f->pc) || !f->pc)
			continue;
		b->truncated = b->frames == config->depth;
		if (b->truncated)
			return;
		b->pc[b->frames++] = f->pc;
	}
}

static bool is_same(const struct backtrace *a, const struct backtrace *b)
{
	return a->frames == b->frames && a->truncated == b->truncated &&
	       memcmp(a->pc, b->pc, a->frames * sizeof(a->pc[0])) == 0;
}

static struct backtrace_taken find(const struct backtrace *b)
{
	return (struct backtrace_taken){ b->pc[0], stacks_find(b) };
}

/* Is the stack that the tree has for the history this one? */
static bool is_known_as(const struct unwind_history *h, uint32_t stack)
{
	uint32_t node = h->last->node, known;

	if (!node || !stack)
		return true;
	known = tree_stack(node);
	if (!known)
		tree_set_stack(node, stack);
	return !known || stacks_are_alike(known, stack);
}

static void count_checked(bool is_as_expected)
{
	__atomic_add_fetch(&trace_header->unwind_checked, 1, __ATOMIC_RELAXED);
	if (!is_as_expected)
		__atomic_add_fetch(&trace_header->unwind_differences, 1, __ATOMIC_RELAXED);
}

/* Takes it in each way: by the history, by steps, and by libunwind, which is believed. Two comparisons,
 * so that a history that gives up shows as fewer of them. What the tree has for it is compared as
 * well, and what is believed of a stack that is unchanged. */
static APART struct backtrace_taken take_checked(struct lane *lane, const void *frame_address)
{
	struct unwind_history *h = lane->history;
	struct backtrace b, ours;
	struct backtrace_taken taken;
	uint32_t unchanged = unwind_is_unchanged(h, frame_address) ? h->checked : 0;
	bool is_history = unwind_take(h, frame_address);

	h->checked = 0;
	if (!take_any(&ours, lane, frame_address) || !take_by_libunwind(&b, lane, frame_address))
		return find(&ours);
	count_checked(is_same(&ours, &b));
	taken = find(&b);
	if (is_history) {
		take_from_history(&ours, h);
		count_checked(is_same(&ours, &b) && is_known_as(h, taken.stack) &&
			      (!unchanged || stacks_are_alike(unchanged, taken.stack)));
		h->checked = taken.stack;
	}
	return taken;
}

/* Takes it without the history, or as --unwind says. */
static APART struct backtrace_taken take_otherwise(struct lane *lane, const void *frame_address)
{
	struct backtrace b;

	if (way == UNWIND_CHECK)
		return take_checked(lane, frame_address);
	unwind_forget_frames(lane->history);
	if (way != UNWIND_LIBUNWIND || !take_by_libunwind(&b, lane, frame_address))
		take_any(&b, lane, frame_address);
	return find(&b);
}

/* The stack that ends in a node of the tree, seen for the first time; or the tree is full. */
static APART struct backtrace_taken store(struct lane *lane, uint32_t node, uint64_t caller)
{
	struct backtrace_taken taken;
	struct backtrace b;

	take_from_history(&b, lane->history);
	if (b.frames == 0)
		return (struct backtrace_taken){ caller, 0 };
	taken = find(&b);
	if (node && taken.stack)
		tree_set_stack(node, taken.stack);
	return taken;
}

/* The stack that was taken last is not this one, or it is not known. */
static APART __attribute__((flatten)) struct backtrace_taken take_changed(struct lane *lane,
									  const void *frame_address)
{
	struct unwind_history *h = lane->history;
	uint64_t caller = ((const uint64_t *)frame_address)[1];
	uint32_t node, stack;

	if (unlikely(way != UNWIND_AUTO) || unlikely(!unwind_take(h, frame_address)))
		return take_otherwise(lane, frame_address);
	node = h->last->node;
	stack = likely(node) ? tree_stack(node) : 0;
	if (unlikely(!stack) || unlikely(unwind_is_own(caller)))
		return store(lane, node, caller);
	h->stack = stack;
	return (struct backtrace_taken){ caller, stack };
}

struct backtrace_taken backtrace_take(struct lane *lane, const void *frame_address)
{
	struct unwind_history *h = lane->history;
	uint32_t stack = h->stack;

	if (unlikely(!stack) || !unwind_is_unchanged(h, frame_address))
		return take_changed(lane, frame_address);
	return (struct backtrace_taken){ ((const uint64_t *)frame_address)[1], stack };
}

uint32_t backtrace_take_at(const ucontext_t *context)
{
	struct stack_pages pages = { 0 };
	struct step_frame f = step_interrupted(context, &pages);
	struct backtrace b;

	take_by_steps(&b, &f);
	if (b.frames == 0) /* the tracer itself was interrupted */
		b.pc[b.frames++] = (uint64_t)context->uc_mcontext.gregs[REG_RIP] + 1;
	return stacks_find(&b);
}

bool backtrace_has(const struct lane *lane, uint64_t pc)
{
	struct unwind_history *h = lane->history;

	for (const struct unwind_frame *f = h->last; f > unwind_root(h); f--)
		if (f->pc == pc)
			return true;
	return unwind_frames(h) == 0;
}
