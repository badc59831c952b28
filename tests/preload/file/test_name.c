/* SPDX-License-Identifier: MIT */
/* The name of a trace file, and how the file gets it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "preload/base/config.h"
#include "preload/file/name.h"
#include "preload/file/trace_file.h"
#include "tests/support/preload_fixture.h"
#include "tests/support/run.h"

static struct name name;

/* The name that a pattern expands to in the folder /some at 12345 s. */
static const char *expand(const char *pattern)
{
	name_expand(&name, pattern, strlen(pattern), "/some", 12345);
	return name.text;
}

static void assert_expands(const char *pattern, const char *expected)
{
	cr_assert_str_eq(expand(pattern), expected);
	cr_assert_eq(name.bytes, strlen(expected));
	cr_assert_not(name.cut_off);
}

Test(name, a_relative_name_is_meant_in_the_folder)
{
	assert_expands("a.trace", "/some/a.trace");
	assert_expands("b/a.trace", "/some/b/a.trace");
}

Test(name, an_absolute_name_is_meant_as_it_is)
{
	assert_expands("/b/a.trace", "/b/a.trace");
}

Test(name, without_a_folder_a_relative_name_stays_relative)
{
	name_expand(&name, "a", 1, "", 0);
	cr_assert_str_eq(name.text, "a");
}

Test(name, directives_are_expanded)
{
	char expected[8192], exe[4096] = { 0 };
	struct utsname host;

	cr_assert_eq(uname(&host), 0);
	cr_assert_gt(readlink("/proc/self/exe", exe, sizeof(exe) - 1), 0);
	assert_expands("/%t", "/12345");
	snprintf(expected, sizeof(expected), "/%d", getpid());
	assert_expands("/%p", expected);
	snprintf(expected, sizeof(expected), "/%s", host.nodename);
	assert_expands("/%h", expected);
	snprintf(expected, sizeof(expected), "/%s", strrchr(exe, '/') + 1);
	assert_expands("/%e", expected);
}

Test(name, two_percent_signs_are_one)
{
	assert_expands("/%%", "/%");
	assert_expands("/%%t", "/%t");
	assert_expands("/%%%t", "/%12345");
}

Test(name, other_percent_signs_stay)
{
	assert_expands("/%x%", "/%x%");
	assert_expands("/100%", "/100%");
}

Test(name, the_default_holds_executable_and_process)
{
	char expected[32];

	snprintf(expected, sizeof(expected), ".%d.trace", getpid());
	expand(OUTPUT_DEFAULT);
	cr_assert_eq(strncmp(name.text, "/some/lsatrace.", 15), 0);
	cr_assert_not_null(strstr(name.text, expected));
}

Test(name, a_name_is_as_long_as_the_pattern_says_and_no_longer)
{
	name_expand(&name, "abc:def", 3, "/some", 0);
	cr_assert_str_eq(name.text, "/some/abc");
}

Test(name, a_name_that_is_too_long_is_cut_off_and_says_so)
{
	static char pattern[NAME_BYTES_MOST + 2];

	memset(pattern, 'x', NAME_BYTES_MOST + 1);
	pattern[0] = '/';
	name_expand(&name, pattern, NAME_BYTES_MOST, "", 0);
	cr_assert_not(name.cut_off);
	cr_assert_eq(strlen(name.text), NAME_BYTES_MOST);
	name_expand(&name, pattern, NAME_BYTES_MOST + 1, "", 0);
	cr_assert(name.cut_off);
	cr_assert_eq(strlen(name.text), NAME_BYTES_MOST);
	expand("/short");
	cr_assert_not(name.cut_off);
}

Test(name, an_empty_pattern_is_an_empty_name)
{
	memset(&name, 'x', sizeof(name));
	name_expand(&name, "", 0, "", 0);
	cr_assert_eq(name.bytes, 0);
	cr_assert_eq(name.text[0], '\0');
}

Test(name, a_name_that_is_taken_is_numbered)
{
	size_t base;

	expand("/a");
	base = name.bytes;
	name_number(&name, base, 1);
	cr_assert_str_eq(name.text, "/a.1");
	name_number(&name, base, 23);
	cr_assert_str_eq(name.text, "/a.23");
	cr_assert_eq(name.bytes, 5);
}

static char *folder;
static struct trace_file file;

static void start(void)
{
	folder = temporary_folder_new();
	preload_init("output=a.trace");
}

static void end(void)
{
	temporary_folder_remove(folder);
}

TestSuite(file, .init = start, .fini = end);

static const char *path_of(const char *base)
{
	static char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, base);
	return path;
}

static void write_file(const char *base, const char *text)
{
	int fd = open(path_of(base), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	cr_assert(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static bool holds(const char *base, const char *text)
{
	char read_back[64] = { 0 };
	int fd = open(path_of(base), O_RDONLY);
	ssize_t bytes = fd >= 0 ? read(fd, read_back, sizeof(read_back) - 1) : -1;

	close(fd);
	return bytes >= 0 && strcmp(read_back, text) == 0;
}

/* Makes a file, writes something into it, and gives it its name. */
static void make(void)
{
	cr_assert(trace_file_create(&file, folder, 0));
	cr_assert_eq(write(file.fd, "trace", 5), 5);
	cr_assert(trace_file_publish(&file));
}

Test(file, a_file_has_its_name_once_it_is_published)
{
	make();
	cr_assert_str_eq(file.name.text, path_of("a.trace"));
	cr_assert(holds("a.trace", "trace"));
}

Test(file, a_file_that_is_there_is_not_overwritten)
{
	write_file("a.trace", "theirs");
	make();
	cr_assert(holds("a.trace", "theirs"));
	cr_assert(holds("a.trace.1", "trace"));
	make();
	cr_assert(holds("a.trace.2", "trace"));
	cr_assert_str_eq(file.name.text, path_of("a.trace.2"));
}

/* On some file systems a file cannot be made without a name: it has one from the start. */
Test(file, nor_is_it_where_the_name_is_taken_first)
{
	cr_assert_eq(chdir(folder), 0);
	write_file("a.trace", "theirs");
	cr_assert(trace_file_create(&file, "", 0));
	cr_assert(file.named);
	cr_assert_str_eq(file.name.text, "a.trace.1");
	cr_assert(holds("a.trace", "theirs"));
	cr_assert(trace_file_publish(&file));
	trace_file_abandon(&file);
	cr_assert_neq(access(path_of("a.trace.1"), F_OK), 0);
}

Test(file, a_link_that_is_there_is_not_followed)
{
	cr_assert_eq(symlink("elsewhere", path_of("a.trace")), 0);
	make();
	cr_assert(holds("a.trace.1", "trace"));
	cr_assert_neq(access(path_of("elsewhere"), F_OK), 0);
}

Test(file, a_file_that_comes_to_nothing_leaves_nothing)
{
	struct arguments left = { 0 };

	cr_assert(trace_file_create(&file, folder, 0));
	trace_file_abandon(&file);
	folder_list(&left, folder, "");
	cr_assert_eq(left.count, 0);
	arguments_release(&left);
}

Test(file, only_its_owner_may_read_it)
{
	struct stat st;

	umask(0);
	make();
	cr_assert_eq(stat(path_of("a.trace"), &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
}

Test(file, its_descriptor_is_out_of_the_hosts_way_and_not_inherited)
{
	int lowest = open("/dev/null", O_RDONLY);

	close(lowest);
	make();
	cr_assert_gt(file.fd, lowest + 32);
	cr_assert(fcntl(file.fd, F_GETFD) & FD_CLOEXEC);
	cr_assert_eq(open("/dev/null", O_RDONLY), lowest);
}

Test(file, a_folder_that_is_not_there_is_an_error)
{
	errno = 0;
	cr_assert_not(trace_file_create(&file, path_of("none"), 0));
	cr_assert_eq(errno, ENOENT);
	cr_assert_str_eq(file.name.text, path_of("none/a.trace"));
}

Test(file, a_name_that_is_too_long_is_an_error)
{
	static char deep[NAME_BYTES_MOST];

	memset(deep, 'x', sizeof(deep) - 1);
	deep[0] = '/';
	errno = 0;
	cr_assert_not(trace_file_create(&file, deep, 0));
	cr_assert_eq(errno, ENAMETOOLONG);
}
