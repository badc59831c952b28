/* SPDX-License-Identifier: MIT */
/*
 * Measures the cost of blocks: the same sequence of allocations and frees by lsatrace's own shared
 * memory, by the C library's malloc(), and by mimalloc if it is installed, one after another in
 * each round.
 *
 *	blocks [KEY=NUMBER]...
 *
 *	threads=N   threads that run at the same time, each with its own sequence and section
 *	live=N      blocks of each thread that are live all the time
 *	most=N      size of the largest block in bytes; sizes from 16 to 32 are as frequent as those from
 *	            most / 2 to most
 *	rounds=N    rounds to measure
 *
 * Each step frees a block, allocates one of another size in its place, and writes to it. Prints one
 * line of names and numbers: nanoseconds of a step, medians of the rounds.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "preload/sharedmem/sections.h"

enum { STEPS = 1 << 17, ROUNDS_MOST = 1000, THREADS_MOST = 64 };

struct settings {
	unsigned long threads, live, most, rounds;
};

struct step {
	uint32_t place, bytes;
};

struct allocator {
	const char *name;
	void *(*allocate)(void *section, uint32_t bytes);
	void (*release)(void *section, void *block);
	double ns[ROUNDS_MOST];
};

struct worker {
	pthread_t thread;
	const struct settings *settings;
	const struct allocator *allocator;
	pthread_barrier_t *barrier;
	void *section;
	struct step *steps;
	void **blocks;
	double ns;
};

static void *(*mi_malloc)(size_t);
static void (*mi_free)(void *);

static void *glibc_allocate(void *section, uint32_t bytes)
{
	(void)section;
	return malloc(bytes);
}

static void glibc_release(void *section, void *block)
{
	(void)section;
	free(block);
}

static void *mimalloc_allocate(void *section, uint32_t bytes)
{
	(void)section;
	return mi_malloc(bytes);
}

static void mimalloc_release(void *section, void *block)
{
	(void)section;
	mi_free(block);
}

static struct allocator allocators[] = {
	{ .name = "embedded", .allocate = sections_allocate, .release = sections_free },
	{ .name = "glibc", .allocate = glibc_allocate, .release = glibc_release },
	{ .name = "mimalloc", .allocate = mimalloc_allocate, .release = mimalloc_release },
};
enum { ALLOCATORS = sizeof(allocators) / sizeof(*allocators) };

/* Returns the number of allocators. mimalloc, which may be missing, is the last one. */
static size_t find_allocators(void)
{
	void *library = dlopen("libmimalloc.so.2", RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return ALLOCATORS - 1;
	mi_malloc = (void *(*)(size_t))dlsym(library, "mi_malloc");
	mi_free = (void (*)(void *))dlsym(library, "mi_free");
	return mi_malloc && mi_free ? ALLOCATORS : ALLOCATORS - 1;
}

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

static uint32_t random_bytes(uint64_t *state, unsigned long most)
{
	uint32_t octaves = 0;

	while (32ul << octaves <= most)
		octaves++;
	octaves = 16u << next_random(state) % (octaves ? octaves : 1);
	return octaves + next_random(state) % octaves;
}

static void worker_init(struct worker *w, unsigned long number)
{
	uint64_t state = number + 1;

	w->section = sections_create(1u << 30, 1 << 20);
	w->steps = calloc(STEPS, sizeof(*w->steps));
	w->blocks = calloc(w->settings->live, sizeof(*w->blocks));
	if (!w->section || !w->steps || !w->blocks)
		abort();
	for (int i = 0; i < STEPS; i++) {
		w->steps[i].place = (uint32_t)(next_random(&state) % w->settings->live);
		w->steps[i].bytes = random_bytes(&state, w->settings->most);
	}
}

static void run_steps(struct worker *w)
{
	for (int i = 0; i < STEPS; i++) {
		const struct step *step = &w->steps[i];
		void **block = &w->blocks[step->place];

		if (*block)
			w->allocator->release(w->section, *block);
		*block = w->allocator->allocate(w->section, step->bytes);
		if (!*block)
			abort();
		memset(*block, 1, 16);
	}
}

static void release_all(struct worker *w)
{
	for (unsigned long i = 0; i < w->settings->live; i++) {
		if (w->blocks[i])
			w->allocator->release(w->section, w->blocks[i]);
		w->blocks[i] = NULL;
	}
}

/* Returns the CPU time of the thread, so that other threads and programs do not count. */
static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The first pass warms up and fills the places, the second one is measured. */
static void *work(void *argument)
{
	struct worker *w = argument;

	run_steps(w);
	pthread_barrier_wait(w->barrier);
	w->ns = -now_ns();
	run_steps(w);
	w->ns += now_ns();
	pthread_barrier_wait(w->barrier);
	release_all(w);
	return NULL;
}

static double measure(struct worker *workers, const struct settings *s,
		      const struct allocator *allocator)
{
	pthread_barrier_t barrier;
	double ns = 0;

	pthread_barrier_init(&barrier, NULL, (unsigned)s->threads);
	for (unsigned long i = 0; i < s->threads; i++) {
		workers[i].allocator = allocator;
		workers[i].barrier = &barrier;
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			abort();
	}
	for (unsigned long i = 0; i < s->threads; i++) {
		pthread_join(workers[i].thread, NULL);
		ns += workers[i].ns;
	}
	pthread_barrier_destroy(&barrier);
	return ns / STEPS / (double)s->threads;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return a < b ? -1 : a > b;
}

static void take_setting(struct settings *s, const char *text)
{
	unsigned long number = strtoul(strchr(text, '=') ? strchr(text, '=') + 1 : "0", NULL, 0);

	if (number && strncmp(text, "threads=", 8) == 0 && number <= THREADS_MOST)
		s->threads = number;
	else if (number && strncmp(text, "live=", 5) == 0)
		s->live = number;
	else if (number && strncmp(text, "most=", 5) == 0)
		s->most = number;
	else if (number && strncmp(text, "rounds=", 7) == 0 && number <= ROUNDS_MOST)
		s->rounds = number;
	else
		exit(2);
}

int main(int argc, char **argv)
{
	struct settings s = { .threads = 1, .live = 1000, .most = 1024, .rounds = 5 };
	struct worker workers[THREADS_MOST] = { 0 };
	size_t count = find_allocators();

	for (int i = 1; i < argc; i++)
		take_setting(&s, argv[i]);
	for (unsigned long i = 0; i < s.threads; i++) {
		workers[i].settings = &s;
		worker_init(&workers[i], i);
	}
	for (unsigned long round = 0; round < s.rounds; round++)
		for (size_t i = 0; i < count; i++)
			allocators[i].ns[round] = measure(workers, &s, &allocators[i]);
	for (size_t i = 0; i < count; i++) {
		qsort(allocators[i].ns, s.rounds, sizeof(double), compare);
		printf("%s_ns %.2f ", allocators[i].name, allocators[i].ns[s.rounds / 2]);
	}
	printf("\n");
	return 0;
}
