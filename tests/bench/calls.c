/* SPDX-License-Identifier: MIT */
/*
 * The program that is measured: host and package in one. It calls the host's heap through the
 * function table, untraced or under a preloaded tracer. The host's functions call malloc() and
 * free(), so that a tracer of those functions sees the same pattern of calls.
 *
 *	calls cost [KEY=NUMBER]...     time of a call; a round is 1000 allocations, then 1000 frees:
 *	                               mean_ns is that of a typical round, elapsed_ns that of all
 *	calls first threads=N          time of the first calls of the process and of its threads
 *	calls child live=N             time of the first call of a forked child, with so many live blocks
 *	calls memory [KEY=NUMBER]...   memory of the process after the rounds
 *	calls wrong live=N             time of calls that are wrong, and of the deletion of a section,
 *	                               with so many live blocks; the host ignores what is wrong
 *
 *	depth=N     frames of a backtrace, from the caller of the table's function to the outermost
 *	threads=N   threads that run at the same time; `first`: one after another
 *	stacks=N    distinct stacks of each function; above 10000, three frames have to differ
 *	inner=N     how many of the innermost frames differ from stack to stack: 2 if it is not given
 *	uneven=1    those frames are of three sizes, but for the innermost one
 *	outer=1     the outermost frame of this program differs as well
 *	family=N    whose functions are called: 0 LSA heap, 1 shared memory, 2 private heap, 3 client
 *	            buffers
 *	sections=N  sections of shared memory that the blocks are in
 *	rounds=N    rounds of 2000 calls, after warm=N rounds that are not measured
 *	live=N      blocks that are live all the time, in addition to those of a round
 *	leaks=N     rounds, of all the first ones, whose blocks are not freed
 *
 * Prints one line of names and numbers. The frames are those of descent.h.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "descent.h"
#include "include/secpkg.h"

#define NOINLINE __attribute__((noinline))

enum {
	BLOCKS = 1000, /* of a round */
	BLOCK_SIZE = 32,
	FRAMES_LEAST = 4, /* the caller, thread_main, and two of the C library's */
	SITES = 100,
	STACKS_MOST = SITES * SITES * SITES,
	SECTIONS_MOST = 1000,
	ROUNDS_MOST = 1 << 20,
	ROUNDS_TOGETHER = 10,
	THREADS_MOST = 64,
};

struct settings {
	unsigned long depth, threads, stacks, inner, uneven, outer, family, sections, rounds, warm,
		live, leaks;
};

struct worker {
	pthread_t thread;
	const struct settings *settings;
	pthread_barrier_t *start;
	unsigned long *finished; /* number of threads that have measured all their rounds */
	double *call_ns;         /* for each of those rounds */
	uint64_t start_ns, end_ns;
	unsigned long rounds; /* between those two */
	PVOID blocks[BLOCKS];
};

static PLSA_SECPKG_FUNCTION_TABLE lsa;

/* A tail call, so that the stack is no deeper for a tracer of malloc(). */
static PVOID host_allocate(ULONG bytes)
{
	return malloc(bytes);
}

static void host_free(PVOID block)
{
	free(block);
}

static PVOID host_allocate_large(SIZE_T bytes)
{
	return malloc(bytes);
}

static PVOID sections[SECTIONS_MOST];

static PVOID host_create_section(ULONG max_size, ULONG initial_size)
{
	(void)max_size;
	return malloc(initial_size);
}

static BOOLEAN host_delete_section(PVOID handle)
{
	free(handle);
	return TRUE;
}

static PVOID host_allocate_in_section(PVOID handle, ULONG bytes)
{
	(void)handle;
	return malloc(bytes);
}

static void host_free_in_section(PVOID handle, PVOID block)
{
	(void)handle;
	free(block);
}

static PLSA_CLIENT_REQUEST const client_request = (PLSA_CLIENT_REQUEST)&sections;

static NTSTATUS host_allocate_for_client(PLSA_CLIENT_REQUEST request, ULONG bytes, PVOID *block)
{
	(void)request;
	*block = malloc(bytes);
	return STATUS_SUCCESS;
}

static NTSTATUS host_free_for_client(PLSA_CLIENT_REQUEST request, PVOID block)
{
	(void)request;
	free(block);
	return STATUS_SUCCESS;
}

static LSA_SECPKG_FUNCTION_TABLE host_table = {
	.AllocateLsaHeap = host_allocate,
	.FreeLsaHeap = host_free,
	.AllocatePrivateHeap = host_allocate_large,
	.FreePrivateHeap = host_free,
	.CreateSharedMemory = host_create_section,
	.AllocateSharedMemory = host_allocate_in_section,
	.FreeSharedMemory = host_free_in_section,
	.DeleteSharedMemory = host_delete_section,
	.AllocateClientBuffer = host_allocate_for_client,
	.FreeClientBuffer = host_free_for_client,
};

static NTSTATUS initialize(ULONG_PTR id, PSECPKG_PARAMETERS parameters,
			   PLSA_SECPKG_FUNCTION_TABLE table)
{
	(void)id;
	(void)parameters;
	lsa = table;
	return STATUS_SUCCESS;
}

static NTSTATUS get_info(PSecPkgInfoW info)
{
	static const WCHAR name[] = u"calls";

	info->Name = (WCHAR *)(uintptr_t)name;
	return STATUS_SUCCESS;
}

static SECPKG_FUNCTION_TABLE package_table = { .Initialize = initialize, .GetInfo = get_info };

NTSTATUS SpLsaModeInitialize(ULONG version, PULONG package_version, PSECPKG_FUNCTION_TABLE *tables,
			     PULONG count)
{
	(void)version;
	*package_version = SECPKG_INTERFACE_VERSION_8;
	*tables = &package_table;
	*count = 1;
	return STATUS_SUCCESS;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Finds the package as a host does, so that a tracer notices it. */
static void load_package(void)
{
	SpLsaModeInitializeFn entry =
		(SpLsaModeInitializeFn)dlsym(RTLD_DEFAULT, "SpLsaModeInitialize");
	PSECPKG_FUNCTION_TABLE tables;
	ULONG version, count;

	if (!entry || entry(1, &version, &tables, &count) != STATUS_SUCCESS ||
	    tables[0].Initialize(1, NULL, &host_table) != STATUS_SUCCESS) {
		fprintf(stderr, "calls: the package cannot be loaded\n");
		exit(2);
	}
}

/* The pair of a family, as two functions. */
#define PAIR(family, allocate, release) \
	static NOINLINE void family##_acquire(struct descent *d, unsigned left) \
	{ \
		(void)left; \
		AT_SITE(d->site[0], allocate) \
	} \
	static NOINLINE void family##_release(struct descent *d, unsigned left) \
	{ \
		(void)left; \
		AT_SITE(d->site[0], release) \
	}

PAIR(lsa_heap, *d->block = lsa->AllocateLsaHeap(BLOCK_SIZE), lsa->FreeLsaHeap(*d->block))
PAIR(shared_memory, *d->block = lsa->AllocateSharedMemory(d->section, BLOCK_SIZE),
     lsa->FreeSharedMemory(d->section, *d->block))
PAIR(private_heap, *d->block = lsa->AllocatePrivateHeap(BLOCK_SIZE), lsa->FreePrivateHeap(*d->block))
PAIR(client_buffer, lsa->AllocateClientBuffer(client_request, BLOCK_SIZE, d->block),
     lsa->FreeClientBuffer(client_request, *d->block))

static void (*const pairs[][2])(struct descent *d, unsigned left) = {
	{ lsa_heap_acquire, lsa_heap_release },
	{ shared_memory_acquire, shared_memory_release },
	{ private_heap_acquire, private_heap_release },
	{ client_buffer_acquire, client_buffer_release },
};

/* A stack's sites are the digits of its number: two, or three if two are not enough. */
struct digits {
	unsigned long radix;
	bool are_three;
};

static struct digits digits_for(unsigned long stacks)
{
	struct digits digits = { 1, stacks > SITES * SITES };

	while (digits.radix * digits.radix * (digits.are_three ? digits.radix : 1) < stacks)
		digits.radix++;
	return digits;
}

static void set_sites(struct descent *d, const struct digits *digits, unsigned long stack)
{
	unsigned long rest = stack / digits->radix;

	d->site[0] = (unsigned)(stack % digits->radix);
	d->site[1] = d->site[3] = (unsigned)(rest % digits->radix);
	d->site[2] = digits->are_three ? (unsigned)(rest / digits->radix) : d->site[0];
}

/* Each thread goes on until all have measured their rounds, so that all threads are running in
 * each round that is measured. */
static bool goes_on(const struct worker *w, unsigned long round)
{
	const struct settings *s = w->settings;
	unsigned long last = s->warm + s->rounds;

	if (round == last)
		__atomic_add_fetch(w->finished, 1, __ATOMIC_RELAXED);
	return round < last || __atomic_load_n(w->finished, __ATOMIC_RELAXED) < s->threads;
}

/* The loops are in the thread's start function, which is the outermost frame of this program. */
static void *thread_main(void *argument)
{
	struct worker *w = argument;
	const struct settings *s = w->settings;
	struct digits digits = digits_for(s->stacks);
	unsigned downs = (unsigned)s->depth - FRAMES_LEAST;
	bool outer = s->outer || downs == 0;
	struct descent d = { .varying = (unsigned)s->inner - 1, .uneven = s->uneven };
	void (*next)(struct descent *, unsigned);

	for (unsigned long round = 0; goes_on(w, round); round++) {
		uint64_t before;

		if (round == s->warm) {
			pthread_barrier_wait(w->start);
			w->start_ns = now_ns();
		}
		before = now_ns();
		for (int half = 0; half < (round < s->leaks ? 1 : 2); half++) {
			d.last = pairs[s->family][half];
			next = downs ? down : d.last;
			for (unsigned i = 0; i < BLOCKS; i++) {
				d.block = &w->blocks[i];
				d.section = sections[i % s->sections];
				set_sites(&d, &digits, (round * BLOCKS + i) * 7 % s->stacks);
				AT_SITE(outer ? d.site[1] : 0, next(&d, downs - 1))
			}
		}
		if (round >= s->warm && round < s->warm + s->rounds)
			w->call_ns[round - s->warm] = (double)(now_ns() - before) / (2 * BLOCKS);
		w->rounds = round + 1 - s->warm;
	}
	w->end_ns = now_ns();
	return NULL;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return count ? values[count / 2] : 0;
}

/* Returns the median of the means of ten rounds each. One round is too short to show how threads
 * disturb each other: while one waits for a lock, the other one runs as if it were alone. */
static double typical(double *values, size_t count)
{
	size_t groups = count / ROUNDS_TOGETHER;

	if (groups == 0)
		return median(values, count);
	for (size_t i = 0; i < groups; i++) {
		double sum = 0;

		for (size_t j = 0; j < ROUNDS_TOGETHER; j++)
			sum += values[i * ROUNDS_TOGETHER + j];
		values[i] = sum / ROUNDS_TOGETHER;
	}
	return median(values, groups);
}

static void *must(void *memory)
{
	if (!memory) {
		perror("calls");
		exit(2);
	}
	return memory;
}

static void keep_live(unsigned long count)
{
	for (unsigned long i = 0; i < count; i++)
		must(lsa->AllocateLsaHeap(BLOCK_SIZE));
}

static void start(struct worker *w, const struct settings *s, pthread_barrier_t *barrier,
		  unsigned long *finished)
{
	w->settings = s;
	w->start = barrier;
	w->finished = finished;
	w->call_ns = must(calloc(s->rounds, sizeof(double)));
	if (pthread_create(&w->thread, NULL, thread_main, w) != 0)
		must(NULL);
}

/* Nanoseconds of a call, as threads see it. */
struct times {
	double mean; /* in typical rounds, as the mean over the threads */
	double elapsed; /* in all rounds, from when the first thread begins to when the last one ends */
};

static struct times run(const struct settings *s)
{
	struct worker *workers = must(calloc(s->threads, sizeof(*workers)));
	unsigned long finished = 0, rounds = 0;
	uint64_t first = UINT64_MAX, last = 0;
	struct times times = { 0 };
	pthread_barrier_t barrier;

	for (unsigned long i = 0; i < s->sections; i++)
		sections[i] = lsa->CreateSharedMemory(65536, 4096);
	pthread_barrier_init(&barrier, NULL, (unsigned)s->threads);
	for (unsigned long i = 0; i < s->threads; i++)
		start(&workers[i], s, &barrier, &finished);
	for (unsigned long i = 0; i < s->threads; i++) {
		struct worker *w = &workers[i];

		pthread_join(w->thread, NULL);
		times.mean += typical(w->call_ns, s->rounds) / (double)s->threads;
		first = w->start_ns < first ? w->start_ns : first;
		last = w->end_ns > last ? w->end_ns : last;
		rounds += w->rounds;
		free(w->call_ns);
	}
	times.elapsed = (double)(last - first) * (double)s->threads / (double)rounds / (2 * BLOCKS);
	pthread_barrier_destroy(&barrier);
	for (unsigned long i = 0; i < s->sections; i++)
		lsa->DeleteSharedMemory(sections[i]);
	free(workers);
	return times;
}

static void cost(const struct settings *s)
{
	struct times times;

	load_package();
	keep_live(s->live);
	times = run(s);
	printf("mean_ns %.2f elapsed_ns %.2f\n", times.mean, times.elapsed);
}

struct newcomer {
	uint64_t first_ns, second_ns;
};

static void *first_calls(void *argument)
{
	struct newcomer *n = argument;
	uint64_t before = now_ns(), between, after;
	PVOID block = lsa->AllocateLsaHeap(BLOCK_SIZE);

	between = now_ns();
	lsa->FreeLsaHeap(block);
	after = now_ns();
	n->first_ns = between - before;
	n->second_ns = after - between;
	return NULL;
}

static void first(unsigned long threads)
{
	uint64_t before = now_ns(), loaded;
	struct newcomer own, newcomer;
	double firsts[THREADS_MOST], seconds[THREADS_MOST];
	pthread_t thread;

	load_package();
	loaded = now_ns();
	first_calls(&own);
	for (unsigned long i = 0; i < threads; i++) {
		if (pthread_create(&thread, NULL, first_calls, &newcomer) != 0)
			must(NULL);
		pthread_join(thread, NULL);
		firsts[i] = (double)newcomer.first_ns;
		seconds[i] = (double)newcomer.second_ns;
	}
	printf("load_ns %llu first_ns %llu thread_first_ns %.0f thread_second_ns %.0f\n",
	       (unsigned long long)(loaded - before), (unsigned long long)own.first_ns,
	       median(firsts, threads), median(seconds, threads));
}

/* Time of the processor: others may run meanwhile. */
static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void child(const struct settings *s)
{
	uint64_t before;

	load_package();
	keep_live(s->live);
	if (fork() == 0) {
		before = cpu_ns();
		lsa->AllocateLsaHeap(BLOCK_SIZE);
		printf("child_first_ns %llu\n", (unsigned long long)(cpu_ns() - before));
		exit(0);
	}
	wait(NULL);
}

/* Prints the lines "Name:  N kB" of a file in /proc, as " name_kb N". */
static void print_sizes(const char *path, const char *const names[])
{
	FILE *file = must(fopen(path, "r"));
	char line[256];

	while (fgets(line, sizeof(line), file))
		for (int i = 0; names[i]; i++) {
			size_t bytes = strlen(names[i]);

			if (strncmp(line, names[i], bytes) == 0 && line[bytes] == ':')
				printf(" %s_kb %lu", names[i], strtoul(line + bytes + 1, NULL, 10));
		}
	fclose(file);
}

static void memory(const struct settings *s)
{
	static const char *const mapped[] = { "Rss",           "Pss",       "Pss_Anon",
					      "Pss_File",      "Pss_Shmem", "Private_Clean",
					      "Private_Dirty", NULL };

	load_package();
	run(s);
	printf("rounds %lu", s->rounds);
	print_sizes("/proc/self/smaps_rollup", mapped);
	putchar('\n');
}

/* A heap and a section of blocks back to back, in which a wrong free does no harm. */
enum { WRONG_CALLS = 1000, HEAP_STRIDE = 48 };

static char *wrong_heap, *wrong_heap_next;
static char wrong_section[64], wrong_block[64];

static PVOID take_next(ULONG bytes)
{
	(void)bytes;
	wrong_heap_next += HEAP_STRIDE;
	return wrong_heap_next - HEAP_STRIDE;
}

static void ignore_free(PVOID block)
{
	(void)block;
}

static PVOID give_section(ULONG max_size, ULONG initial_size)
{
	(void)max_size;
	(void)initial_size;
	return wrong_section;
}

static PVOID give_block(PVOID section, ULONG bytes)
{
	(void)section;
	(void)bytes;
	return wrong_block;
}

static void ignore_free_in_section(PVOID section, PVOID block)
{
	(void)section;
	(void)block;
}

static BOOLEAN delete_section(PVOID section)
{
	return section == (PVOID)wrong_section;
}

static void free_again(char *block)
{
	lsa->FreeLsaHeap(block);
}

static void free_inside(char *block)
{
	lsa->FreeLsaHeap(block + HEAP_STRIDE + 8);
}

/* Nothing has ever been there. */
static void free_unknown(char *block)
{
	lsa->FreeLsaHeap(block + HEAP_STRIDE - 8);
}

static void delete_with_block(char *unused)
{
	(void)unused;
	lsa->CreateSharedMemory(65536, 4096);
	lsa->AllocateSharedMemory(wrong_section, BLOCK_SIZE);
	lsa->DeleteSharedMemory(wrong_section);
}

/* Of the calls, each at another place of the heap. */
static double mean_ns(unsigned long live, void (*call)(char *block))
{
	uint64_t before = cpu_ns();

	for (unsigned long i = 0; i < WRONG_CALLS; i++)
		call(wrong_heap + i * 7919 % live * 2 * HEAP_STRIDE);
	return (double)(cpu_ns() - before) / WRONG_CALLS;
}

/* Every second block has gone. */
static void wrong(const struct settings *s)
{
	unsigned long live = s->live > BLOCKS ? s->live : BLOCKS;

	wrong_heap = wrong_heap_next = must(malloc((2 * live + 2) * HEAP_STRIDE));
	host_table.AllocateLsaHeap = take_next;
	host_table.FreeLsaHeap = ignore_free;
	host_table.CreateSharedMemory = give_section;
	host_table.AllocateSharedMemory = give_block;
	host_table.FreeSharedMemory = ignore_free_in_section;
	host_table.DeleteSharedMemory = delete_section;
	load_package();
	keep_live(2 * live);
	for (unsigned long i = 0; i < 2 * live; i += 2)
		lsa->FreeLsaHeap(wrong_heap + i * HEAP_STRIDE);
	printf("again_ns %.0f inside_ns %.0f unknown_ns %.0f delete_ns %.0f\n",
	       mean_ns(live, free_again), mean_ns(live, free_inside), mean_ns(live, free_unknown),
	       mean_ns(live, delete_with_block));
}

static void parse(struct settings *s, char **arguments)
{
	const struct {
		const char *name;
		unsigned long *value, least, most;
	} keys[] = {
		{ "depth=", &s->depth, FRAMES_LEAST, 256 },
		{ "threads=", &s->threads, 1, THREADS_MOST },
		{ "stacks=", &s->stacks, 1, STACKS_MOST },
		{ "inner=", &s->inner, 1, 64 },
		{ "uneven=", &s->uneven, 0, 1 },
		{ "outer=", &s->outer, 0, 1 },
		{ "family=", &s->family, 0, 3 },
		{ "sections=", &s->sections, 1, SECTIONS_MOST },
		{ "rounds=", &s->rounds, 1, ROUNDS_MOST },
		{ "warm=", &s->warm, 0, ROUNDS_MOST },
		{ "live=", &s->live, 0, 1 << 20 },
		{ "leaks=", &s->leaks, 0, ROUNDS_MOST },
	};

	for (; *arguments; arguments++) {
		bool known = false;

		for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
			size_t bytes = strlen(keys[i].name);

			if (strncmp(*arguments, keys[i].name, bytes) != 0)
				continue;
			*keys[i].value = strtoul(*arguments + bytes, NULL, 10);
			known = *keys[i].value >= keys[i].least && *keys[i].value <= keys[i].most;
		}
		if (!known) {
			fprintf(stderr, "calls: %s: not understood\n", *arguments);
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct settings s = { .depth = 16,
			      .threads = 1,
			      .stacks = 100,
			      .inner = 2,
			      .sections = 1,
			      .rounds = 200,
			      .warm = 20 };
	const char *mode = argc > 1 ? argv[1] : "";

	if (argc > 1)
		parse(&s, argv + 2);
	if (strcmp(mode, "cost") == 0)
		cost(&s);
	else if (strcmp(mode, "first") == 0)
		first(s.threads);
	else if (strcmp(mode, "child") == 0)
		child(&s);
	else if (strcmp(mode, "memory") == 0)
		memory(&s);
	else if (strcmp(mode, "wrong") == 0)
		wrong(&s);
	else {
		fprintf(stderr, "usage: calls cost|first|child|memory|wrong [KEY=NUMBER]...\n");
		return 2;
	}
	return 0;
}
