/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "cfi.h"
#include "guard.h"
#include "tree.h"
#include "unwind.h"

#include "poison.h"

/* A frame larger than this is not believed. */
#define FRAME_BYTES_MOST (16ull << 20)

enum { PAGE_BYTES = 4096, RUN_MOST = 255 };
enum step { STEP_FRAME, STEP_END, STEP_UNKNOWN };

static uint64_t read_word(uint64_t address)
{
	return *(const uint64_t *)(uintptr_t)address;
}

/* From a frame to the one that called it, which comes to lie behind it. Notes the frame's rule. */
static enum step step(struct unwind_frame *inner)
{
	struct unwind_frame *outer = inner + 1;
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
	return STEP_FRAME;
}

static bool is_same_place(const struct unwind_history *h, uint32_t at,
			  const struct unwind_frame *now)
{
	return h->place[at].slot == now->slot && h->place[at].pc == now->pc &&
	       (!h->state[at].rbp_matters || h->state[at].rbp == now->rbp);
}

static bool is_cell_unchanged(const struct unwind_state *s)
{
	return !s->rbp_matters || !s->rbp_cell || read_word(s->rbp_cell) == s->rbp;
}

static bool is_run_unchanged(const struct unwind_place *place, uint32_t run)
{
	uint64_t difference = 0;

#pragma GCC unroll 4
	for (uint32_t i = 0; i < run; i++)
		difference |= read_word(place[i].slot) ^ place[i].pc;
	return difference == 0;
}

/* The same as find_change(), one frame at a time. */
static __attribute__((noinline)) uint32_t find_change_singly(const struct unwind_history *h,
							     uint32_t at)
{
	uint32_t outer = at - 1;

	while (outer > 0 && read_word(h->place[outer].slot) == h->place[outer].pc &&
	       is_cell_unchanged(&h->state[outer]))
		outer--;
	return outer;
}

/*
 * The frames outside of frame `at` are read again, as frame `at` is as it was. Returns how many of
 * them, from the outermost on, are not known to be as they were: 0 if all are. A slot may be read
 * only where the frame inside of it has been compared, or on the same page.
 */
static uint32_t find_change(const struct unwind_history *h, uint32_t at)
{
	uint32_t outer = at - 1;

	if (unlikely(h->state[outer].cells))
		return find_change_singly(h, at);
	while (outer > 0) {
		uint32_t run = h->state[outer].run;

		if (unlikely(!is_run_unchanged(&h->place[outer - run + 1], run)))
			return find_change_singly(h, at);
		outer -= run;
	}
	return 0;
}

/*
 * Frames `at` to `changed + 1` of the history stand, but not the one outside of them: they join the
 * fresh ones, and that one is to be looked at next. What rbp is in them need not be what it was where
 * that did not matter: it is carried along anew. False: too many frames.
 */
static bool keep_middle(struct unwind_history *h, uint32_t at, uint32_t changed)
{
	struct unwind_frame *now = &h->fresh[h->fresh_frames];

	h->fresh_frames += at - changed;
	if (h->fresh_frames > UNWIND_FRAMES_MOST)
		return false;
	for (uint32_t i = at; i > changed; i--, now++) {
		uint64_t cell = h->state[i - 1].rbp_cell;

		now->rule = h->state[i].rule;
		now[1].slot = h->place[i - 1].slot;
		now[1].pc = h->place[i - 1].pc;
		now[1].rbp_cell = cell;
		now[1].rbp = cell ? read_word(cell) : now->rbp;
	}
	now->pc = read_word(now->slot);
	return true;
}

static void count_cells(struct unwind_state *s)
{
	s->cells = (uint16_t)(s[-1].cells + (s->rbp_matters && s->rbp_cell));
}

/* A frame of the history stands, but may have been reached by way of another inner frame. */
static void arrive(struct unwind_state *s, const struct unwind_frame *now)
{
	s->rbp = now->rbp;
	s->rbp_cell = now->rbp_cell;
	count_cells(s);
}

/*
 * Walks outward from the first of the fresh frames. True: they lead to the first `*standing` frames
 * of the history, or, with 0, to the outermost frame.
 */
static bool walk(struct unwind_history *h, uint32_t *standing)
{
	uint32_t old = h->frames;

	while (likely(h->fresh_frames < UNWIND_FRAMES_MOST)) {
		struct unwind_frame *now = &h->fresh[h->fresh_frames];
		enum step result;

		while (h->place[old].slot < now->slot)
			old--;
		if (is_same_place(h, old, now)) {
			uint32_t changed = find_change(h, old);

			if (likely(changed == 0)) {
				arrive(&h->state[old], now);
				*standing = old;
				return true;
			}
			if (!keep_middle(h, old, changed))
				return false;
			continue;
		}
		result = step(now);
		h->fresh_frames++;
		if (result != STEP_FRAME)
			return result == STEP_END;
	}
	return false;
}

/* Does rbp in a frame matter to where it leads, given whether it does in the one that called it? */
static bool rbp_matters(struct cfi_rule rule, bool outer_matters)
{
	return rule.kind == CFI_RBP || (rule.kind == CFI_RSP && !rule.rbp_offset && outer_matters);
}

static uint8_t run_of(const struct unwind_place *place, const struct unwind_state *outer)
{
	bool same_page = (place->slot ^ place[-1].slot) < PAGE_BYTES;

	return same_page && outer->run < RUN_MOST ? outer->run + 1 : 1;
}

/* Puts a fresh frame inside of all others. */
static void append(struct unwind_history *h, const struct unwind_frame *f, uint64_t own_start,
		   uint64_t own_end)
{
	uint32_t at = ++h->frames;
	struct unwind_place *place = &h->place[at];
	struct unwind_state *s = &h->state[at];
	bool is_own = f->pc - own_start < own_end - own_start;

	place->slot = f->slot;
	place->pc = f->pc;
	s->rbp = f->rbp;
	s->rbp_cell = f->rbp_cell;
	s->rule = f->rule;
	s->rbp_matters = rbp_matters(f->rule, s[-1].rbp_matters);
	s->run = run_of(place, s - 1);
	count_cells(s);
	s->node = is_own ? s[-1].node : tree_child(s[-1].node, f->pc);
}

/* Nothing is known: it is another tree's, or the first time. */
static void begin(struct unwind_history *h, uint32_t root)
{
	h->frames = 0;
	h->place[0].slot = UINT64_MAX;
	h->state[0].node = root;
}

bool unwind_take(struct unwind_history *h, const void *frame_address, uint64_t own_start,
		 uint64_t own_end)
{
	const uint64_t *frame = frame_address;
	uint32_t standing = 0, root = tree_root();

	h->fresh_frames = 0;
	h->fresh[0].slot = (uint64_t)(uintptr_t)(frame + 1);
	h->fresh[0].pc = frame[1];
	h->fresh[0].rbp = frame[0];
	h->fresh[0].rbp_cell = 0;
	if (unlikely(h->state[0].node != root))
		begin(h, root);
	if (unlikely(!walk(h, &standing) || standing + h->fresh_frames > UNWIND_FRAMES_MOST)) {
		h->frames = 0;
		return false;
	}
	h->frames = standing;
	for (uint32_t i = h->fresh_frames; i > 0; i--)
		append(h, &h->fresh[i - 1], own_start, own_end);
	return true;
}
