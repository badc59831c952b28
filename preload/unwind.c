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

/* No number of frames. */
#define WALK_FAILED UINT32_MAX

enum step { STEP_FRAME, STEP_END, STEP_UNKNOWN };

/* More than nothing, whole words, and not too many: all in one comparison. */
static inline bool is_frame_size(uint64_t bytes)
{
	uint64_t words = bytes >> 3 | bytes << 61;

	return words - 1 < FRAME_BYTES_MOST / 8;
}

uint64_t unwind_own_start, unwind_own_bytes;

static inline uint64_t read_word(uint64_t address)
{
	return *(const uint64_t *)(uintptr_t)address;
}

/* From a frame to the one that called it, `f` to `f`. Notes the frame's rule. */
static inline enum step step(struct unwind_frame *f, struct unwind_frame *inner)
{
	struct cfi_rule rule = cfi_find(f->pc);
	uint64_t base = rule.kind == CFI_RSP ? f->slot + 8 : f->rbp;
	uint64_t cfa = base + (uint64_t)(int64_t)rule.cfa_offset;

	f->rule = rule;
	*inner = *f;
	if (unlikely(rule.kind <= CFI_UNKNOWN))
		return rule.kind == CFI_OUTERMOST ? STEP_END : STEP_UNKNOWN;
	if (unlikely(!is_frame_size(cfa - 8 - f->slot)))
		return STEP_UNKNOWN;
	f->slot = cfa - 8;
	f->pc = read_word(f->slot);
	f->rbp_cell = 0;
	if (rule.rbp_offset) {
		f->rbp_cell = cfa + (uint64_t)(int64_t)rule.rbp_offset;
		f->rbp = read_word(f->rbp_cell);
	}
	return STEP_FRAME;
}

static inline bool is_same_rbp(const struct unwind_state *s, const struct unwind_frame *f)
{
	return likely(!s->rbp_matters) || s->rbp == f->rbp;
}

static bool is_cell_unchanged(const struct unwind_state *s)
{
	return !s->rbp_matters || !s->rbp_cell || read_word(s->rbp_cell) == s->rbp;
}

static inline bool is_run_unchanged(const struct unwind_place *place, uint32_t run)
{
	uint64_t difference = 0;

	for (; run >= 4; run -= 4, place -= 4)
		difference |= (read_word(place[0].slot) ^ place[0].pc) |
			      (read_word(place[-1].slot) ^ place[-1].pc) |
			      (read_word(place[-2].slot) ^ place[-2].pc) |
			      (read_word(place[-3].slot) ^ place[-3].pc);
	for (; run > 0; run--, place--)
		difference |= read_word(place->slot) ^ place->pc;
	return difference == 0;
}

/* The same as find_change(), one frame at a time. */
static APART uint32_t find_change_singly(const struct unwind_history *h, uint32_t at)
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
static inline uint32_t find_change(const struct unwind_history *h, uint32_t at)
{
	uint32_t outer = at - 1;

	if (unlikely(h->state[outer].cells))
		return find_change_singly(h, at);
	while (outer > 0) {
		uint32_t run = h->state[outer].run;

		if (unlikely(!is_run_unchanged(&h->place[outer], run)))
			return find_change_singly(h, at);
		outer -= run;
	}
	return 0;
}

/*
 * Frames `at` to `changed + 1` of the history stand, but not the one outside of them: they join the
 * fresh ones, and `f` becomes that one. What rbp is in them need not be what it was where that did not
 * matter: it is carried along anew. False: too many frames.
 */
static bool keep_middle(struct unwind_history *h, uint32_t at, uint32_t changed,
			struct unwind_frame **fresh, struct unwind_frame *f)
{
	if (*fresh - h->fresh + (at - changed) > UNWIND_FRAMES_MOST)
		return false;
	for (uint32_t i = at; i > changed; i--) {
		f->rule = h->state[i].rule;
		*(*fresh)++ = *f;
		f->slot = h->place[i - 1].slot;
		f->pc = h->place[i - 1].pc;
		f->rbp_cell = h->state[i - 1].rbp_cell;
		f->rbp = f->rbp_cell ? read_word(f->rbp_cell) : f->rbp;
	}
	f->pc = read_word(f->slot);
	return true;
}

static inline void count_cells(struct unwind_state *s)
{
	s->cells = s[-1].cells;
	if (unlikely(s->rbp_matters && s->rbp_cell))
		s->cells++;
}

/* A frame of the history stands, but may have been reached by way of another inner frame. */
static inline void arrive(struct unwind_state *s, const struct unwind_frame *f)
{
	s->rbp = f->rbp;
	s->rbp_cell = f->rbp_cell;
	if (unlikely(s->rbp_matters))
		count_cells(s);
}

/*
 * Walks outward from a frame. Returns how many frames of the history stand, to which the fresh ones
 * lead, up to `*fresh`; 0: these lead to the outermost frame.
 */
static inline uint32_t walk(struct unwind_history *h, struct unwind_frame f,
			    struct unwind_frame **fresh_end)
{
	const struct unwind_place *old = &h->place[h->frames];
	struct unwind_frame *fresh = h->fresh;

	while (likely(fresh < h->fresh + UNWIND_FRAMES_MOST)) {
		uint32_t at, changed;
		enum step result;

		while (old->slot < f.slot)
			old--;
		at = (uint32_t)(old - h->place);
		if (old->slot != f.slot || old->pc != f.pc || !is_same_rbp(&h->state[at], &f)) {
			result = step(&f, fresh++);
			if (likely(result == STEP_FRAME))
				continue;
			*fresh_end = fresh;
			return result == STEP_END ? 0 : WALK_FAILED;
		}
		changed = find_change(h, at);
		if (likely(changed == 0)) {
			arrive(&h->state[at], &f);
			*fresh_end = fresh;
			return at;
		}
		if (!keep_middle(h, at, changed, &fresh, &f))
			return WALK_FAILED;
	}
	return WALK_FAILED;
}

/* Does rbp in a frame matter to where it leads, given whether it does in the one that called it? */
static inline bool rbp_matters(struct cfi_rule rule, bool outer_matters)
{
	return rule.kind == CFI_RBP || (outer_matters && rule.kind == CFI_RSP && !rule.rbp_offset);
}

static inline uint8_t run_of(const struct unwind_place *place, const struct unwind_state *outer)
{
	bool same_page = (place->slot ^ place[-1].slot) < PAGE_BYTES;

	return likely(same_page) ? (uint8_t)(outer->run + (outer->run < RUN_MOST)) : 1;
}

/* Puts a fresh frame inside of all others. */
static inline void append(struct unwind_place *place, struct unwind_state *s,
			  const struct unwind_frame *f)
{
	place->slot = f->slot;
	place->pc = f->pc;
	s->rbp = f->rbp;
	s->rbp_cell = f->rbp_cell;
	s->rule = f->rule;
	s->rbp_matters = rbp_matters(f->rule, s[-1].rbp_matters);
	s->run = run_of(place, s - 1);
	count_cells(s);
	s->node = unlikely(unwind_is_own(f->pc)) ? s[-1].node : tree_child(s[-1].node, f->pc);
}

/* Nothing is known: it is another tree's, or the first time. */
static void begin(struct unwind_history *h, uint32_t root)
{
	h->frames = 0;
	h->place[0].slot = UINT64_MAX;
	h->state[0].node = root;
}

APART bool unwind_take(struct unwind_history *h, const void *frame_address)
{
	const uint64_t *frame = frame_address;
	struct unwind_frame *fresh, innermost = { .slot = (uint64_t)(uintptr_t)(frame + 1),
						  .pc = frame[1],
						  .rbp = frame[0] };
	uint32_t at, root = tree_root();

	if (unlikely(h->state[0].node != root))
		begin(h, root);
	at = walk(h, innermost, &fresh);
	h->frames = 0;
	if (unlikely(at == WALK_FAILED || at + (fresh - h->fresh) > UNWIND_FRAMES_MOST))
		return false;
	while (fresh > h->fresh) {
		at++;
		append(&h->place[at], &h->state[at], --fresh);
	}
	h->frames = at;
	return true;
}
