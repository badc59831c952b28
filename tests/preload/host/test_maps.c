/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "preload/host/maps.h"

static size_t page;

static void start(void)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
}

TestSuite(maps, .init = start);

/* Pages, of which the first `open` may be used as `protection` says, and the rest not at all. */
static char *map_pages(size_t all, size_t open, int protection)
{
	char *at = mmap(NULL, all * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(at, MAP_FAILED);
	cr_assert_eq(mprotect(at, open * page, protection), 0);
	return at;
}

static uint64_t number_of(const void *address)
{
	return (uint64_t)(uintptr_t)address;
}

Test(maps, what_is_mapped_is_readable_in_whole)
{
	char *at = map_pages(4, 3, PROT_READ);

	cr_assert_eq(maps_readable(at, 3 * page), 3 * page);
	cr_assert_eq(maps_readable(at + 1, 10), 10);
	cr_assert_eq(maps_readable(at, 0), 0);
}

Test(maps, it_is_readable_up_to_what_is_not)
{
	char *at = map_pages(3, 2, PROT_READ | PROT_WRITE);

	cr_assert_eq(maps_readable(at + 2 * page - 8, 100), 8);
	cr_assert_eq(maps_readable(at + 2 * page, 100), 0);
	munmap(at + page, page);
	cr_assert_eq(maps_readable(at + page - 8, 100), 8);
}

Test(maps, neighbours_of_different_kinds_are_readable_together)
{
	char *at = map_pages(3, 3, PROT_READ);

	mprotect(at + page, page, PROT_READ | PROT_WRITE);
	cr_assert_eq(maps_readable(at + 8, 3 * page - 8), 3 * page - 8);
}

Test(maps, nothing_is_readable_where_nothing_is)
{
	cr_assert_eq(maps_readable(NULL, 100), 0);
	cr_assert_eq(maps_readable((void *)UINTPTR_MAX, 100), 0);
	cr_assert_eq(maps_readable((void *)(uintptr_t)0x8000000000000000, 100), 0);
}

/* More than a word at a time, and what is left over. */
Test(maps, what_is_copied_ends_where_reading_does)
{
	char *at = map_pages(2, 1, PROT_READ | PROT_WRITE), copy[101];

	for (size_t i = 0; i < page; i++)
		at[i] = (char)(i + 1);
	for (size_t bytes = 0; bytes < 30; bytes++) {
		memset(copy, 0, sizeof(copy));
		cr_assert_eq(maps_copy(copy + 1, at + page - bytes, 100), bytes);
		cr_assert_eq(memcmp(copy + 1, at + page - bytes, bytes), 0, "%zu", bytes);
		cr_assert_eq(copy[0] | copy[bytes + 1], 0, "%zu", bytes);
	}
	cr_assert_eq(maps_copy(copy, at, 10), 10);
	cr_assert_eq(maps_copy(copy, NULL, 10), 0);
	cr_assert_eq(maps_copy(copy, NULL, 0), 0);
}

/* No sanitizer is to see it: of the host's, only what is mapped is known. */
Test(maps, more_than_an_object_may_be_copied)
{
	static const char object[] = "abc";
	char copy[64] = { 0 };

	cr_assert_eq(maps_copy(copy, object, sizeof(copy)), sizeof(copy));
	cr_assert_eq(memcmp(copy, object, sizeof(object)), 0);
}

Test(maps, what_is_mapped_counts_as_address_space_in_use)
{
	uint64_t before = maps_bytes();

	map_pages(1000, 0, PROT_NONE);
	cr_assert_geq(maps_bytes(), before + 1000 * page);
	cr_assert_gt(before, 0);
}

Test(maps, code_lies_in_what_may_be_executed)
{
	static int data;
	char *code = map_pages(2, 1, PROT_READ | PROT_EXEC);
	const uint64_t address[] = { number_of(&start),
				     number_of(&free),
				     number_of(code),
				     number_of(code + page - 1),
				     number_of(code + page),
				     number_of(&data),
				     0,
				     UINT64_MAX };
	static const bool expected[] = { true, true, true, true, false, false, false, false };
	bool is_code[8];

	maps_find_code(address, is_code, 8);
	for (int i = 0; i < 8; i++)
		cr_expect_eq(is_code[i], expected[i], "%d", i);
}

Test(maps, a_path_is_that_of_the_file_that_is_mapped)
{
	char exe[4096] = { 0 }, path[4096];
	ssize_t bytes = readlink("/proc/self/exe", exe, sizeof(exe));

	cr_assert_eq(maps_path(number_of(&start), path, sizeof(path)), (size_t)bytes);
	cr_assert_eq(memcmp(path, exe, (size_t)bytes), 0);
	cr_assert_eq(maps_path(number_of(&start), path, (size_t)bytes), (size_t)bytes);
	cr_assert_eq(maps_path(number_of(&start), path, (size_t)bytes - 1), 0, "it does not fit");
}

static void *look_alone(void *first)
{
	pthread_join(*(pthread_t *)first, NULL);
	_exit(maps_protection(&page) != (PROT_READ | PROT_WRITE) || maps_bytes() < page);
}

/* Nothing is mapped for that thread any more, and the process is named after it. */
Test(maps, the_first_thread_may_have_ended)
{
	static pthread_t first;
	pthread_t other;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		first = pthread_self();
		pthread_create(&other, NULL, look_alone, &first);
		pthread_exit(NULL);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(maps, a_path_may_hold_spaces)
{
	char folder[] = "/tmp/lsatrace-test-XXXXXX", name[64], path[4096];
	char *at;
	int fd;

	cr_assert_not_null(mkdtemp(folder));
	snprintf(name, sizeof(name), "%s/a  b c", folder);
	fd = open(name, O_RDWR | O_CREAT, 0600);
	cr_assert(fd >= 0 && ftruncate(fd, (off_t)page) == 0);
	at = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	cr_expect_eq(maps_path(number_of(at), path, sizeof(path)), strlen(name));
	cr_expect_eq(memcmp(path, name, strlen(name)), 0);
	close(fd);
	unlink(name);
	rmdir(folder);
}

Test(maps, what_is_no_file_has_no_path)
{
	char *at = map_pages(1, 1, PROT_READ), path[64];

	cr_assert_eq(maps_path(number_of(at), path, sizeof(path)), 0);
	cr_assert_eq(maps_path(0, path, sizeof(path)), 0);
}

/* A process that has all the descriptors it may have cannot read /proc. */
Test(maps, without_proc_the_kernel_is_asked_page_by_page_and_the_loader_for_code)
{
	char *at = map_pages(3, 2, PROT_READ);
	const uint64_t address[] = { 0, number_of(at), number_of(&getrlimit) };
	struct rlimit limit, none;
	bool is_code[3];
	char path[64];
	size_t bytes;

	getrlimit(RLIMIT_NOFILE, &limit);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	bytes = maps_readable(at + 8, 2 * page);
	maps_find_code(address, is_code, 3);
	cr_expect_eq(maps_path(number_of(&start), path, sizeof(path)), 0);
	setrlimit(RLIMIT_NOFILE, &limit);
	cr_assert_eq(bytes, 2 * page - 8, "%zu", bytes);
	cr_assert_not(is_code[0]);
	cr_assert_not(is_code[1]);
	cr_assert(is_code[2]);
}

/* Its lines are longer than what is read at once, in all. */
Test(maps, a_process_with_thousands_of_mappings_is_seen_in_whole)
{
	enum { MANY = 2000 };
	char *at = map_pages(2 * MANY, 2 * MANY, PROT_READ);

	for (size_t i = 0; i < MANY; i++)
		mprotect(at + 2 * i * page, page, PROT_READ | PROT_WRITE);
	cr_assert_eq(maps_readable(at, 2 * MANY * page), 2 * MANY * page);
}

Test(maps, memory_is_compared_by_the_kernel)
{
	static const char text[32] __attribute__((aligned(4))) = "what lies here and nowhere else";
	char other[sizeof(text)];

	memcpy(other, text, sizeof(text));
	errno = 42;
	cr_expect(maps_are_equal(text, other, sizeof(other)));
	cr_expect(maps_are_equal(text, other, 0));
	for (size_t i = 0; i < sizeof(other); i++) {
		other[i] ^= 1;
		cr_expect_not(maps_are_equal(text, other, sizeof(other)), "%zu", i);
		other[i] ^= 1;
	}
	cr_expect_eq(errno, 42);
}

Test(maps, what_cannot_be_read_is_equal_to_nothing)
{
	char *at = mmap(NULL, 2 * page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char zeroes[16] = { 0 };

	cr_assert_neq(at, MAP_FAILED);
	cr_expect(maps_are_equal(at + page, zeroes, sizeof(zeroes)));
	cr_assert_eq(mprotect(at + page, page, PROT_NONE), 0);
	cr_expect_not(maps_are_equal(at + page, zeroes, sizeof(zeroes)));
	cr_expect_not(maps_are_equal(at + page - 8, zeroes, sizeof(zeroes)));
	cr_assert_eq(munmap(at + page, page), 0);
	cr_expect_not(maps_are_equal(at + page, zeroes, sizeof(zeroes)));
	cr_expect_not(maps_are_equal(NULL, zeroes, sizeof(zeroes)));
}
