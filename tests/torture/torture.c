/* SPDX-License-Identifier: MIT */
/*
 * Uses and misuses lsatrace's own shared memory for a while, and checks from outside that it stays
 * intact:
 *
 *	torture [SECONDS [SEED]]
 *
 * Threads allocate and free blocks of random sizes, in private and in common sections, and also
 * make wrong frees. At the same time clients, which are other processes, write to each byte of half
 * of the common sections. A model of each section says which granules are in use: blocks must not
 * overlap, and must not be outside of the section. In sections that no client writes to, a new
 * block must be zero, and must keep what its owner writes. At the end everything is freed. Then
 * each section must give one block of the largest size: otherwise some of it was lost.
 *
 * Prints the first fault, and ends by abort().
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "preload/sharedmem/sections.h"

enum {
	THREADS = 4,
	CLIENTS = 2,
	COMMON = 4, /* sections that all threads use; clients write to the first half of them */
	SCRIBBLED = COMMON / 2,
	PLACES = 200, /* most blocks of a thread in a section */
	GRANULE = 16,
	COMMON_SIZE = 1 << 20,
	OWN_SIZE = 100000,
	CANARY = 4242,
};

struct model {
	char *section;
	ULONG max_size;
	bool is_scribbled;
	uint8_t *taken; /* for each granule */
};

struct block {
	char *at;
	ULONG size;
};

struct worker {
	pthread_t thread;
	uint64_t random;
	struct block block[COMMON + 1][PLACES];
	unsigned long allocated, refused, freed, wrong, sections;
};

static struct model common[COMMON];
static bool is_over;

#define CHECK(condition, what) ((condition) ? (void)0 : fail(what, __LINE__))

static _Noreturn void fail(const char *what, int line)
{
	fprintf(stderr, "torture: line %d: %s\n", line, what);
	abort();
}

static uint32_t next_random(struct worker *w, uint32_t below)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((w->random >> 33) * below >> 31);
}

/* Small sizes are as frequent as large ones. Sometimes it is 0, or more than there is. */
static ULONG random_size(struct worker *w)
{
	return next_random(w, 2u << next_random(w, 17));
}

static size_t granules_of(ULONG size)
{
	return size ? ((size_t)size + GRANULE - 1) / GRANULE : 1;
}

/* Models. */

static void model_open(struct model *m, ULONG max_size, ULONG initial_size)
{
	*m = (struct model){ .max_size = max_size };
	m->section = sections_create(max_size, initial_size);
	CHECK(m->section, "a section is refused");
	m->taken = calloc(granules_of(max_size) + 1, 1);
	CHECK(m->taken, "no memory");
}

/* All of its blocks have been freed before. */
static void model_close(struct model *m)
{
	char *all = sections_allocate(m->section, m->max_size);

	CHECK(all == m->section + GRANULE, "room was lost");
	sections_free(m->section, all);
	CHECK(sections_delete(m->section), "a section is not deleted");
	free(m->taken);
}

static void take(struct model *m, const struct block *b)
{
	size_t offset = (size_t)(b->at - m->section), first = offset / GRANULE;

	CHECK(offset % GRANULE == 0, "a block is not aligned");
	CHECK(first > 0, "a block lies at the handle");
	CHECK(first + granules_of(b->size) <= granules_of(m->max_size) + 1,
	      "a block lies outside of its section");
	for (size_t i = first; i < first + granules_of(b->size); i++)
		CHECK(!__atomic_exchange_n(&m->taken[i], 1, __ATOMIC_RELAXED),
		      "a block overlaps another one");
}

static void give_back(struct model *m, const struct block *b)
{
	size_t first = (size_t)(b->at - m->section) / GRANULE;

	for (size_t i = first; i < first + granules_of(b->size); i++)
		__atomic_store_n(&m->taken[i], 0, __ATOMIC_RELAXED);
}

/* Blocks. */

static void expect_bytes(const struct block *b, int byte, const char *what)
{
	for (ULONG i = 0; i < b->size; i++)
		CHECK(b->at[i] == (char)byte, what);
}

static int pattern_of(const struct block *b)
{
	return (int)((uintptr_t)b->at / GRANULE * 31 + b->size) | 1;
}

static void allocate(struct worker *w, struct model *m, struct block *b)
{
	b->size = random_size(w);
	b->at = sections_allocate(m->section, b->size);
	if (!b->at) {
		w->refused++;
		return;
	}
	w->allocated++;
	take(m, b);
	if (!m->is_scribbled)
		expect_bytes(b, 0, "a block is not zero");
	memset(b->at, pattern_of(b), b->size);
}

static void release(struct worker *w, struct model *m, struct block *b)
{
	if (!m->is_scribbled)
		expect_bytes(b, pattern_of(b), "a block was written to");
	give_back(m, b);
	sections_free(m->section, b->at);
	b->at = NULL;
	w->freed++;
}

static void release_all(struct worker *w, struct model *m, struct block *blocks)
{
	for (int i = 0; i < PLACES; i++)
		if (blocks[i].at)
			release(w, m, &blocks[i]);
}

/* Returns an address where no block of this section begins, whatever other threads do. */
static char *wrong_address(struct worker *w, const struct model *m, const struct block *b)
{
	switch (next_random(w, 7)) {
	case 0:
		return NULL;
	case 1:
		return m->section;
	case 2:
		return m->section + next_random(w, m->max_size) / GRANULE * GRANULE + 1 +
		       next_random(w, GRANULE - 1);
	case 3:
		return m->section - 1 - next_random(w, UINT32_MAX);
	case 4:
		return m->section + m->max_size + 2 * GRANULE + next_random(w, UINT32_MAX);
	case 5:
		return b->at && b->size > GRANULE
			       ? b->at + GRANULE + next_random(w, b->size - GRANULE)
			       : (char *)b;
	default:
		return (char *)(uintptr_t)(w->random * 0x9e3779b97f4a7c15u | 1);
	}
}

static void free_wrongly(struct worker *w, const struct model *m, const struct block *b)
{
	char *wrong = wrong_address(w, m, b);

	w->wrong++;
	sections_free(m->section, wrong);
	if (wrong != m->section)
		sections_free(wrong, b->at);
	if (b->at && m != &common[0])
		sections_free(common[0].section, b->at);
	sections_free((char *)m->section + GRANULE, b->at);
	CHECK(!sections_delete(b->at ? b->at : (char *)w), "a block is deleted as a section");
}

/* No other thread can have got this address. */
static void free_twice(struct worker *w, struct model *m, struct block *b)
{
	char *at = b->at;

	release(w, m, b);
	sections_free(m->section, at);
	w->wrong++;
}

static void step(struct worker *w, struct model *m, struct block *blocks, bool is_own)
{
	struct block *b = &blocks[next_random(w, PLACES)];

	if (next_random(w, 8) == 0)
		free_wrongly(w, m, b);
	else if (!b->at)
		allocate(w, m, b);
	else if (is_own && next_random(w, 4) == 0)
		free_twice(w, m, b);
	else
		release(w, m, b);
}

/* Threads. */

static void use_own_section(struct worker *w)
{
	struct model own;

	w->sections++;
	model_open(&own, 1 + next_random(w, OWN_SIZE), 0);
	for (uint32_t i = next_random(w, 20000); i > 0; i--) {
		uint32_t which = next_random(w, COMMON + 1);

		if (which == COMMON)
			step(w, &own, w->block[COMMON], true);
		else
			step(w, &common[which], w->block[which], false);
	}
	release_all(w, &own, w->block[COMMON]);
	model_close(&own);
}

static void *work(void *argument)
{
	struct worker *w = argument;

	errno = CANARY;
	while (!__atomic_load_n(&is_over, __ATOMIC_RELAXED))
		use_own_section(w);
	for (int i = 0; i < COMMON; i++)
		release_all(w, &common[i], w->block[i]);
	CHECK(errno == CANARY, "errno was changed");
	return NULL;
}

/* Clients. */

static char *map_as_a_client(pid_t host, int fd, size_t *bytes)
{
	char path[64];
	struct stat st;
	void *at;
	int file;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)host, fd);
	file = open(path, O_RDWR | O_CLOEXEC);
	CHECK(file >= 0 && fstat(file, &st) == 0, "a client cannot open a section");
	*bytes = (size_t)st.st_size;
	at = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(at != MAP_FAILED, "a client cannot map a section");
	close(file);
	return at;
}

static _Noreturn void scribble(pid_t host)
{
	char *section[SCRIBBLED];
	size_t bytes[SCRIBBLED];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < SCRIBBLED; i++)
		section[i] = map_as_a_client(
			host, sections_descriptor((uintptr_t)common[i].section), &bytes[i]);
	for (int byte = 0xff;; byte = rand() & 0xff) {
		for (int i = 0; i < SCRIBBLED; i++)
			memset(section[i], byte, bytes[i]);
		usleep(500); /* so that the threads make progress */
	}
}

static void start_clients(pid_t *clients)
{
	pid_t host = getpid();

	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = fork();
		if (clients[i] == 0)
			scribble(host);
	}
}

/* A client that ended by itself has found a fault. */
static void end_clients(const pid_t *clients)
{
	for (int i = 0; i < CLIENTS; i++) {
		int status;

		kill(clients[i], SIGKILL);
		CHECK(waitpid(clients[i], &status, 0) == clients[i], "a client is lost");
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "a client has failed");
	}
}

static void run(struct worker *workers, unsigned seconds)
{
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0,
		      "no thread");
	sleep(seconds);
	__atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
	for (int i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
}

static void report(const struct worker *workers)
{
	struct worker sum = { 0 };

	for (int i = 0; i < THREADS; i++) {
		sum.allocated += workers[i].allocated;
		sum.refused += workers[i].refused;
		sum.freed += workers[i].freed;
		sum.wrong += workers[i].wrong;
		sum.sections += workers[i].sections;
	}
	CHECK(sum.allocated == sum.freed && sum.allocated > 0, "not all is freed");
	printf("%lu blocks in %lu sections, %lu refused, %lu wrong frees: no damage\n",
	       sum.allocated, sum.sections, sum.refused, sum.wrong);
}

int main(int argc, char **argv)
{
	static struct worker workers[THREADS];
	unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 60;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL);
	pid_t clients[CLIENTS];

	printf("%u seconds, seed %llu\n", seconds, (unsigned long long)seed);
	fflush(stdout);
	for (int i = 0; i < COMMON; i++) {
		model_open(&common[i], COMMON_SIZE, 4096);
		common[i].is_scribbled = i < SCRIBBLED;
	}
	start_clients(clients);
	for (int i = 0; i < THREADS; i++)
		workers[i].random = seed + (uint64_t)i * 0x9e3779b97f4a7c15u;
	run(workers, seconds);
	end_clients(clients);
	for (int i = 0; i < COMMON; i++)
		model_close(&common[i]);
	report(workers);
	return 0;
}
