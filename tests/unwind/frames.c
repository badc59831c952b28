/* SPDX-License-Identifier: MIT */
/* Frames as compilers make them: with fixed and variable size, with rbp as frame pointer or as
 * an ordinary register, and called from several places. */
#include <alloca.h>
#include <stdarg.h>
#include <string.h>

#include "stress.h"

#define BLUR_SEVEN(a, b, c, d, e, f, g) \
	__asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f), "+r"(g))

static NOINLINE void small(struct walk *w)
{
	walk_on(w);
	STAY();
}

/* The same function called from two places: its frame has the same address, but different return
 * addresses. */
static NOINLINE void two_sites(struct walk *w)
{
	if (walk_random(w, 2)) {
		walk_on(w);
		STAY();
	} else {
		touch(w);
		walk_on(w);
		STAY();
	}
	touch(w);
}

/* Memory that is not written stays as an earlier, deeper call left it. It looks like a frame,
 * but is none. */
static NOINLINE void variable(struct walk *w)
{
	char *room = alloca(16 * (1 + walk_random(w, 8)));

	BLUR(room);
	walk_on(w);
	STAY();
}

static NOINLINE void variable_twice(struct walk *w)
{
	char *room = alloca(16 * (1 + walk_random(w, 4)));

	BLUR(room);
	walk_on(w);
	room = alloca(16 * (1 + walk_random(w, 16)));
	BLUR(room);
	walk_on(w);
	STAY();
}

static NOINLINE void leaf(struct walk *w)
{
	touch(w);
}

/* All are called from the same place. They differ only in whether and where they save rbp. They
 * write nothing else, so that the saved value of one is still there in the frame of another. */
static void (*const by_hand[8])(place *, struct walk *) = {
	frame_push_rbp, frame_store_rbp, frame_keep_rbp, frame_hole,
	frame_decoy,    frame_pointer,   frame_keep_rbp, frame_hole,
};

enum { HALVES = 6, VISITS = 3 };

/* The function that hand-written frames call: leaf(walk), or the host's function itself, so that
 * only these frames decide whether rbp is saved. */
struct visits {
	place *visit;
	void *argument[HALVES * VISITS], **next;
	unsigned size, plan;
};

static __thread struct visits *visits;

/*
 * Two nested frames, whose sizes have the same sum. The function that they call has its frame at
 * the same address, but the frames themselves move. Where a frame was, there still seems to be one,
 * which returns to another first frame. Random choices are made before, because they need stack.
 */
static NOINLINE void second_half(struct walk *w)
{
	struct visits *v = visits;
	char *room = alloca(16 * (1 + v->size));
	unsigned plan = v->plan;

	(void)w;
	BLUR(room);
	for (unsigned i = 0; i < VISITS; i++, plan >>= 3)
		by_hand[plan & 7](v->visit, *v->next++);
	STAY();
}

static NOINLINE void first_half(place *visit, struct walk *w)
{
	char *room = alloca(16 * (8 - visits->size));

	BLUR(room);
	visit(w);
	STAY();
}

static NOINLINE void other_half(place *visit, struct walk *w)
{
	char *room = alloca(16 * (8 - visits->size));

	BLUR(room);
	visit(w);
	STAY();
}

/* frame_hole() is 6 * 16 bytes larger than frame_keep_rbp(). Neither uses rbp. */
static void (*const first_halves[4])(place *, struct walk *) = { first_half, other_half,
								 frame_keep_rbp, frame_hole };

static NOINLINE void visit_halves(struct walk *w, struct visits *v)
{
	unsigned kinds = 2 * walk_random(w, 2), kind;
	struct visits *outer = visits;

	v->next = v->argument;
	visits = v;
	for (unsigned i = 0; i < HALVES; i++) {
		v->plan = walk_random(w, 1 << (3 * VISITS));
		kind = kinds + walk_random(w, 2);
		v->size = kind < 2 ? walk_random(w, 8) : kind == 2 ? 6 : 0;
		first_halves[kind](second_half, w);
	}
	visits = outer;
}

static NOINLINE void halves(struct walk *w)
{
	struct visits v = { .visit = leaf };

	for (unsigned i = 0; i < HALVES * VISITS; i++)
		v.argument[i] = w;
	visit_halves(w, &v);
	STAY();
}

static NOINLINE void halves_that_free(struct walk *w)
{
	enum { CALLS = 2 * HALVES * VISITS };
	struct visits v = { .visit = NULL };

	memcpy(&v.visit, &lsa->FreeLsaHeap, sizeof(v.visit));
	for (unsigned i = 0; i < HALVES * VISITS; i++)
		v.argument[i] = lsa->AllocateLsaHeap(16);
	visit_halves(w, &v);
	w->calls = w->calls > CALLS ? w->calls - CALLS : 0;
}

/* Each bit of `path` says which of two calls a frame makes. */
static NOINLINE void path_of_calls(struct walk *w, unsigned path, unsigned levels)
{
	if (levels == 0) {
		touch(w);
	} else if (path & 1) {
		path_of_calls(w, path >> 1, levels - 1);
		STAY();
	} else {
		path_of_calls(w, path >> 1, levels - 1);
		__asm__ volatile("nop");
	}
}

/* The same in frames whose size depends on two more bits. */
static NOINLINE void path_of_sizes(struct walk *w, uint64_t path, unsigned levels)
{
	char *room = alloca(16 * (1 + (path >> 1 & 3)));

	BLUR(room);
	if (levels == 0) {
		by_hand[path & 7](leaf, w);
		STAY();
	} else if (path & 1) {
		path_of_sizes(w, path >> 3, levels - 1);
		STAY();
	} else {
		path_of_sizes(w, path >> 3, levels - 1);
		__asm__ volatile("nop");
	}
}

/* From one path to the next, one or two of many frames change. */
static NOINLINE void paths(struct walk *w)
{
	unsigned levels = 3 + walk_random(w, 14), path = walk_random(w, 1 << 16);

	for (unsigned n = walk_random(w, 6); n > 0 && w->calls; n--) {
		path_of_calls(w, path, levels);
		path ^= 1u << walk_random(w, 16);
	}
}

static NOINLINE void paths_of_sizes(struct walk *w)
{
	unsigned levels = 3 + walk_random(w, 12);
	uint64_t path = (uint64_t)walk_random(w, 1 << 24) << 24 | walk_random(w, 1 << 24);

	for (unsigned n = walk_random(w, 6); n > 0 && w->calls; n--) {
		path_of_sizes(w, path, levels);
		path ^= 1ull << walk_random(w, 48);
		if (walk_random(w, 2))
			path ^= 1ull << walk_random(w, 48);
	}
}

/* More values are live across the calls than there are callee-saved registers. */
static NOINLINE void crowded(struct walk *w)
{
	long a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7;

	for (unsigned n = 1 + walk_random(w, 2); n > 0 && w->calls; n--) {
		BLUR_SEVEN(a, b, c, d, e, f, g);
		touch(w);
		BLUR_SEVEN(g, f, e, d, c, b, a);
		walk_on(w);
	}
	a += b + c + d + e + f + g;
	BLUR(a);
}

static NOINLINE void large(struct walk *w)
{
	char room[3000], *at = room;

	BLUR(at);
	walk_on(w);
	BLUR(at);
}

static NOINLINE void take_many(long a, long b, long c, long d, long e, long f, long g, long h,
			       struct walk *w)
{
	a += b + c + d + e + f + g + h;
	BLUR(a);
	walk_on(w);
	BLUR(a);
}

/* Arguments that are pushed, and popped after the call. */
static NOINLINE void many_arguments(struct walk *w)
{
	long a = 1;

	BLUR(a);
	take_many(a, a, a, a, a, a, a, a, w);
	touch(w);
	take_many(a, 2, a, 4, a, 6, a, 8, w);
	STAY();
}

static NOINLINE void take_any(struct walk *w, ...)
{
	va_list list;
	double sum;

	va_start(list, w);
	sum = va_arg(list, double);
	va_end(list);
	__asm__ volatile("" : : "x"(sum));
	walk_on(w);
	STAY();
}

static NOINLINE void variadic(struct walk *w)
{
	take_any(w, 1.0, 2, 3.0);
	STAY();
}

static NOINLINE void odd_turn(struct walk *w, unsigned turns);

static NOINLINE void even_turn(struct walk *w, unsigned turns)
{
	if (turns == 0)
		walk_on(w);
	else
		odd_turn(w, turns - 1);
	STAY();
}

static NOINLINE void odd_turn(struct walk *w, unsigned turns)
{
	char room[40], *at = room;

	BLUR(at);
	if (turns == 0)
		walk_on(w);
	else
		even_turn(w, turns - 1);
	BLUR(at);
}

static NOINLINE void mutual(struct walk *w)
{
	even_turn(w, walk_random(w, 6));
	STAY();
}

static NOINLINE void deeper(struct walk *w, unsigned turns)
{
	if (turns % 64 == 0)
		touch(w);
	if (turns == 0)
		walk_on(w);
	else
		deeper(w, turns - 1);
	STAY();
}

#define WRITTEN_BY_HAND(name) \
	static NOINLINE void in_##name(struct walk *w) \
	{ \
		frame_##name(walk_on, w); \
		STAY(); \
	}

WRITTEN_BY_HAND(push_rbp)
WRITTEN_BY_HAND(store_rbp)
WRITTEN_BY_HAND(keep_rbp)
WRITTEN_BY_HAND(hole)
WRITTEN_BY_HAND(decoy)
WRITTEN_BY_HAND(pointer)
WRITTEN_BY_HAND(late)

static NOINLINE void one_of_all(struct walk *w)
{
	for (unsigned n = walk_random(w, 6); n > 0 && w->calls; n--)
		by_hand[walk_random(w, 8)](walk_on, w);
}

PLACES(frame, small, two_sites, variable, variable_twice, halves, halves_that_free, paths, paths,
       paths_of_sizes, paths_of_sizes, crowded, large, many_arguments, variadic, mutual,
       in_push_rbp, in_store_rbp, in_keep_rbp, in_hole, in_decoy, in_pointer, in_late, one_of_all);

static void run_frames(struct walk *w)
{
	walk_afresh(w, w->calls, 4 + walk_random(w, 24));
}

static NOINLINE void frames_leak_last(struct walk *w)
{
	leak_block((unsigned)w->calls);
	STAY();
}

static NOINLINE void frames_leak_crowded(struct walk *w)
{
	long a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7;

	BLUR_SEVEN(a, b, c, d, e, f, g);
	frame_decoy(frames_leak_last, w);
	BLUR_SEVEN(g, f, e, d, c, b, a);
}

static NOINLINE void frames_leak_variable(struct walk *w)
{
	char *room = alloca(16 * (1 + walk_random(w, 8)));

	BLUR(room);
	frame_store_rbp(frames_leak_crowded, w);
	STAY();
}

static NOINLINE void frames_leak(unsigned bytes)
{
	struct walk w = { .random = 1, .calls = bytes };

	frame_push_rbp(frames_leak_variable, &w);
	STAY();
}

const struct scenario frames_scenario = {
	.name = "frames",
	.run = run_frames,
	.leak = frames_leak,
	.chain = "frames_leak_last frame_decoy frames_leak_crowded frame_store_rbp "
		 "frames_leak_variable frame_push_rbp frames_leak",
	.share = 400,
};

/* Up to some hundred frames: more than a backtrace keeps, and more than the unwinder handles. */
static void run_deep(struct walk *w)
{
	unsigned long before = w->calls;

	w->depth = 8;
	while (w->calls > 0 && before - w->calls < 200) {
		deeper(w, walk_random(w, 4) ? walk_random(w, 300) : walk_random(w, 900));
		walk_on(w);
	}
}

static NOINLINE void deep_leak_turn(unsigned bytes, unsigned turns)
{
	if (turns == 0)
		leak_block(bytes);
	else
		deep_leak_turn(bytes, turns - 1);
	STAY();
}

static NOINLINE void deep_leak(unsigned bytes)
{
	deep_leak_turn(bytes, 4);
	STAY();
}

const struct scenario deep_scenario = {
	.name = "deep",
	.run = run_deep,
	.leak = deep_leak,
	.chain = "deep_leak_turn deep_leak_turn deep_leak_turn deep_leak_turn "
		 "deep_leak_turn deep_leak",
	.share = 60,
};
