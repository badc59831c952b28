/* SPDX-License-Identifier: MIT */
/* Frames as compilers for Windows make them; frames_windows.S has those that they make seldom. */
#include <stdarg.h>
#include <stddef.h>

#include "tests/unwind/keep.h"
#include "tests/unwind/pe/walk.h"

typedef void place(struct walk *w);

void frame_pushes(place *visit, struct walk *w);
void frame_by_rbx(place *visit, struct walk *w);
void frame_by_r13(place *visit, struct walk *w);
void frame_saves(place *visit, struct walk *w);
void frame_chained(place *visit, struct walk *w);
void frame_far(place *visit, struct walk *w);
void frame_decoy(place *visit, struct walk *w);
int leaf_of_assembly(int number);

static unsigned draw(struct walk *w, unsigned below)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(w->random >> 33) % below;
}

static void touch(struct walk *w)
{
	if (w->calls == 0)
		return;
	w->calls--;
	w->touch(w);
	STAY();
}

static void walk_on(struct walk *w);

static NOINLINE void small(struct walk *w)
{
	walk_on(w);
	STAY();
}

static NOINLINE void two_sites(struct walk *w)
{
	if (draw(w, 2)) {
		walk_on(w);
		STAY();
	} else {
		touch(w);
		walk_on(w);
		STAY();
	}
	touch(w);
}

static NOINLINE void variable(struct walk *w)
{
	char *room = __builtin_alloca(16 * (1 + draw(w, 8)));

	BLUR(room);
	walk_on(w);
	room = __builtin_alloca(16 * (1 + draw(w, 400)));
	BLUR(room);
	walk_on(w);
	STAY();
}

static NOINLINE void leaf(struct walk *w)
{
	touch(w);
}

static NOINLINE void tail(struct walk *w)
{
	walk_on(w);
}

static NOINLINE void tail_by_pointer(struct walk *w)
{
	place *volatile next = draw(w, 2) ? small : leaf;

	touch(w);
	next(w);
}

static NOINLINE void many_registers(struct walk *w)
{
	uint64_t a = draw(w, 9), b = a + 1, c = a + 2, d = a + 3, e = a + 4, f = a + 5, g = a + 6,
		 h = a + 7;

	BLUR(a);
	BLUR(b);
	BLUR(c);
	BLUR(d);
	BLUR(e);
	BLUR(f);
	BLUR(g);
	BLUR(h);
	walk_on(w);
	w->random += a * b + c * d + e * f + g * h;
}

static NOINLINE void few_registers(struct walk *w)
{
	uint64_t a = draw(w, 9), b = a + 1;

	BLUR(a);
	BLUR(b);
	walk_on(w);
	touch(w);
	w->random += a * b;
}

static NOINLINE void vectors(struct walk *w)
{
	double a = draw(w, 9), b = a + 1, c = a + 2, d = a + 3;

	__asm__ volatile("" : "+x"(a), "+x"(b), "+x"(c), "+x"(d));
	walk_on(w);
	w->random += (uint64_t)(a * b + c * d);
}

static NOINLINE void all_kept(struct walk *w)
{
	__asm__ volatile("" ::
				 : "rbx", "rsi", "rdi", "r12", "r13", "r14", "r15", "xmm6", "xmm7",
				   "xmm15");
	walk_on(w);
	__asm__ volatile("" ::
				 : "rbx", "rsi", "rdi", "r12", "r13", "r14", "r15", "xmm6", "xmm7",
				   "xmm15");
}

static NOINLINE void page(struct walk *w)
{
	char room[5000];
	char *at = room;

	BLUR(at);
	walk_on(w);
	STAY();
}

static NOINLINE void large(struct walk *w)
{
	char room[100000];
	char *at = room;

	BLUR(at);
	touch(w);
	STAY();
}

static NOINLINE void aligned(struct walk *w)
{
	char room[100] __attribute__((aligned(128)));
	char *at = room;

	BLUR(at);
	walk_on(w);
	STAY();
}

static NOINLINE void aligned_and_variable(struct walk *w)
{
	char room[100] __attribute__((aligned(64)));
	char *at = room, *more = __builtin_alloca(16 * (1 + draw(w, 8)));

	BLUR(at);
	BLUR(more);
	walk_on(w);
	STAY();
}

static NOINLINE void with_many_arguments(struct walk *w, long a, long b, long c, long d, long e,
					 double f)
{
	walk_on(w);
	w->random += (uint64_t)(a + b + c + d + e) + (uint64_t)f;
}

static NOINLINE void arguments(struct walk *w)
{
	with_many_arguments(w, draw(w, 9), 1, 2, 3, draw(w, 9), 2.0);
	STAY();
}

static NOINLINE void with_any_arguments(struct walk *w, ...)
{
	va_list arguments;

	va_start(arguments, w);
	walk_on(w);
	w->random += va_arg(arguments, unsigned);
	va_end(arguments);
}

static NOINLINE void any_arguments(struct walk *w)
{
	with_any_arguments(w, draw(w, 9), 2.0, 3);
	STAY();
}

struct big {
	uint64_t word[6];
};

static NOINLINE struct big make_big(struct walk *w, struct big other)
{
	walk_on(w);
	other.word[draw(w, 6)]++;
	return other;
}

static NOINLINE void structures(struct walk *w)
{
	struct big big = { { 0 } };

	big = make_big(w, big);
	w->random += big.word[draw(w, 6)];
}

static NOINLINE void cases(struct walk *w)
{
	unsigned number = draw(w, 9);

	switch (number) {
	case 0:
		touch(w);
		break;
	case 1:
		small(w);
		break;
	case 2:
		leaf(w);
		touch(w);
		break;
	case 3:
		w->random += 3;
		break;
	case 4:
		return;
	case 5:
		variable(w);
		break;
	case 6:
		few_registers(w);
		break;
	default:
		walk_on(w);
	}
	w->random += number;
}

static NOINLINE void seldom(struct walk *w)
{
	if (__builtin_expect(draw(w, 8) == 0, 0)) {
		uint64_t a = draw(w, 9);

		BLUR(a);
		walk_on(w);
		touch(w);
		w->random += a;
	}
	w->random++;
}

static __attribute__((cold, noinline)) void is_cold(struct walk *w)
{
	touch(w);
}

static NOINLINE void partly_cold(struct walk *w)
{
	uint64_t a = draw(w, 9);

	BLUR(a);
	if (a == 3)
		is_cold(w);
	walk_on(w);
	if (a == 5) {
		is_cold(w);
		touch(w);
	}
	w->random += a;
}

static NOINLINE void again(struct walk *w, unsigned times)
{
	if (times > 0)
		again(w, times - 1);
	else
		walk_on(w);
	STAY();
}

static NOINLINE void recursion(struct walk *w)
{
	again(w, draw(w, 6));
	STAY();
}

static NOINLINE void leaves(struct walk *w)
{
	w->random += (uint64_t)leaf_of_assembly((int)draw(w, 9));
	touch(w);
}

static void PE_CALL act(struct walk *w)
{
	walk_on(w);
	STAY();
}

static NOINLINE void other_code(struct walk *w)
{
	w->through(act, w);
	STAY();
}

static NOINLINE void other_code_at_once(struct walk *w)
{
	w->through(w->touch, w);
	STAY();
}

#define BY_FRAME(frame) \
	static NOINLINE void by_##frame(struct walk *w) \
	{ \
		frame(draw(w, 4) ? walk_on : leaf, w); \
		STAY(); \
	}

BY_FRAME(frame_pushes)
BY_FRAME(frame_by_rbx)
BY_FRAME(frame_by_r13)
BY_FRAME(frame_saves)
BY_FRAME(frame_chained)
BY_FRAME(frame_far)
BY_FRAME(frame_decoy)

static place *const places[] = {
	small,
	two_sites,
	variable,
	leaf,
	tail,
	tail_by_pointer,
	many_registers,
	few_registers,
	vectors,
	all_kept,
	page,
	aligned,
	aligned_and_variable,
	arguments,
	any_arguments,
	structures,
	cases,
	seldom,
	partly_cold,
	recursion,
	leaves,
	other_code,
	other_code_at_once,
	by_frame_pushes,
	by_frame_saves,
	by_frame_chained,
	by_frame_far,
	by_frame_decoy,
};

enum { PLACES = sizeof(places) / sizeof(places[0]) };

/* Rarer ones: frames that no rule covers, so that of a stack with them nothing is kept; and a frame that is
 * larger than most others together. */
static place *const odd_places[] = { by_frame_by_rbx, by_frame_by_r13, large };

static NOINLINE void walk_on(struct walk *w)
{
	unsigned visits = 1 + draw(w, 2);

	if (w->depth == 0 || w->calls == 0) {
		touch(w);
		return;
	}
	w->depth--;
	for (unsigned i = 0; i < visits && w->calls > 0; i++) {
		if (draw(w, 60) == 0)
			odd_places[draw(w, 3)](w);
		else
			places[draw(w, PLACES)](w);
		if (draw(w, 2))
			touch(w);
	}
	w->depth++;
}

__declspec(dllexport) walker walk_all;

void PE_CALL walk_all(struct walk *w)
{
	while (w->calls > 0)
		walk_on(w);
}
