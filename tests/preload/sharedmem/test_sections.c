/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "preload/base/process.h"
#include "preload/sharedmem/functions.h"
#include "preload/sharedmem/sections.h"
#include "tests/support/preload_fixture.h"

enum { PAGE = 4096, MAX_SIZE = 1 << 20 };

static PVOID section;

static void start(void)
{
	cr_assert(process_init());
	section = sections_create(MAX_SIZE, PAGE);
	cr_assert_not_null(section);
}

TestSuite(sections, .init = start);

static bool is_filled(const void *memory, int byte, size_t bytes)
{
	const unsigned char *at = memory;

	while (bytes && *at == byte)
		at++, bytes--;
	return bytes == 0;
}

/* All blocks of the section are freed: one block can take all of it. */
static void expect_whole(PVOID which, ULONG max_size)
{
	PVOID all = sections_allocate(which, max_size);

	cr_assert_not_null(all);
	sections_free(which, all);
}

/* On some machines it is page faults and flushes of the TLB that cost most. */
Test(sections, the_next_one_uses_the_bookkeeping_of_the_last_one)
{
	enum { ROUNDS = 1000 };
	struct rusage before, after;

	for (int i = -10; i < ROUNDS; i++) {
		if (i == 0)
			getrusage(RUSAGE_SELF, &before);
		sections_delete(sections_create(3000 + (ULONG)(i & 7) * 100, 0));
	}
	getrusage(RUSAGE_SELF, &after);
	cr_expect_leq(after.ru_minflt - before.ru_minflt, ROUNDS * 3 / 2, "%ld faults",
		      after.ru_minflt - before.ru_minflt);
}

/* Whatever the sections before it had in them. */
Test(sections, a_new_section_is_whole)
{
	for (ULONG i = 0; i < 200; i++) {
		ULONG bytes = 16 + i * 5003 % 100000;
		PVOID next = sections_create(bytes, 0);

		cr_assert_not_null(next);
		expect_whole(next, bytes);
		for (ULONG size = 1; sections_allocate(next, size); size = size * 3 % 1000)
			;
		cr_assert(sections_delete(next));
	}
}

static struct stat file_of(PVOID which)
{
	int fd = sections_descriptor((uintptr_t)which);
	struct stat st;

	cr_assert_eq(fstat(fd, &st), 0);
	return st;
}

/* Creating. */

Test(sections, a_section_of_no_size_or_with_more_at_first_than_at_last_is_refused)
{
	cr_expect_null(sections_create(0, 0));
	cr_expect_null(sections_create(PAGE, PAGE + 1));
	cr_expect_not_null(sections_create(PAGE, PAGE));
	cr_expect_not_null(sections_create(1, 0));
}

Test(sections, the_largest_section_can_be_had)
{
	PVOID largest = sections_create(UINT32_MAX, 0);

	cr_assert_not_null(largest);
	cr_expect_not_null(sections_allocate(largest, 100));
	cr_expect(sections_delete(largest));
}

Test(sections, what_is_committed_is_the_initial_size_and_no_more)
{
	PVOID large = sections_create(64u << 20, 1u << 20);

	cr_expect_geq(file_of(large).st_blocks * 512, 1 << 20);
	cr_expect_leq(file_of(large).st_blocks * 512, (1 << 20) + PAGE);
	cr_expect_not_null(sections_allocate(large, 4u << 20));
	cr_expect_geq(file_of(large).st_blocks * 512, 4 << 20);
	cr_expect_lt(file_of(large).st_blocks * 512, 8 << 20);
}

Test(sections, nobody_can_change_a_sections_size)
{
	int fd = sections_descriptor((uintptr_t)section);
	struct stat st = file_of(section);

	cr_expect_lt(ftruncate(fd, 0), 0);
	cr_expect_lt(ftruncate(fd, st.st_size - 1), 0);
	cr_expect_lt(ftruncate(fd, st.st_size + 1), 0);
	cr_expect_lt(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
}

Test(sections, descriptors_are_high_and_are_closed_by_exec)
{
	int fd = sections_descriptor((uintptr_t)section), lowest = dup(0);

	cr_expect_geq(fd, 256);
	cr_expect_lt(lowest, 64);
	cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

/* As where the host needs all descriptors itself. */
Test(sections, sections_go_on_without_a_descriptor)
{
	struct rlimit limit = { 64, 64 };
	PVOID last = NULL;

	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < 100; i++) {
		last = sections_create(PAGE, PAGE);
		cr_assert_not_null(last, "%d", i);
	}
	cr_expect_eq(sections_descriptor((uintptr_t)last), -1);
	expect_whole(last, PAGE);
	cr_expect(sections_delete(last));
}

Test(sections, a_limit_of_file_sizes_refuses_a_section_and_sends_no_signal)
{
	struct rlimit limit = { MAX_SIZE, MAX_SIZE };

	setrlimit(RLIMIT_FSIZE, &limit);
	cr_expect_null(sections_create(MAX_SIZE, PAGE));
	cr_expect_not_null(sections_create(MAX_SIZE / 2, PAGE));
}

Test(sections, a_limit_of_address_space_refuses_a_section)
{
	preload_limit_address_space(1u << 30);
	cr_expect_null(sections_create(UINT32_MAX, PAGE));
	cr_expect_not_null(sections_create(PAGE, PAGE));
}

/* Blocks. */

Test(sections, a_block_is_aligned_zero_and_not_the_handle)
{
	for (ULONG size = 0; size < 300; size++) {
		char *block = sections_allocate(section, size);

		cr_assert_not_null(block);
		cr_assert_neq(block, section);
		cr_assert_eq((uintptr_t)block % 16, 0);
		cr_assert(is_filled(block, 0, size));
		memset(block, 0xff, size);
	}
}

Test(sections, a_block_that_was_used_before_is_zero_again)
{
	for (ULONG size = 1; size < 100000; size *= 3)
		for (int i = 0; i < 3; i++) {
			char *block = sections_allocate(section, size);

			cr_assert(is_filled(block, 0, size), "%u", size);
			memset(block, 0xff, size);
			sections_free(section, block);
		}
}

Test(sections, a_section_holds_its_maximal_size_and_no_more)
{
	ULONG blocks = 0;

	expect_whole(section, MAX_SIZE);
	cr_expect_null(sections_allocate(section, MAX_SIZE + 1));
	cr_expect_null(sections_allocate(section, UINT32_MAX));
	while (sections_allocate(section, 1000))
		blocks++;
	cr_expect_eq(blocks, MAX_SIZE / 1008);
}

/* Up to the last byte: a page without memory would raise SIGBUS. */
Test(sections, a_section_grows_to_its_end)
{
	PVOID odd = sections_create(3 * PAGE + 1, 0);
	char *block = sections_allocate(odd, 3 * PAGE + 1);

	cr_assert_not_null(block);
	memset(block, 1, 3 * PAGE + 1);
	for (int i = 0; i < 100; i++) {
		block = sections_allocate(section, 10000);
		cr_assert_not_null(block);
		memset(block, 1, 10000);
	}
}

/* Daemons close all descriptors: their sections must go on to work. */
Test(sections, a_section_grows_without_its_descriptor)
{
	int fd = sections_descriptor((uintptr_t)section), other;

	close(fd);
	other = fcntl(1, F_DUPFD, fd);
	cr_assert_eq(other, fd);
	expect_whole(section, MAX_SIZE);
	cr_expect(sections_delete(section));
	cr_expect_eq(fcntl(other, F_GETFD), 0, "a descriptor of the host's was closed");
}

/* Misuse. */

Test(sections, what_is_no_block_of_the_section_is_not_freed)
{
	PVOID other = sections_create(PAGE, PAGE);
	char *block = sections_allocate(section, 100), *foreign = sections_allocate(other, 100);
	char *own = malloc(100);
	PVOID wrong[] = { NULL,     section,     (char *)section + 8,  block + 16, block + 1,
			  foreign,  other,       (char *)section - 16, own,        &own,
			  (PVOID)1, (PVOID)~0ull };

	memset(block, 7, 100);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		sections_free(section, wrong[i]);
	sections_free(other, block);
	cr_expect(is_filled(block, 7, 100));
	cr_expect_neq(sections_allocate(section, 100), block);
	cr_expect_neq(sections_allocate(other, 100), foreign);
	free(own);
}

Test(sections, a_handle_of_any_value_is_no_section)
{
	char *block = sections_allocate(section, 100), *own = malloc(100);
	char *unmapped = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	PVOID wrong[] = { NULL,
			  (PVOID)1,
			  (PVOID)~0ull,
			  own,
			  unmapped,
			  block,
			  (char *)section + 1,
			  (char *)section + PAGE,
			  (PVOID)0x8000000000000000ull };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		cr_expect_null(sections_allocate(wrong[i], 16));
		cr_expect(!sections_delete(wrong[i]));
		sections_free(wrong[i], block);
		cr_expect_eq(sections_descriptor((uintptr_t)wrong[i]), -1);
	}
	cr_expect_neq(sections_allocate(section, 100), block);
	free(own);
}

Test(sections, a_deleted_section_is_gone_with_all_that_it_had)
{
	int fd = sections_descriptor((uintptr_t)section);
	char *block = sections_allocate(section, 100);

	cr_expect_eq(sections_delete(section), TRUE);
	cr_expect_eq(sections_delete(section), FALSE);
	cr_expect_null(sections_allocate(section, 16));
	sections_free(section, block);
	cr_expect_lt(fcntl(fd, F_GETFD), 0);
	cr_expect_lt(msync(section, PAGE, MS_ASYNC), 0);
}

static size_t mapped_pages(void)
{
	size_t pages = 0;
	FILE *statm = fopen("/proc/self/statm", "r");

	cr_assert_eq(fscanf(statm, "%zu", &pages), 1);
	fclose(statm);
	return pages;
}

Test(sections, sections_that_come_and_go_leave_nothing)
{
	size_t pages;

	for (int i = 0; i < 20000; i++) {
		PVOID one = sections_create(10 * PAGE, 0), other = sections_create(PAGE, 0);

		cr_assert(one && other);
		cr_assert_not_null(sections_allocate(one, 100));
		cr_assert(sections_delete(one) && sections_delete(other));
		if (i == 1000)
			pages = mapped_pages();
	}
	cr_expect_leq(mapped_pages(), pages);
}

Test(sections, a_thousand_sections_are_told_apart)
{
	enum { MANY = 1000 };
	static PVOID many[MANY], block[MANY];
	struct rlimit limit = { 4096, 4096 };

	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < MANY; i++) {
		many[i] = sections_create(PAGE, 0);
		cr_assert_not_null(many[i]);
	}
	for (int i = 0; i < MANY; i++) {
		block[i] = sections_allocate(many[i], PAGE);
		cr_assert_eq((char *)block[i] - (char *)many[i], 16);
	}
	for (int i = 0; i < MANY; i++) {
		sections_free(many[i], block[(i + 1) % MANY]);
		cr_assert_null(sections_allocate(many[i], 1));
		sections_free(many[i], block[i]);
		cr_assert_not_null(sections_allocate(many[i], 1));
		cr_assert(sections_delete(many[i]));
	}
}

Test(sections, errno_is_left_alone)
{
	errno = 4242;
	sections_free(section, sections_allocate(section, MAX_SIZE));
	sections_create(PAGE, PAGE + 1);
	sections_allocate(NULL, 1);
	sections_delete(NULL);
	sections_delete(section);
	cr_expect_eq(errno, 4242);
}

/* Clients. */

static char *map_as_a_client(PVOID which)
{
	char path[64];
	struct stat st = file_of(which);
	void *at;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(),
		 sections_descriptor((uintptr_t)which));
	fd = open(path, O_RDWR | O_CLOEXEC);
	cr_assert_geq(fd, 0);
	at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert_neq(at, MAP_FAILED);
	close(fd);
	return at;
}

Test(sections, a_client_sees_what_the_package_writes)
{
	char *block = sections_allocate(section, 100), *client = map_as_a_client(section);

	strcpy(block, "hello");
	cr_expect_str_eq(client + (block - (char *)section), "hello");
}

Test(sections, a_client_that_writes_everywhere_damages_contents_only)
{
	enum { BLOCKS = 100 };
	char *client = map_as_a_client(section), *block[BLOCKS];
	size_t bytes = (size_t)file_of(section).st_size;

	for (int i = 0; i < BLOCKS; i++)
		block[i] = sections_allocate(section, 500);
	for (int i = 0; i < BLOCKS; i += 2)
		sections_free(section, block[i]);
	memset(client, 0xff, bytes);
	for (int i = 0; i < BLOCKS; i += 2) {
		block[i] = sections_allocate(section, 500);
		cr_assert_not_null(block[i]);
		cr_assert(is_filled(block[i], 0, 500));
	}
	memset(client, 0xff, bytes);
	for (int i = 0; i < BLOCKS; i++)
		sections_free(section, block[i]);
	expect_whole(section, MAX_SIZE);
}

/* Threads and processes. */

enum { THREADS = 4, OWN = 50, ROUNDS = 20000 };

/* Fills its blocks with its own number, and checks that no other thread does. */
static void *allocate_and_free(void *number)
{
	unsigned char *block[OWN] = { 0 };
	int mine = (int)(intptr_t)number;
	unsigned seed = (unsigned)mine;

	for (int i = 0; i < ROUNDS; i++) {
		int at = rand_r(&seed) % OWN;

		if (block[at]) {
			cr_assert(is_filled(block[at], mine, 100));
			sections_free(section, block[at]);
		}
		block[at] = sections_allocate(section, 100);
		cr_assert(is_filled(block[at], 0, 100));
		memset(block[at], mine, 100);
	}
	for (int i = 0; i < OWN; i++)
		sections_free(section, block[i]);
	return NULL;
}

static void start_threads(pthread_t *threads, void *(*work)(void *number))
{
	for (intptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, (void *)(i + 1));
}

static void join_threads(const pthread_t *threads)
{
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

Test(sections, threads_may_use_one_section_at_once)
{
	pthread_t threads[THREADS];

	start_threads(threads, allocate_and_free);
	join_threads(threads);
	expect_whole(section, MAX_SIZE);
}

static void *create_and_delete(void *unused)
{
	for (int i = 0; i < 2000; i++) {
		PVOID own = sections_create(PAGE, PAGE);

		cr_assert_not_null(sections_allocate(own, 64));
		cr_assert(sections_delete(own));
		sections_allocate(own, 64);
	}
	return unused;
}

Test(sections, threads_may_create_and_delete_at_once)
{
	pthread_t threads[THREADS];

	start_threads(threads, create_and_delete);
	join_threads(threads);
}

static bool is_forking;

static void *churn(void *unused)
{
	while (__atomic_load_n(&is_forking, __ATOMIC_RELAXED))
		sections_free(section, sections_allocate(section, 2000));
	return unused;
}

static int use_in_child(void)
{
	alarm(50);
	for (int i = 0; i < 100; i++)
		if (!sections_allocate(section, 16))
			return 1;
	return sections_delete(section) ? 0 : 2;
}

/* A fork() in the middle of another thread's allocation leaves a consistent state in the child. */
Test(sections, a_forked_child_goes_on_with_a_section, .timeout = 60)
{
	pthread_t threads[THREADS];
	int status;

	pthread_atfork(sharedmem_before_fork, sharedmem_after_fork, sharedmem_after_fork_in_child);
	is_forking = true;
	start_threads(threads, churn);
	for (int i = 0; i < 100; i++) {
		pid_t child = fork();

		if (child == 0)
			_exit(use_in_child());
		waitpid(child, &status, 0);
		cr_expect_eq(status, 0, "%d: %x", i, status);
	}
	__atomic_store_n(&is_forking, false, __ATOMIC_RELAXED);
	join_threads(threads);
	expect_whole(section, MAX_SIZE);
}

/* A signal handler that interrupts the allocator gets NULL, and does not wait for its own
 * thread. */
static volatile sig_atomic_t signals, refused;

static void on_signal(int number)
{
	PVOID block = sections_allocate(section, 32);

	(void)number;
	signals++;
	refused += !block;
	sections_free(section, block);
}

Test(sections, a_signal_handler_never_waits_for_its_own_thread, .timeout = 60)
{
	struct sigaction action = { .sa_handler = on_signal };
	struct itimerval often = { { 0, 200 }, { 0, 200 } }, never = { 0 };

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; signals < 2000 || (refused == 0 && i < 50000000); i++)
		sections_free(section, sections_allocate(section, 4000));
	setitimer(ITIMER_REAL, &never, NULL);
	cr_expect_gt(refused, 0);
	expect_whole(section, MAX_SIZE);
}
