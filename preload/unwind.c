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
	return STEP_FRAME;
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

static bool is_same_place(const struct unwind_history *h, uint32_t at,
			  const struct unwind_frame *now)
{
	return h->slot[at] == now->slot && h->pc[at] == now->pc &&
	       (!h->rbp_matters[at] || h->rbp[at] == now->rbp);
}

static bool is_cell_unchanged(const struct unwind_history *h, uint32_t at)
{
	return !h->rbp_matters[at] || !h->rbp_cell[at] || read_word(h->rbp_cell[at]) == h->rbp[at];
}

/* May the slots of `count` frames up to frame `at` be read, if the innermost of them may? */
static bool is_one_page(const struct unwind_history *h, uint32_t at, uint32_t count)
{
	return (h->slot[at] ^ h->slot[at - count + 1]) < 4096;
}

/*
 * Frame `at - 1` and those outside of it are read again, as frame `at` is as it was. Returns how many
 * of the frames from the outermost on are not known to be as they were: 0 if all are. A slot may be
 * read only where the frame inside of it has been compared, or on the same page.
 */
static uint32_t find_change(const struct unwind_history *h, uint32_t at)
{
	enum { RUN = 4 };
	bool has_cells = at > 0 && h->cells[at - 1] > 0;
	uint32_t outer = at;

	while (outer > 0) {
		if (likely(!has_cells && outer >= RUN && is_one_page(h, outer - 1, RUN))) {
			const uint64_t *slot = &h->slot[outer - RUN], *pc = &h->pc[outer - RUN];

			if (likely(((read_word(slot[0]) ^ pc[0]) | (read_word(slot[1]) ^ pc[1]) |
				    (read_word(slot[2]) ^ pc[2]) | (read_word(slot[3]) ^ pc[3])) ==
				   0)) {
				outer -= RUN;
				continue;
			}
		}
		if (read_word(h->slot[outer - 1]) != h->pc[outer - 1] ||
		    !is_cell_unchanged(h, outer - 1))
			break;
		outer--;
	}
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
		uint64_t cell = h->rbp_cell[i - 1];

		now->rule = h->rule[i];
		if (!push(h, now))
			return false;
		now->slot = h->slot[i - 1];
		now->pc = h->pc[i - 1];
		now->rbp_cell = cell;
		now->rbp = cell ? read_word(cell) : now->rbp;
	}
	now->pc = read_word(now->slot);
	return true;
}

static void count_cells(struct unwind_history *h, uint32_t at)
{
	h->cells[at] = (at ? h->cells[at - 1] : 0) + (h->rbp_matters[at] && h->rbp_cell[at]);
}

/* Frame `at` of the history stands, but may have been reached by way of another inner frame. */
static void arrive(struct unwind_history *h, uint32_t at, const struct unwind_frame *now)
{
	h->rbp[at] = now->rbp;
	h->rbp_cell[at] = now->rbp_cell;
	count_cells(h, at);
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

		while (old > 0 && h->slot[old - 1] < now->slot)
			old--;
		if (old > 0 && is_same_place(h, old - 1, now)) {
			uint32_t changed = find_change(h, old - 1);

			if (likely(changed == 0)) {
				arrive(h, old - 1, now);
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

/* Puts a fresh frame inside of all others. */
static void append(struct unwind_history *h, const struct unwind_frame *f, uint64_t own_start,
		   uint64_t own_end)
{
	uint32_t at = h->frames++;
	uint32_t node = at ? h->node[at - 1] : h->root;
	bool matters = rbp_matters(f->rule, at && h->rbp_matters[at - 1]);

	h->slot[at] = f->slot;
	h->pc[at] = f->pc;
	h->rbp[at] = f->rbp;
	h->rbp_cell[at] = f->rbp_cell;
	h->rule[at] = f->rule;
	h->rbp_matters[at] = matters;
	count_cells(h, at);
	h->node[at] = f->pc - own_start < own_end - own_start ? node : tree_child(node, f->pc);
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
	h->frames = standing;
	for (uint32_t i = h->fresh_frames; i > 0; i--)
		append(h, &h->fresh[i - 1], own_start, own_end);
	return true;
}
