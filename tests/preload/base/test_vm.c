/* SPDX-License-Identifier: MIT */
/* Memory that the tracer gets from the kernel, and tables that grow in place. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "preload/base/process.h"
#include "preload/base/vm.h"

enum { MIB = 1 << 20, MOST = 64 * MIB, THREADS = 4 };

static struct vm_table table;

static void start(void)
{
	cr_assert(process_init());
}

TestSuite(vm, .init = start, .timeout = 60);

/* The number behind a word of the description of a mapping; for VmFlags, whether `flag` is in it. */
static long ask_smaps(const void *at, const char *word, const char *flag)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long start, end;
	bool is_here = false;
	long answer = -1;
	char line[512];

	cr_assert(file);
	while (answer < 0 && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			is_here = (uintptr_t)at >= start && (uintptr_t)at < end;
		else if (is_here && strncmp(line, word, strlen(word)) == 0)
			answer = flag ? strstr(line, flag) != NULL
				      : strtol(line + strlen(word), NULL, 10);
	}
	fclose(file);
	return answer;
}

static void expect_zeroes(size_t from, size_t to)
{
	cr_assert(vm_table_reach(&table, to));
	for (size_t at = from; at < to; at++)
		cr_assert_eq(table.base[at], 0);
}

Test(vm, a_table_grows_where_it_lies_and_keeps_what_is_in_it)
{
	char *base;

	cr_assert(vm_table_init(&table, VM_TRACER, MOST, -1));
	base = table.base;
	strcpy(base, "kept");
	for (size_t bytes = 16; bytes < MOST; bytes *= 2)
		expect_zeroes(bytes, bytes * 2);
	cr_expect_str_eq(base, "kept");
	cr_expect_eq(table.base, base);
	vm_table_release(&table);
}

Test(vm, a_table_has_a_bound)
{
	cr_assert(vm_table_init(&table, VM_TRACER, 3 * 4096 + 1, -1));
	cr_expect(vm_table_reach(&table, 4 * 4096));
	cr_expect_not(vm_table_reach(&table, 4 * 4096 + 1));
	memset(table.base, 1, 4 * 4096);
}

Test(vm, what_is_not_used_is_not_mapped)
{
	cr_assert(vm_table_init(&table, VM_TRACER, MOST, -1));
	cr_assert(vm_table_reach(&table, MIB));
	cr_expect_lt(ask_smaps(table.base, "Size:", NULL), 2 * MIB / 1024);
	cr_expect_not(table.is_reserved);
}

Test(vm, a_table_that_meets_something_else_is_full)
{
	cr_assert(vm_table_init(&table, VM_TRACER, MOST, -1));
	cr_assert(vm_table_reach(&table, MIB));
	cr_assert_neq(mmap(table.base + 4 * MIB, 4096, PROT_READ,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		      MAP_FAILED);
	cr_expect(vm_table_reach(&table, 4 * MIB));
	cr_expect_not(vm_table_reach(&table, 4 * MIB + 1));
	cr_expect_eq(table.base[4 * MIB], 0, "still theirs, and readable");
}

/* The address sanitizer does not lock memory when it is asked to, and has a table of its own among
 * the addresses from 0x10'0000'0000'00 on. */
static void need_no_sanitizer(void)
{
#ifdef __SANITIZE_ADDRESS__
	cr_skip_test("the address sanitizer locks no memory and lies in our range");
#endif
}

/* Where the addresses from 0x10'0000'0000'00 on are taken, as in a process with MemorySanitizer. */
Test(vm, without_its_own_range_of_addresses_a_table_is_reserved)
{
	need_no_sanitizer();
	cr_assert_neq(mmap((void *)0x100000000000, 0x100000000000 + (1ull << 40), PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0),
		      MAP_FAILED);
	cr_assert(vm_table_init(&table, VM_TRACER, MOST, -1));
	cr_expect(table.is_reserved);
	expect_zeroes(0, 5 * MIB);
	cr_expect_not(ask_smaps(table.base + 40 * MIB, "VmFlags:", " rd "), "not accessible");
	expect_zeroes(0, MOST);
	vm_table_release(&table);
}

Test(vm, a_file_is_mapped_as_far_as_it_is_needed)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	cr_assert_eq(ftruncate(fd, 4 * MIB), 0);
	cr_assert(vm_table_init(&table, VM_FILE, MOST, fd));
	cr_expect_geq(table.bytes, 2 * MIB, "what the kernel may map in one piece");
	expect_zeroes(0, 4 * MIB);
	strcpy(table.base + 3 * MIB, "in the file");
	cr_assert_eq(pread(fd, &(char[12]){ 0 }, 12, 3 * MIB), 12);
	vm_table_release(&table);
	cr_expect_null(table.base);
}

/* A memfd is on a mount that gives no large pages by itself. */
Test(vm, a_file_in_memory_has_large_pages_where_they_are_asked_for)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	struct stat status;

	cr_assert_eq(pwrite(fd, "kept", 5, 2 * MIB), 5);
	cr_assert(vm_table_init(&table, VM_FILE, MOST, fd));
	cr_assert_eq((uintptr_t)table.base % VM_LARGE_BYTES, 0);
	if (!vm_table_make_large(&table, 2 * MIB))
		cr_skip_test("the kernel gives no large page: %s", strerror(errno));
	cr_assert_eq(fstat(fd, &status), 0);
	cr_expect_eq(status.st_size, 2 * MIB + 5);
	cr_expect_eq(status.st_blocks, 2 * MIB / 512);
	cr_assert_eq(ftruncate(fd, 4 * MIB), 0);
	cr_expect_str_eq(table.base + 2 * MIB, "kept");
	expect_zeroes(2 * MIB + 5, 4 * MIB);
	cr_expect_eq(ask_smaps(table.base, "ShmemPmdMapped:", NULL), 2 * MIB / 1024);
}

Test(vm, the_tracers_memory_is_not_dumped_and_the_hosts_is)
{
	struct vm_table hosts;
	void *reserved = vm_reserve(MIB);

	cr_assert(vm_table_init(&table, VM_TRACER, MOST, -1) && vm_table_reach(&table, MIB));
	cr_assert(vm_table_init(&hosts, VM_HOST, MOST, -1) && vm_table_reach(&hosts, MIB));
	cr_expect(ask_smaps(table.base + MIB - 1, "VmFlags:", " dd "));
	cr_expect(ask_smaps(reserved, "VmFlags:", " dd "));
	cr_expect_not(ask_smaps(hosts.base + MIB - 1, "VmFlags:", " dd "));
}

static void *grow_to_the_end(void *unused)
{
	for (size_t bytes = 1; bytes <= MOST; bytes += 64 << 10)
		if (!vm_table_reach(&table, bytes))
			return &table;
	return unused;
}

Test(vm, many_threads_may_need_more_at_once)
{
	pthread_t thread[THREADS];
	void *mistake;

	cr_assert(vm_table_init(&table, VM_TRACER, MOST, -1));
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, grow_to_the_end, NULL);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &mistake);
		cr_expect_null(mistake);
	}
	memset(table.base, 1, MOST - (64 << 10));
}

enum { PARTS = 24, PART_BYTES = 65 * 4096 }; /* more than there are large pages for */

static void *reserve_parts(void *parts)
{
	char **part = parts;

	for (size_t i = 0; i < PARTS; i++) {
		part[i] = vm_reserve_filled(PART_BYTES);
		cr_assert(part[i]);
		for (size_t at = 0; at < PART_BYTES; at++)
			cr_assert_eq(part[i][at], 0);
		memset(part[i], 1, PART_BYTES);
	}
	return NULL;
}

Test(vm, what_is_filled_is_zeroed_and_nobody_else_has_it)
{
	char *parts[THREADS][PARTS];
	pthread_t thread[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, reserve_parts, parts[i]);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
}

Test(vm, what_is_filled_is_there_before_it_is_touched)
{
	unsigned char is_there[PART_BYTES / 4096];
	char *part = vm_reserve_filled(PART_BYTES);

	cr_assert(part);
	cr_assert_eq(mincore(part, PART_BYTES, is_there), 0);
	for (size_t i = 0; i < PART_BYTES / 4096; i++)
		cr_expect(is_there[i] & 1);
	cr_expect(ask_smaps(part, "VmFlags", " dd"));
}

Test(vm, a_host_that_locks_what_it_maps_pays_for_nothing)
{
	char *reserved;

	if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
		cr_skip_test("mlockall(): %s", strerror(errno));
	reserved = vm_reserve(512ul * MIB);
	cr_assert(reserved);
	cr_assert(vm_table_init(&table, VM_TRACER, 512ul * MIB, -1));
	cr_assert(vm_table_reach(&table, 3 * MIB));
	table.base[0] = reserved[0] = 1;
	cr_expect_eq(ask_smaps(reserved, "Locked:", NULL), 0);
	cr_expect_eq(ask_smaps(table.base, "Locked:", NULL), 0);
	cr_expect_lt(ask_smaps(reserved, "Rss:", NULL), 1024);
}

/* As nobody, because root's limit does not count. */
Test(vm, tables_may_be_larger_than_what_the_host_may_lock)
{
	struct rlimit limit = { MIB, MIB };

	need_no_sanitizer();
	if (seteuid(65534) != 0 || setrlimit(RLIMIT_MEMLOCK, &limit) != 0 ||
	    mlockall(MCL_FUTURE) != 0)
		cr_skip_test("mlockall(): %s", strerror(errno));
	cr_assert_eq(mmap(NULL, 2 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), MAP_FAILED);
	cr_expect_not_null(vm_reserve(512ul * MIB));
	cr_assert(vm_table_init(&table, VM_TRACER, 512ul * MIB, -1));
	cr_expect(vm_table_reach(&table, 64 * MIB));
}

Test(vm, what_the_host_locks_later_is_unlocked_when_it_grows)
{
	need_no_sanitizer();
	cr_assert(vm_table_init(&table, VM_TRACER, MOST, -1) && vm_table_reach(&table, MIB));
	if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
		cr_skip_test("mlockall(): %s", strerror(errno));
	cr_expect_neq(ask_smaps(table.base, "Locked:", NULL), 0);
	cr_assert(vm_table_reach(&table, 8 * MIB));
	cr_expect_eq(ask_smaps(table.base, "Locked:", NULL), 0);
	cr_expect_lt(ask_smaps(table.base, "Rss:", NULL), 2048);
}

Test(vm, growing_leaves_errno_alone)
{
	cr_assert(vm_table_init(&table, VM_TRACER, MIB, -1));
	errno = EDOM;
	cr_expect(vm_table_reach(&table, MIB));
	cr_expect_not(vm_table_reach(&table, 2 * MIB));
	cr_expect_eq(errno, EDOM);
}
