/* SPDX-License-Identifier: MIT */
/* Hand-made coroutines: stacks whose outermost frame returns to nothing or to different
 * addresses, and stacks that continue another stack. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "stress.h"

enum { FIBERS = 3, STACK_BYTES = 2 << 20, SAVED_REGISTERS = 6 };

struct fiber {
	char *stack;
	void *here, *caller; /* stack pointers */
	struct walk walk;
	bool runs;
};

static struct fiber fibers[FIBERS];
static struct fiber *started;

static void pause_fiber(struct walk *w)
{
	struct fiber *f = w->pause_argument;

	fiber_switch(&f->here, f->caller);
}

static NOINLINE void fiber_main(void)
{
	struct fiber *f = started;

	walk_afresh(&f->walk, f->walk.calls, 4 + walk_random(&f->walk, 10));
	f->runs = false;
	pause_fiber(&f->walk);
	abort();
}

static void map_stacks(void)
{
	for (unsigned i = 0; i < FIBERS; i++) {
		if (fibers[i].stack)
			continue;
		fibers[i].stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (fibers[i].stack == MAP_FAILED)
			abort();
	}
}

/* The apparent caller of a fiber's function: nothing, a function that nothing called, an invalid
 * address, or code without unwind information. */
static void choose_end(uint64_t *return_address, struct walk *w)
{
	static const uint64_t none = 0, small = 0x1234;
	const uint64_t ended = (uint64_t)(uintptr_t)fiber_ended + 1;

	return_address[1] = return_address[2] = none;
	switch (walk_random(w, 8)) {
	case 0:
		return_address[0] = small;
		break;
	case 1:
		return_address[0] = (uint64_t)(uintptr_t)frame_bare + 8;
		break;
	case 2:
		return_address[1] = ended;
		return_address[0] = ended;
		break;
	case 3:
	case 4:
		return_address[0] = ended;
		break;
	default:
		return_address[0] = none;
	}
}

/* Makes a stack as fiber_switch() leaves one. The return address of its function is at a
 * multiple of 16, plus 8. */
static void start(struct fiber *f, struct walk *w)
{
	uint64_t *return_address = (uint64_t *)(void *)(f->stack + STACK_BYTES) - 7;
	uint64_t *top = return_address - 1 - SAVED_REGISTERS;

	memset(top, 0, SAVED_REGISTERS * sizeof(*top));
	top[SAVED_REGISTERS] = (uint64_t)(uintptr_t)fiber_main;
	choose_end(return_address, w);
	f->here = top;
	f->walk = (struct walk){ .random = w->random ^ (w->random << 9) ^ 1,
				 .calls = 2 + walk_random(w, 60),
				 .odd = walk_random(w, 4) ? 0 : 16,
				 .pause = pause_fiber,
				 .pause_argument = f };
	f->runs = true;
}

static NOINLINE void resume(struct fiber *f, struct walk *w)
{
	unsigned long before = f->walk.calls, made;

	started = f;
	fiber_switch(&f->caller, f->here);
	made = before - f->walk.calls;
	w->calls = w->calls > made + 1 ? w->calls - made - 1 : 0;
	if (walk_random(w, 2))
		touch(w);
}

/* The same walk goes on in frames of another stack, which were called from this one. */
static NOINLINE void interlude(struct walk *w)
{
	static char *low;
	struct walk saved = *w;

	/* Below the stack of main, at the end of the space that it can grow into. */
	if (!low)
		low = (char *)(((uintptr_t)&saved - (6 << 20)) & -4096ul);
	w->landing = NULL;
	w->catches = 0;
	if (w->depth > 8)
		w->depth = 8;
	if (walk_random(w, 4))
		frame_switch(walk_on, w, low + 16 * walk_random(w, 4));
	else if (walk_random(w, 2))
		frame_switch(walk_on, w, fibers[0].stack + STACK_BYTES - 4096);
	else
		frame_switch_saved(walk_on, w, low);
	w->landing = saved.landing;
	w->catches = saved.catches;
	w->depth = saved.depth;
}

static void run_fibers(struct walk *w)
{
	map_stacks();
	for (unsigned i = 0; i < FIBERS; i++)
		fibers[i].runs = false;
	while (w->calls > 0) {
		struct fiber *f = &fibers[1 + walk_random(w, FIBERS - 1)];

		w->depth = 10;
		if (walk_random(w, 3) == 0)
			interlude(w);
		if (!f->runs || walk_random(w, 16) == 0)
			start(f, w);
		resume(f, w);
	}
}

static unsigned leak_bytes;

static NOINLINE void fibers_leak_last(struct walk *w)
{
	(void)w;
	leak_block(leak_bytes);
	STAY();
}

static NOINLINE void fibers_leak(unsigned bytes)
{
	map_stacks();
	leak_bytes = bytes;
	frame_switch(fibers_leak_last, NULL, fibers[0].stack + STACK_BYTES - 64);
	STAY();
}

const struct scenario fibers_scenario = {
	.name = "fibers",
	.run = run_fibers,
	.leak = fibers_leak,
	.chain = "fibers_leak_last frame_switch fibers_leak",
	.share = 80,
};
