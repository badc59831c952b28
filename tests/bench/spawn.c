/* SPDX-License-Identifier: MIT */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NANOSECONDS 1000000000u

static volatile sig_atomic_t is_stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	is_stopped = 1;
}

/* Without SA_RESTART, so that a wait is interrupted. */
void spawn_init(void)
{
	struct sigaction action = { .sa_handler = stop };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool spawn_is_stopped(void)
{
	return is_stopped;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / NANOSECONDS;
}

/* The standard error of the program that runs, or ran last: a file without a name. */
static int errors = -1;
static char failure[2048] = "no run of it failed";

const char *spawn_last_failure(void)
{
	return failure;
}

/* The last line of the standard error is within its last bytes. */
static void note_failure(const struct command *c, int status)
{
	const char *const *a = c->arguments;
	char text[1024], *line;
	off_t end = lseek(errors, 0, SEEK_END);
	ssize_t got = pread(errors, text, sizeof(text) - 1, end < 1000 ? 0 : end - 1000);

	while (got > 0 && text[got - 1] == '\n')
		got--;
	text[got > 0 ? got : 0] = '\0';
	line = strrchr(text, '\n');
	snprintf(failure, sizeof(failure), "%s %s ended with status %d%s%s", a[0], a[1] ? a[1] : "",
		 status, text[0] ? ": " : "", line ? line + 1 : text);
}

static void redirect(const char *path, int flags, int to)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0 || dup2(fd, to) < 0)
		_exit(127);
}

static _Noreturn void become(const struct command *c, int out)
{
	static const char *const inherited[] = { "LD_PRELOAD", "LSATRACE_OPTIONS",
						 "LSATRACE_SESSION", "DEBUGINFOD_URLS" };

	for (size_t i = 0; i < sizeof(inherited) / sizeof(*inherited); i++)
		unsetenv(inherited[i]);
	for (size_t i = 0; c->environment && c->environment[i]; i++)
		putenv((char *)(uintptr_t)c->environment[i]);
	redirect(c->input ? c->input : "/dev/null", O_RDONLY, STDIN_FILENO);
	if (errors < 0 || dup2(errors, STDERR_FILENO) < 0)
		redirect("/dev/null", O_WRONLY, STDERR_FILENO);
	if (out >= 0)
		dup2(out, STDOUT_FILENO);
	else
		redirect(c->output, O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
	execvp(c->arguments[0], (char *const *)(uintptr_t)c->arguments);
	_exit(127);
}

pid_t spawn_start(const struct command *c)
{
	pid_t pid = fork();

	if (pid == 0)
		become(c, -1);
	return pid;
}

static int wait_for(pid_t pid, double *peak_mib)
{
	struct rusage usage = { 0 };
	int status;

	while (wait4(pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			return 127;
		else if (is_stopped)
			kill(pid, SIGKILL);
	*peak_mib = (double)usage.ru_maxrss / 1024;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void spawn_end(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGTERM);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

struct text {
	char *bytes;
	size_t used, room;
};

/* Reads more of the output. Returns false at its end. */
static bool read_more(int fd, struct text *t)
{
	ssize_t got;

	if (t->used + 1 >= t->room) {
		t->room = t->room ? 2 * t->room : 65536;
		t->bytes = realloc(t->bytes, t->room);
		if (!t->bytes)
			abort();
	}
	got = read(fd, t->bytes + t->used, t->room - t->used - 1);
	if (got > 0)
		t->used += (size_t)got;
	t->bytes[t->used] = '\0';
	return got > 0 || (got < 0 && errno == EINTR);
}

/* Waits until the program closes its end of the pipe, as it does when it exits; or kills it. */
static void watch(pid_t pid, int fd, struct text *kept)
{
	double deadline = now_s() + SPAWN_TIMEOUT_S;
	struct pollfd end = { .fd = fd, .events = POLLIN };
	int ready;

	do {
		double left = deadline - now_s();

		ready = left > 0 && !is_stopped ? poll(&end, 1, (int)(left * 1000) + 1) : 0;
		if (ready == 0)
			kill(pid, SIGKILL);
	} while (ready < 0 || (ready > 0 && read_more(fd, kept)));
}

bool spawn_run(const struct command *c, struct outcome *o)
{
	struct text kept = { 0 };
	double start = now_s();
	int ends[2];
	pid_t pid;

	*o = (struct outcome){ .status = 127 };
	if (errors >= 0)
		close(errors);
	errors = memfd_create("errors", MFD_CLOEXEC);
	if (is_stopped || pipe2(ends, O_CLOEXEC) != 0)
		return false;
	pid = fork();
	if (pid == 0) {
		/* Where its output goes to a file, its copy of the pipe tells that it lives. */
		if (c->output)
			fcntl(ends[1], F_SETFD, 0);
		become(c, c->output ? -1 : ends[1]);
	}
	close(ends[1]);
	if (pid > 0) {
		watch(pid, ends[0], &kept);
		o->status = wait_for(pid, &o->peak_mib);
	}
	close(ends[0]);
	o->seconds = now_s() - start;
	o->text = kept.bytes;
	if (o->status)
		note_failure(c, o->status);
	return o->status == 0;
}

void outcome_release(struct outcome *o)
{
	free(o->text);
	*o = (struct outcome){ 0 };
}

bool spawn_quietly(const char *const *arguments, const char *const *environment)
{
	struct command command = { .arguments = arguments,
				   .environment = environment,
				   .output = "/dev/null" };
	struct outcome outcome;
	bool good = spawn_run(&command, &outcome);

	outcome_release(&outcome);
	return good;
}

double outcome_number(const struct outcome *o, const char *name)
{
	size_t bytes = strlen(name);
	const char *at = o->text;

	while (at && (at = strstr(at, name)) != NULL) {
		if ((at == o->text || at[-1] == ' ' || at[-1] == '\n') && at[bytes] == ' ')
			return strtod(at + bytes + 1, NULL);
		at += bytes;
	}
	return NAN;
}
