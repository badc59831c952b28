/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "preload/base/reentry.h"
#include "preload/capture/cfi.h"
#include "preload/capture/tree.h"
#include "preload/capture/unwind.h"
#include "preload/host/images.h"

#include "preload/base/poison.h"

static void forget(struct unwind_history *h)
{
	h->epoch = 0;
	unwind_forget_frames(h);
	h->pages = (struct stack_pages){ 0 };
}

const struct lane_history unwind_lane_history = { sizeof(struct unwind_history), forget };

/* A frame larger than this is not believed. */
#define FRAME_BYTES_MOST (16ull << 20)

uint64_t unwind_own_start, unwind_own_bytes;

static inline uint64_t read_word(uint64_t address)
{
	return *(const uint64_t *)(uintptr_t)address;
}

/* More than nothing, whole words, and not too many: all in one comparison. */
static inline bool is_frame_size(uint64_t bytes)
{
	uint64_t words = bytes >> 3 | bytes << 61;

	return words - 1 < FRAME_BYTES_MOST / 8;
}

/* May the stack be read from one word, which has been read, up to another? */
static inline bool reach(struct unwind_history *h, uint64_t from, uint64_t to)
{
	const struct stack_pages_run *stack = &h->pages.run[0];

	return likely(to - stack->low < stack->bytes) || stack_pages_reach(&h->pages, from, to);
}

/* The frame that a signal interrupted, which may be on another stack. No return address lies there:
 * its place is where one would lie that the instruction has just popped. */
static bool step_over_signal(struct unwind_history *h, struct unwind_fresh *f)
{
	uint64_t context = f->place + 8, rsp;

	if (!stack_pages_have(&h->pages, context + CFI_CONTEXT_RBP) ||
	    !stack_pages_have(&h->pages, context + CFI_CONTEXT_PC))
		return false;
	rsp = read_word(context + CFI_CONTEXT_RSP);
	f->rbp_cell = context + CFI_CONTEXT_RBP;
	f->rbp = read_word(f->rbp_cell);
	f->pc = read_word(context + CFI_CONTEXT_PC) + 1;
	f->place = rsp - 8;
	return stack_pages_have(&h->pages, f->place);
}

/* The caller of a function that has realigned its stack. */
static bool step_over_gap(struct unwind_history *h, struct unwind_fresh *f)
{
	uint64_t cfa_cell = f->rbp + (uint64_t)cfi_cfa_offset(f->rule), place;

	if (cfa_cell <= f->place || !is_frame_size(f->rbp - f->place) || !reach(h, f->place, f->rbp))
		return false;
	place = read_word(cfa_cell) - 8;
	if (place <= f->rbp || !is_frame_size(place - f->place) || !reach(h, f->rbp, place))
		return false;
	f->rbp_cell = f->rbp;
	f->rbp = read_word(f->rbp_cell);
	f->place = place;
	f->pc = read_word(place);
	return true;
}

/* Steps from a frame that is not plain, by f->rule. Returns false if that is not possible. */
static APART bool step_by_memory(struct unwind_history *h, struct unwind_fresh *f)
{
	if (cfi_kind(f->rule) == CFI_SIGNAL)
		return step_over_signal(h, f);
	return cfi_kind(f->rule) == CFI_REALIGNED && step_over_gap(h, f);
}

static APART struct cfi_rule rule_anew(struct unwind_history *h, uint64_t pc)
{
	return cfi_fill_own(cfi_own_row(h->rules, pc), pc, h->salt);
}

static inline struct cfi_rule rule_at(struct unwind_history *h, uint64_t pc)
{
	const struct cfi_own_row *row = cfi_own_row(h->rules, pc);

	return likely(row->key == pc) ? row->rule : rule_anew(h, pc);
}

static inline bool is_return_unchanged(const struct unwind_frame *f)
{
	return likely(read_word(f->place) == f->pc);
}

static inline bool is_cell_unchanged(const struct unwind_frame *f)
{
	return !(f->links & UNWIND_CELL) || likely(read_word(f->rbp_cell) == f->rbp);
}

/* Does a frame that is not plain, and as it was, lead to the one outside of it, as it did? */
static APART bool leads_on_by_memory(struct unwind_history *h, const struct unwind_frame *f)
{
	struct unwind_fresh outer = { f->place, f->pc, rule_at(h, f->pc), f->rbp, f->rbp_cell };

	return step_by_memory(h, &outer) && f[-1].place == outer.place && f[-1].pc == outer.pc &&
	       (!unwind_rbp_matters(f - 1) || f[-1].rbp == outer.rbp);
}

/* Do the next four outer frames stand, without a cell that matters in this one or the first three? */
static inline bool are_simply_unchanged(const struct unwind_frame *f)
{
	return (f->links ^ f[-4].links) < UNWIND_COUNT && is_return_unchanged(f - 1) &&
	       is_return_unchanged(f - 2) && is_return_unchanged(f - 3) &&
	       is_return_unchanged(f - 4) && is_cell_unchanged(f - 4);
}

/* Often the cells are those of the outermost frames: under Wine, of each thread's. */
static APART struct unwind_frame *find_change_with_cells(struct unwind_history *h,
							 struct unwind_frame *f)
{
	while (f > unwind_root(h) + 4 && are_simply_unchanged(f))
		f -= 4;
	for (;; f--)
		if (unlikely(f->links & UNWIND_MEMORY)) {
			if (!leads_on_by_memory(h, f))
				return f - 1;
		} else if (!is_return_unchanged(f - 1) || !is_cell_unchanged(f - 1)) {
			return f - 1;
		}
}

/* The frames outside of one that is as it was are read again (invariant 1). Returns the first of them that
 * is not known to be as it was; the root if all are. */
static inline struct unwind_frame *find_change(struct unwind_history *h, struct unwind_frame *f)
{
	if (unlikely(f->links >= UNWIND_COUNT))
		return find_change_with_cells(h, f);
	for (;; f -= 8)
#pragma GCC unroll 8
		for (int i = 1; i <= 8; i++)
			if (!is_return_unchanged(f - i))
				return f - i;
}

/* The links of a frame, given those of the one that called it. */
static inline uint32_t links_of(struct cfi_rule rule, uint64_t rbp_cell, uint32_t outer)
{
	uint32_t links = outer & -UNWIND_COUNT, cell = UNWIND_CELL + UNWIND_COUNT;
	uint32_t by_rbp = links + UNWIND_RBP + (rbp_cell ? cell : 0);

	switch (cfi_kind(rule)) {
	case CFI_RSP:
		return (outer & UNWIND_RBP) && cfi_keeps_rbp(rule) ? by_rbp : links;
	case CFI_RBP:
		return by_rbp;
	case CFI_REALIGNED:
		return by_rbp + UNWIND_MEMORY + UNWIND_COUNT;
	case CFI_SIGNAL:
		return links + UNWIND_MEMORY + UNWIND_COUNT;
	default:
		return links;
	}
}

/* A frame of the history stands, but may have been reached by way of another inner frame. */
static inline void arrive(struct unwind_history *h, struct unwind_frame *old, uint64_t rbp,
			  uint64_t rbp_cell)
{
	if (likely(!unwind_rbp_matters(old)))
		return;
	old->rbp = rbp;
	old->rbp_cell = rbp_cell;
	old->links = links_of(rule_at(h, old->pc), rbp_cell, old[-1].links);
}

/* A key for the frames that are noted, one after another. */
static inline uint64_t add_to_key(uint64_t key, uint64_t pc)
{
	return (key + pc) * 0x9e3779b97f4a7c15u;
}

/* Where a plain frame, whose caller's place is `place`, has saved rbp; 0: it has not. */
static inline uint64_t cell_of_rbp(struct cfi_rule rule, uint64_t place)
{
	int64_t offset = cfi_rbp_offset(rule);

	return offset ? place + 8 + (uint64_t)offset : 0;
}

/* What a walk has found: the frame of the history that stands, with all outside of it, to which the
 * fresh frames lead, up to `fresh_end`. The root: these lead to the outermost frame. NULL: nowhere. */
struct found {
	struct unwind_frame *old;
	struct unwind_fresh *fresh_end;
	uint64_t key; /* of the fresh frames */
	bool has_rbp; /* that of the fresh frames is set, for it may matter */
};

/*
 * Walks outward from a frame. Reads nothing but the stack, and of that nothing inside of the frame that it has come
 * to. Without `has_rbp` it gives up at the first frame where rbp has to be known: there is none in most stacks. In one
 * piece, so that all is in registers: what was just written is read late.
 */
static inline struct found walk(struct unwind_history *h, const uint64_t *words, const bool has_rbp)
{
	const struct stack_pages_run *stack = &h->pages.run[0];
	struct unwind_frame *old = h->last, *changed;
	struct unwind_fresh *fresh = h->fresh, *fresh_most = fresh + UNWIND_FRAMES_MOST;
	uint64_t place = (uint64_t)(uintptr_t)(words + 1), pc = words[1], key = 0;
	uint64_t rbp = words[0], rbp_cell = 0;
	/* Up to where the stack may be read, as far as is known. */
	uint64_t high = place - stack->low < stack->bytes ? stack->low + stack->bytes : 0;

	do {
		struct cfi_rule rule;
		uint64_t bytes;

		while (old->place < place)
			old--;
		if (old->place == place) {
			if (old->pc == pc &&
			    (!has_rbp || !unwind_rbp_matters(old) || old->rbp == rbp)) {
				if (!has_rbp && unwind_rbp_matters(old))
					break;
				changed = find_change(h, old);
				if (likely(changed == unwind_root(h))) {
					if (has_rbp)
						arrive(h, old, rbp, rbp_cell);
					return (struct found){ old, fresh, key, has_rbp };
				}
				if ((!has_rbp && old->links) ||
				    fresh + (old - changed) >= fresh_most)
					break;
				/* These stand. What rbp is in them need not be what it was where that did
				 * not matter: it is carried along anew. */
				for (; old > changed && !(old->links & UNWIND_MEMORY);
				     old--, fresh++) {
					fresh->place = old->place;
					fresh->pc = old->pc;
					key = add_to_key(key, old->pc);
					if (has_rbp) {
						fresh->rule = rule_at(h, old->pc);
						fresh->rbp = rbp;
						fresh->rbp_cell = rbp_cell;
						rbp_cell = cell_of_rbp(fresh->rule, old[-1].place);
						rbp = rbp_cell ? read_word(rbp_cell) : rbp;
					}
				}
				/* One that is not plain stands, too, and where it is may have no word. */
				place = old->place;
				pc = old > changed ? old->pc : read_word(place);
			}
			old--;
		}
		rule = rule_at(h, pc);
		if (!has_rbp && unlikely(cfi_kind(rule) != CFI_RSP))
			break;
		fresh->place = place;
		fresh->pc = pc;
		if (has_rbp) {
			fresh->rule = rule;
			fresh->rbp = rbp;
			fresh->rbp_cell = rbp_cell;
		}
		fresh++;
		key = add_to_key(key, pc);
		if (has_rbp && unlikely(!cfi_is_plain(rule))) {
			struct unwind_fresh outer = fresh[-1];

			if (cfi_kind(rule) == CFI_OUTERMOST)
				return (struct found){ unwind_root(h), fresh, key, true };
			if (!step_by_memory(h, &outer))
				break;
			place = outer.place;
			pc = outer.pc;
			rbp = outer.rbp;
			rbp_cell = outer.rbp_cell;
			high = stack->low + stack->bytes;
			continue;
		}
		bytes = (uint64_t)cfi_cfa_offset(rule);
		if (has_rbp && cfi_kind(rule) == CFI_RBP) {
			bytes += rbp - place - 8;
			if (unlikely(!is_frame_size(bytes)))
				break;
		}
		place += bytes;
		if (unlikely(place >= high)) {
			if (!stack_pages_reach(&h->pages, place - bytes, place))
				break;
			high = stack->low + stack->bytes;
		}
		if (has_rbp) {
			rbp_cell = cell_of_rbp(rule, place);
			if (unlikely(rbp_cell && rbp_cell <= place - bytes))
				break;
			rbp = rbp_cell ? read_word(rbp_cell) : rbp;
		}
		pc = read_word(place);
	} while (likely(fresh < fresh_most));
	return (struct found){ NULL, fresh, key, has_rbp };
}

/* Finds the nodes of frames of the history, up to `last`, below that of the frame outside of them.
 * A frame of the tracer has the node of the frame around it. */
static APART uint32_t find_nodes(struct unwind_frame *f, const struct unwind_frame *last)
{
	bool is_new = false;

	for (; f <= last; f++)
		f->node = unwind_is_own(f->pc) ? f[-1].node : tree_child(f[-1].node, f->pc, &is_new);
	return last->node;
}

/* Of frames that were appended. */
static APART void link_frames(struct unwind_frame *f, const struct unwind_frame *last,
			      const struct unwind_fresh *fresh)
{
	uint32_t links = f[-1].links;

	for (; f <= last; f++) {
		fresh--;
		f->rbp = fresh->rbp;
		f->rbp_cell = fresh->rbp_cell;
		f->links = links = links_of(fresh->rule, fresh->rbp_cell, links);
	}
}

/*
 * Puts the fresh frames inside of the frame of the history that stands, `last` being the place of
 * the innermost one. Their nodes are found at once: the fresh frames as a whole lead to the innermost
 * node, which was remembered by a key that they have. It is believed if it and its parents, one by
 * one, are those frames, and lead to the node outside. No node has the address of a frame of the
 * tracer itself.
 */
static inline void append(struct unwind_history *h, const struct found *found,
			  struct unwind_frame *last)
{
	struct unwind_frame *old = found->old, *f = last;
	uint64_t key = add_to_key(found->key, old->node);
	uint32_t links = old->links & -UNWIND_COUNT;
	uint64_t node = tree_recall(key);

	for (const struct unwind_fresh *fresh = h->fresh; f > old; f--, fresh++) {
		f->place = fresh->place;
		f->pc = fresh->pc;
		f->node = (uint32_t)node;
		f->links = links;
		if (likely(tree_is_at(node, fresh->pc)))
			node = tree_parent(node);
		else if (!unwind_is_own(fresh->pc))
			node = 0;
	}
	if (unlikely(node != old->node) || unlikely(!node))
		tree_remember(key, find_nodes(old + 1, last), h->unknown++);
	if (unlikely(found->has_rbp))
		link_frames(old + 1, last, found->fresh_end);
}

/* Nothing of another epoch is believed. While something is being unloaded, nothing at all: no frame
 * is an old one, rules are read anew, and nodes are 0. */
static APART void begin(struct unwind_history *h, uint64_t epoch)
{
	bool is_unloading = images_is_unloading(epoch);
	struct unwind_frame *root = unwind_root(h);
	uint64_t salt = cfi_salt(epoch);

	h->epoch = 0;
	unwind_forget_frames(h);
	/* A history that is used for the first time is zeroed, and has no rules. */
	if (h->salt && h->salt != salt)
		cfi_forget_own(h->rules);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	h->salt = salt;
	h->frame[0].place = UINT64_MAX;
	root->place = (uint64_t)(uintptr_t)&root->place;
	root->pc = 0;
	root->node = is_unloading ? 0 : tree_root(epoch);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	h->epoch = is_unloading ? 0 : epoch;
}

bool unwind_is_unchanged(struct unwind_history *h, const void *frame_address)
{
	const uint64_t *words = frame_address;
	struct unwind_frame *last = h->last;

	return likely(h->epoch == images_epoch()) &&
	       last->place == (uint64_t)(uintptr_t)(words + 1) && last->pc == words[1] &&
	       (likely(!last->links) || !unwind_rbp_matters(last) || last->rbp == words[0]) &&
	       likely(find_change(h, last) == unwind_root(h));
}

bool unwind_take(struct unwind_history *h, const void *frame_address)
{
	struct unwind_frame *last;
	struct found found = { .old = NULL };
	uint64_t epoch = images_epoch();

	if (unlikely(h->epoch != epoch))
		begin(h, epoch);
	if (likely(!unwind_rbp_matters(h->last)))
		found = walk(h, frame_address, false);
	if (unlikely(!found.old))
		found = walk(h, frame_address, true);
	unwind_forget_frames(h);
	if (unlikely(!found.old))
		return false;
	last = found.old + (found.fresh_end - h->fresh);
	if (unlikely(last > unwind_root(h) + UNWIND_FRAMES_MOST))
		return false;
	if (last > found.old)
		append(h, &found, last);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	h->last = last;
	return true;
}
