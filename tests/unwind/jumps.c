/* SPDX-License-Identifier: MIT */
/* longjmp() out of nested calls, and out of the host's function, past the tracer's frames. */
#include "stress.h"

/* The frames between are not unwound; they are just gone. */
static NOINLINE void land(struct walk *w)
{
	struct landing landing = { .outer = w->landing, .depth = w->depth, .catches = w->catches };

	w->landing = &landing;
	if (setjmp(landing.buffer) == 0)
		walk_on(w);
	else
		touch(w);
	w->landing = landing.outer;
	w->depth = landing.depth;
	w->catches = landing.catches;
	walk_on(w);
	STAY();
}

static struct landing *choose_landing(struct walk *w)
{
	struct landing *landing = w->landing;

	while (landing->outer && walk_random(w, 2))
		landing = landing->outer;
	return landing;
}

static void jump(void *landing)
{
	longjmp(((struct landing *)landing)->buffer, 1);
}

static NOINLINE void leap(struct walk *w)
{
	touch(w);
	if (w->landing && walk_random(w, 2))
		jump(choose_landing(w));
	walk_on(w);
	STAY();
}

static void leap_at_once(struct walk *w)
{
	touch(w);
	jump(choose_landing(w));
}

static NOINLINE void leap_for_good(struct walk *w)
{
	if (w->landing)
		frame_no_return(leap_at_once, w);
	walk_on(w);
	STAY();
}

static NOINLINE void leap_from_host(struct walk *w)
{
	touch(w);
	if (w->landing && walk_random(w, 2)) {
		host_next(jump, choose_landing(w));
		touch(w);
	}
	walk_on(w);
	STAY();
}

PLACES(jump, land, land, leap, leap_for_good, leap_from_host);

static void run_jumps(struct walk *w)
{
	while (w->calls > 0) {
		w->depth = 4 + walk_random(w, 12);
		land(w);
	}
}

static NOINLINE void dive(struct walk *w, unsigned turns)
{
	touch(w);
	if (turns > 0)
		dive(w, turns - 1);
	host_next(jump, w->landing);
	touch(w);
	STAY();
}

static NOINLINE void jumps_leak_landed(unsigned bytes)
{
	leak_block(bytes);
	STAY();
}

static NOINLINE void jumps_leak(unsigned bytes)
{
	struct landing landing = { 0 };
	struct walk w = { .random = 1, .landing = &landing };

	if (setjmp(landing.buffer) == 0)
		dive(&w, 9);
	jumps_leak_landed(bytes);
	STAY();
}

const struct scenario jumps_scenario = {
	.name = "jumps",
	.run = run_jumps,
	.leak = jumps_leak,
	.chain = "jumps_leak_landed jumps_leak",
	.share = 60,
};
