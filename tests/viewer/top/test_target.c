/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/run.h"
#include "tests/support/trace_builder.h"
#include "viewer/base/buffer.h"
#include "viewer/top/target.h"

/* Starts a process that maps a file, unless that is NULL, as a traced process does. */
static pid_t start(const char *path)
{
	int ready[2];
	pid_t child;

	cr_assert_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		int fd = path ? open(path, O_RDWR) : -1;

		if (path && mmap(NULL, TRACE_CHUNK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
				 0) == MAP_FAILED)
			_exit(1);
		close(fd);
		if (write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	cr_assert_eq(read(ready[0], &(char){ 0 }, 1), 1);
	close(ready[0]);
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void expect_why(pid_t pid, const char *words)
{
	struct buffer why = { 0 };

	cr_expect_null(target_find((unsigned)pid, &why));
	cr_expect(why.data && strstr(why.data, words), "%s", why.data);
	buffer_release(&why);
}

Test(target, finds_the_trace_that_a_process_has_mapped)
{
	struct trace_builder *b = trace_builder_new();
	const char *path = trace_builder_write(b);
	struct buffer why = { 0 };
	pid_t child = start(path);
	char *found;

	trace_builder_header(b)->pid = child;
	trace_builder_write(b);
	found = target_find((unsigned)child, &why);
	cr_assert(found, "%s", why.data);
	cr_expect_str_eq(found, path);
	free(found);
	end(child);
	trace_builder_free(b);
}

/* A trace has no name when it is mapped. */
Test(target, finds_a_trace_that_has_got_its_name_since)
{
	struct trace_builder *b = trace_builder_new();
	char *folder = temporary_folder_new(), *found;
	int fd = open(folder, O_TMPFILE | O_RDWR, 0600);
	struct arguments paths = { 0 };
	struct buffer why = { 0 };
	size_t bytes;
	pid_t child;

	if (fd < 0)
		cr_skip_test("files without a name are not possible here");
	arguments_add(&paths, "/proc/self/fd/%d", fd);
	arguments_add(&paths, "%s/some.trace", folder);
	cr_assert_eq(ftruncate(fd, TRACE_CHUNK_BYTES), 0);
	child = start(paths.all[0]);
	trace_builder_header(b)->pid = child;
	trace_builder_bytes(b, &bytes);
	cr_assert_gt(write(fd, trace_builder_bytes(b, &bytes), bytes), 0);
	expect_why(child, "is not traced: lsatrace's library is not loaded");
	cr_assert_eq(linkat(AT_FDCWD, paths.all[0], AT_FDCWD, paths.all[1], AT_SYMLINK_FOLLOW), 0);
	found = target_find((unsigned)child, &why);
	cr_assert(found, "%s", why.data);
	cr_expect_str_eq(found, paths.all[1]);
	free(found);
	close(fd);
	end(child);
	arguments_release(&paths);
	temporary_folder_remove(folder);
	trace_builder_free(b);
}

Test(target, does_not_take_the_trace_of_another_process)
{
	struct trace_builder *b = trace_builder_new();
	pid_t child = start(trace_builder_write(b));

	expect_why(child, "is not traced: it has the trace of process 4711");
	end(child);
	trace_builder_free(b);
}

Test(target, says_why_a_process_has_no_trace)
{
	pid_t child = start(NULL), ended = fork();
	siginfo_t info;

	if (ended == 0)
		_exit(0);
	expect_why(child, "is not traced: lsatrace's library is not loaded");
	end(child);
	waitid(P_PID, (id_t)ended, &info, WEXITED | WNOWAIT);
	expect_why(ended, "has ended");
	waitpid(ended, NULL, 0);
	expect_why(ended, "there is no process");
}
