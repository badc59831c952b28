/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void *checked(void *pointer)
{
	if (!pointer)
		abort();
	return pointer;
}

/* A file, not a pipe: a program that prints much must not wait for a reader. Only at its end: of processes
 * that write to a memfd at the same time, each could write over what another one has written. */
static int open_capture(void)
{
	int fd = memfd_create("captured", MFD_CLOEXEC);

	if (fd < 0 || fcntl(fd, F_SETFL, O_APPEND) != 0)
		abort();
	return fd;
}

static char *take_capture(int fd)
{
	struct stat status;
	char *text;
	ssize_t length;

	if (fstat(fd, &status) != 0)
		abort();
	text = checked(malloc((size_t)status.st_size + 1));
	length = pread(fd, text, (size_t)status.st_size, 0);
	text[length > 0 ? length : 0] = '\0';
	close(fd);
	return text;
}

static int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			abort();
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

struct run run_command(const char *const argv[])
{
	int out = open_capture();
	int err = open_capture();
	struct run run = { .status = 127 };
	posix_spawn_file_actions_t actions;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", 0, 0);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
	if (posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(void *)argv, environ) == 0)
		run.status = wait_for(pid);
	posix_spawn_file_actions_destroy(&actions);
	run.out = take_capture(out);
	run.err = take_capture(err);
	return run;
}

long run_count(long few, long many)
{
	return getenv("TORTURE") ? many : few;
}

void run_release(struct run *run)
{
	free(run->out);
	free(run->err);
	*run = (struct run){ 0 };
}

static void append(struct arguments *arguments, char *argument)
{
	size_t size = (arguments->count + 2) * sizeof(*arguments->all);

	arguments->all = checked(realloc(arguments->all, size));
	arguments->all[arguments->count++] = argument;
	arguments->all[arguments->count] = NULL;
}

void arguments_add(struct arguments *arguments, const char *format, ...)
{
	va_list values;
	char *argument;

	va_start(values, format);
	if (vasprintf(&argument, format, values) < 0)
		abort();
	va_end(values);
	append(arguments, argument);
}

void arguments_add_all(struct arguments *arguments, const char *const list[])
{
	for (size_t i = 0; list[i]; i++)
		append(arguments, checked(strdup(list[i])));
}

void arguments_release(struct arguments *arguments)
{
	for (size_t i = 0; i < arguments->count; i++)
		free(arguments->all[i]);
	free(arguments->all);
	*arguments = (struct arguments){ 0 };
}

char *temporary_folder_new(void)
{
	const char *parent = getenv("TMPDIR");
	char *path;

	if (asprintf(&path, "%s/lsatrace-test.XXXXXX", parent ? parent : "/tmp") < 0)
		abort();
	return checked(mkdtemp(path));
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)type;
	(void)ftw;
	return remove(path);
}

void temporary_folder_remove(char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(path);
}

void folder_list(struct arguments *paths, const char *folder, const char *suffix)
{
	char pattern[4096];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/*%s", folder, suffix);
	if (glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		append(paths, checked(strdup(found.gl_pathv[i])));
	globfree(&found);
}
