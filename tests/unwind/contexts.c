/* SPDX-License-Identifier: MIT */
/* Coroutines by ucontext: several walks in one thread, which switch stacks at any point. Stacks
 * are freed, and come back at the same address with another size. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "stress.h"

enum { COROUTINES = 4, STACK_MOST = 2 << 20 };

struct coroutine {
	ucontext_t here, caller;
	struct walk walk;
	char *stack; /* start of the memory for its stack; both end at the same address */
	size_t bytes;
	bool runs;
};

static struct coroutine *started;

static void pause_coroutine(struct walk *w)
{
	struct coroutine *c = w->pause_argument;

	swapcontext(&c->here, &c->caller);
}

static void run_coroutine(void)
{
	struct coroutine *c = started;

	walk_afresh(&c->walk, c->walk.calls, 4 + walk_random(&c->walk, 10));
	c->runs = false;
}

static void must(bool done)
{
	if (!done)
		abort();
}

static void map_stack(struct coroutine *c, struct walk *w)
{
	c->bytes = (size_t)STACK_MOST / 4 * (2 + walk_random(w, 3));
	must(mmap(c->stack + STACK_MOST - c->bytes, c->bytes, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED);
}

/* This memory must not be read any more. */
static void unmap_stack(struct coroutine *c)
{
	must(mmap(c->stack, STACK_MOST, PROT_NONE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED);
}

static void start(struct coroutine *c, struct walk *w)
{
	if (walk_random(w, 2)) {
		unmap_stack(c);
		map_stack(c, w);
	}
	must(getcontext(&c->here) == 0);
	c->here.uc_stack.ss_sp = c->stack + STACK_MOST - c->bytes;
	c->here.uc_stack.ss_size = c->bytes - 16 * walk_random(w, 4);
	c->here.uc_link = &c->caller;
	c->walk = (struct walk){ .random = w->random ^ (w->random << 7) ^ 1,
				 .calls = 20 + walk_random(w, 200),
				 .odd = walk_random(w, 4) ? 0 : 16,
				 .pause = pause_coroutine,
				 .pause_argument = c };
	walk_random(w, 2);
	c->runs = true;
	makecontext(&c->here, run_coroutine, 0);
}

static NOINLINE void resume(struct coroutine *c, struct walk *w)
{
	unsigned long before = c->walk.calls, made;

	started = c;
	swapcontext(&c->caller, &c->here);
	made = before - c->walk.calls;
	w->calls = w->calls > made + 1 ? w->calls - made - 1 : 0;
	if (walk_random(w, 2))
		touch(w);
}

static void run_contexts(struct walk *w)
{
	static struct coroutine all[COROUTINES];

	for (unsigned i = 0; i < COROUTINES; i++) {
		all[i].stack = mmap(NULL, STACK_MOST, PROT_NONE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		must(all[i].stack != MAP_FAILED);
		map_stack(&all[i], w);
		all[i].runs = false;
	}
	while (w->calls > 0) {
		struct coroutine *c = &all[walk_random(w, COROUTINES)];

		if (!c->runs || walk_random(w, 64) == 0)
			start(c, w);
		resume(c, w);
	}
	for (unsigned i = 0; i < COROUTINES; i++)
		munmap(all[i].stack, STACK_MOST);
}

static ucontext_t leak_caller;

static NOINLINE void contexts_leak_inside(int bytes)
{
	leak_block((unsigned)bytes);
	STAY();
}

static void contexts_leak(unsigned bytes)
{
	ucontext_t context;
	char *stack = malloc(65536);

	must(stack && getcontext(&context) == 0);
	context.uc_stack.ss_sp = stack;
	context.uc_stack.ss_size = 65536;
	context.uc_link = &leak_caller;
	makecontext(&context, (void (*)(void))contexts_leak_inside, 1, (int)bytes);
	swapcontext(&leak_caller, &context);
	free(stack);
}

/* Outside of the coroutine's function there is only the function of glibc that starts it. */
const struct scenario contexts_scenario = {
	.name = "contexts",
	.run = run_contexts,
	.leak = contexts_leak,
	.chain = "contexts_leak_inside ? $",
	.share = 80,
};
