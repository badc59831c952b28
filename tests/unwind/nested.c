/* SPDX-License-Identifier: MIT */
/* The host's function calls the package again, which calls the host. Each time there are frames
 * of the tracer between. */
#include "stress.h"

static void call_again(void *argument);

static NOINLINE void nest(struct walk *w)
{
	touch(w);
	if (w->depth == 0)
		return;
	w->depth--;
	if (walk_random(w, 2)) {
		host_next(call_again, w);
		touch(w);
	} else {
		host_call_package(call_again, w);
	}
	w->depth++;
	STAY();
}

static void call_again(void *argument)
{
	struct walk *w = argument;

	nest(w);
	if (walk_random(w, 4) == 0)
		walk_afresh(w, 10, 4);
	STAY();
}

static void run_nested(struct walk *w)
{
	while (w->calls > 0) {
		w->depth = walk_random(w, 4) ? walk_random(w, 8) : walk_random(w, 150);
		nest(w);
	}
}

static NOINLINE void nested_leak_inside(void *bytes)
{
	leak_block(*(unsigned *)bytes);
	STAY();
}

static NOINLINE void nested_leak_again(void *bytes)
{
	host_call_package(nested_leak_inside, bytes);
	STAY();
}

static NOINLINE void nested_leak(unsigned bytes)
{
	host_next(nested_leak_again, &bytes);
	lsa->FreeLsaHeap(lsa->AllocateLsaHeap(1));
	STAY();
}

const struct scenario nested_scenario = {
	.name = "nested",
	.run = run_nested,
	.leak = nested_leak,
	.chain = "nested_leak_inside call_package host_call_package nested_leak_again "
		 "allocate_lsa_heap nested_leak",
	.share = 40,
};
