/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "cfi.h"
#include "guard.h"
#include "tree.h"
#include "unwind.h"

#include "poison.h"

/* A frame larger than this is not believed. */
#define FRAME_BYTES_MOST (16ull << 20)

enum step { STEP_FRAME, STEP_END, STEP_UNKNOWN };

static uint64_t read_word(uint64_t address)
{
	return *(const uint64_t *)(uintptr_t)address;
}

/* From a frame to the one that called it. Notes the frame's rule. */
static enum step step(struct unwind_frame *inner, struct unwind_frame *outer)
{
	struct cfi_rule rule = inner->rule = cfi_find(inner->pc);
	uint64_t base = rule.kind == CFI_RSP ? inner->slot + 8 : inner->rbp;
	uint64_t cfa = base + (uint64_t)(int64_t)rule.cfa_offset;

	if (unlikely(rule.kind == CFI_OUTERMOST))
		return STEP_END;
	if (unlikely(rule.kind == CFI_UNKNOWN || cfa % 8 != 0 || cfa - 8 <= inner->slot ||
		     cfa - inner->slot > FRAME_BYTES_MOST))
		return STEP_UNKNOWN;
	outer->slot = cfa - 8;
	outer->pc = read_word(outer->slot);
	outer->rbp_cell = rule.rbp_offset ? cfa + (uint64_t)(int64_t)rule.rbp_offset : 0;
	outer->rbp = outer->rbp_cell ? read_word(outer->rbp_cell) : inner->rbp;
	return outer->pc ? STEP_FRAME : STEP_END;
}

static struct unwind_frame *push(struct unwind_history *h, const struct unwind_frame *frame)
{
	struct unwind_frame *place;

	if (unlikely(h->fresh_frames == UNWIND_FRAMES_MOST))
		return NULL;
	place = &h->fresh[h->fresh_frames++];
	*place = *frame;
	return place;
}

/* Does a frame of the history, outside of one that is as it was, read as it did? */
static bool is_unchanged(const struct unwind_frame *f)
{
	return read_word(f->slot) == f->pc &&
	       (!f->rbp_matters || !f->rbp_cell || read_word(f->rbp_cell) == f->rbp);
}

static bool is_same_place(const struct unwind_frame *old, const struct unwind_frame *now)
{
	return old->slot == now->slot && old->pc == now->pc &&
	       (!old->rbp_matters || old->rbp == now->rbp);
}

/* How many of the frames outside of frame `at`, which is as it was, have to be stepped again: 0 if all
 * of them are as they were, else those up to the outermost that changed. */
static uint32_t find_change(const struct unwind_history *h, uint32_t at)
{
	uint32_t outer = at;

	while (outer > 0 && is_unchanged(&h->frame[outer - 1]))
		outer--;
	return outer;
}

/*
 * Frames `at` to `changed` of the history stand, but not the one outside of them: they join the fresh
 * ones, and `now` becomes that one. What rbp is in them need not be what it was where that did not
 * matter: it is carried along anew. False: too many frames.
 */
static bool keep_middle(struct unwind_history *h, uint32_t at, uint32_t changed,
			struct unwind_frame *now)
{
	for (uint32_t i = at; i >= changed; i--) {
		const struct unwind_frame *outer = &h->frame[i - 1];
		uint64_t rbp = outer->rbp_cell ? read_word(outer->rbp_cell) : now->rbp;

		now->rule = h->frame[i].rule;
		if (!push(h, now))
			return false;
		*now = *outer;
		now->rbp = rbp;
	}
	now->pc = read_word(now->slot);
	return true;
}

/*
 * Walks outward from `now`. True: the fresh frames lead to the first `*standing` frames of the
 * history, or, with 0, to the outermost frame.
 */
static bool walk(struct unwind_history *h, struct unwind_frame *now, uint32_t *standing)
{
	uint32_t old = h->frames;

	for (;;) {
		struct unwind_frame outer, *frame;
		enum step result;

		while (old > 0 && h->frame[old - 1].slot < now->slot)
			old--;
		if (old > 0 && is_same_place(&h->frame[old - 1], now)) {
			uint32_t changed = find_change(h, old - 1);

			if (likely(changed == 0)) {
				/* It may have been reached by way of another inner frame. */
				h->frame[old - 1].rbp = now->rbp;
				h->frame[old - 1].rbp_cell = now->rbp_cell;
				*standing = old;
				return true;
			}
			if (!keep_middle(h, old - 1, changed, now))
				return false;
			continue;
		}
		frame = push(h, now);
		if (unlikely(!frame))
			return false;
		result = step(frame, &outer);
		if (result != STEP_FRAME)
			return result == STEP_END;
		*now = outer;
	}
}

/* Does rbp in a frame matter to where it leads, given whether it does in the one that called it? */
static bool rbp_matters(struct cfi_rule rule, bool outer_matters)
{
	return rule.kind == CFI_RBP || (rule.kind == CFI_RSP && !rule.rbp_offset && outer_matters);
}

/* Puts the fresh frames inside of the standing ones. */
static void append(struct unwind_history *h, uint32_t standing, uint64_t own_start, uint64_t own_end)
{
	bool matters = standing > 0 && h->frame[standing - 1].rbp_matters;
	uint32_t node = standing > 0 ? h->frame[standing - 1].node : h->root;

	h->frames = standing;
	for (uint32_t i = h->fresh_frames; i > 0; i--) {
		struct unwind_frame *f = &h->frame[h->frames++];

		*f = h->fresh[i - 1];
		f->rbp_matters = matters = rbp_matters(f->rule, matters);
		if (likely(f->pc < own_start || f->pc >= own_end))
			node = tree_child(node, f->pc);
		f->node = node;
	}
}

bool unwind_take(struct unwind_history *h, const void *frame_address, uint64_t own_start,
		 uint64_t own_end)
{
	const uint64_t *frame = frame_address;
	struct unwind_frame now = { .slot = (uint64_t)(uintptr_t)(frame + 1),
				    .pc = frame[1],
				    .rbp = frame[0] };
	uint32_t standing = 0, root = tree_root();

	h->fresh_frames = 0;
	if (unlikely(h->root != root)) {
		h->frames = 0;
		h->root = root;
	}
	if (unlikely(!walk(h, &now, &standing) || standing + h->fresh_frames > UNWIND_FRAMES_MOST)) {
		h->frames = 0;
		return false;
	}
	append(h, standing, own_start, own_end);
	return true;
}
