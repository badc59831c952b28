/* SPDX-License-Identifier: MIT */
/* Threads that begin and end: one takes the stack of another, and its place in the trace. Also
 * calls at the end of threads. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>

#include "stress.h"

enum { AT_ONCE = 3 };

static pthread_key_t thread_end;
static pthread_once_t made = PTHREAD_ONCE_INIT;

struct job {
	struct walk walk;
	pthread_t thread;
	unsigned endings;
};

static void end_thread(void *argument)
{
	struct job *job = argument;
	struct walk w = { .random = job->walk.random, .calls = 20, .depth = 4 };

	walk_on(&w);
	if (job->endings-- > 0)
		pthread_setspecific(thread_end, job);
}

static void make_key(void)
{
	if (pthread_key_create(&thread_end, end_thread) != 0)
		abort();
}

static NOINLINE void *work(void *argument)
{
	struct job *job = argument;

	pthread_setspecific(thread_end, job);
	walk_afresh(&job->walk, job->walk.calls, 4 + walk_random(&job->walk, 12));
	if (walk_random(&job->walk, 4) == 0)
		pthread_exit(NULL);
	return NULL;
}

static void start(struct job *job, struct walk *w)
{
	pthread_attr_t attributes;

	job->walk = (struct walk){ .random = w->random ^ (w->random << 11) ^ 1,
				   .calls = 20 + walk_random(w, 400),
				   .odd = walk_random(w, 4) ? 0 : 32 };
	job->endings = walk_random(w, 3);
	w->calls = w->calls > job->walk.calls ? w->calls - job->walk.calls : 0;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, (size_t)(2 + walk_random(w, 2)) << 20);
	if (pthread_create(&job->thread, &attributes, work, job) != 0)
		abort();
	pthread_attr_destroy(&attributes);
}

static void run_threads(struct walk *w)
{
	struct job jobs[AT_ONCE];

	pthread_once(&made, make_key);
	while (w->calls > 0) {
		unsigned count = 1 + walk_random(w, AT_ONCE);

		for (unsigned i = 0; i < count; i++)
			start(&jobs[i], w);
		walk_afresh(w, 50, 6);
		for (unsigned i = 0; i < count; i++)
			pthread_join(jobs[i].thread, NULL);
	}
}

static NOINLINE void *threads_leak_main(void *bytes)
{
	leak_block(*(unsigned *)bytes);
	STAY();
	return NULL;
}

static NOINLINE void threads_leak(unsigned bytes)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, threads_leak_main, &bytes) != 0)
		abort();
	pthread_join(thread, NULL);
}

/* Outside of the thread's function there are only two functions of glibc. */
const struct scenario threads_scenario = {
	.name = "threads",
	.run = run_threads,
	.leak = threads_leak,
	.chain = "threads_leak_main ? ? $",
	.share = 80,
};
