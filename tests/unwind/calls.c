/* SPDX-License-Identifier: MIT */
/* Different ways to be called: by tail calls, by pointers, by the C library and by the loader. */
#include <link.h>
#include <pthread.h>
#include <stdlib.h>

#include "stress.h"

static __thread struct walk *current;

/* The compiler may or may not make these last calls jumps. */
static NOINLINE void tail_last(struct walk *w)
{
	touch(w);
	walk_on(w);
}

static NOINLINE void tail_middle(struct walk *w)
{
	char room[64], *at = room;

	BLUR(at);
	touch(w);
	tail_last(w);
}

static NOINLINE void tail(struct walk *w)
{
	touch(w);
	tail_middle(w);
}

static NOINLINE void by_pointer(struct walk *w)
{
	static place *const all[] = { tail_last, tail_middle, tail, walk_on };
	place *volatile chosen = all[walk_random(w, 4)];

	chosen(w);
	STAY();
	chosen(w);
}

/* A jump must not leave the library's function before it ends. */
static NOINLINE void without_landing(struct walk *w, unsigned most)
{
	struct landing *landing = w->landing;
	unsigned catches = w->catches;

	w->landing = NULL;
	w->catches = 0;
	if (w->calls > most)
		touch(w);
	walk_on(w);
	w->landing = landing;
	w->catches = catches;
}

static NOINLINE int compare(const void *one, const void *other)
{
	struct walk *w = current;

	if (walk_random(w, 3) == 0)
		without_landing(w, 10);
	current = w;
	return *(const int *)one - *(const int *)other;
}

static NOINLINE void sort(struct walk *w)
{
	int numbers[] = { 5, 2, 9, 1, 7, 3 };

	current = w;
	qsort(numbers, 1 + walk_random(w, 6), sizeof(numbers[0]), compare);
	STAY();
}

static NOINLINE void search(struct walk *w)
{
	static const int numbers[] = { 1, 2, 3, 5, 7, 9 };
	int key = (int)walk_random(w, 10);

	current = w;
	if (bsearch(&key, numbers, 6, sizeof(numbers[0]), compare))
		touch(w);
	STAY();
}

/* Its thread must not go on elsewhere either, because the library keeps a list of what is in
 * progress. */
static void run_once(void)
{
	struct walk *w = current;
	void (*pause)(struct walk *) = w->pause;

	w->pause = NULL;
	without_landing(w, 10);
	w->pause = pause;
}

static NOINLINE void once(struct walk *w)
{
	pthread_once_t fresh = PTHREAD_ONCE_INIT, *control = &fresh;

	BLUR(control); /* the analyzer does not like one on the stack */
	current = w;
	pthread_once(control, run_once);
	STAY();
}

static int visit_module(struct dl_phdr_info *info, size_t size, void *w)
{
	(void)info, (void)size;
	touch(w);
	return walk_random(w, 3) == 0;
}

/* Runs under the loader's lock. */
static NOINLINE void iterate(struct walk *w)
{
	dl_iterate_phdr(visit_module, w);
	STAY();
}

PLACES(call, tail, by_pointer, by_pointer, sort, search, once, iterate);

static void run_calls(struct walk *w)
{
	while (w->calls > 0) {
		w->depth = 4 + walk_random(w, 10);
		call_places[walk_random(w, call_places_count)](w);
	}
}

static NOINLINE int calls_leak_compare(const void *one, const void *other)
{
	(void)other;
	leak_block(*(const unsigned *)one);
	STAY();
	return 0;
}

/* Runs at the end of the process as well. */
static void touch_at_exit(void)
{
	struct walk w = { .random = 7, .calls = 200, .depth = 5 };

	walk_on(&w);
}

static NOINLINE void calls_leak(unsigned bytes)
{
	unsigned numbers[] = { bytes, bytes };

	bsearch(numbers, numbers, 1, sizeof(numbers[0]), calls_leak_compare);
	atexit(touch_at_exit);
	STAY();
}

const struct scenario calls_scenario = {
	.name = "calls",
	.run = run_calls,
	.leak = calls_leak,
	.chain = "calls_leak_compare * calls_leak",
	.share = 60,
};
