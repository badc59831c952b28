/* SPDX-License-Identifier: MIT */
#include "viewer/sweep/runs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "viewer/base/memory.h"
#include "viewer/sweep/pipe.h"

#define GRACE_NS 2000000000ull /* for the end of a run that was told to end */
#define NS 1000000000ull

uint64_t runs_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS + (uint64_t)now.tv_nsec;
}

static void redirect(int fd, const char *path, int flags)
{
	int file = open(path, flags, 0666);

	if (file >= 0 && file != fd) {
		dup2(file, fd);
		close(file);
	}
}

/* A process that does one run after another. */
struct worker {
	pid_t pid;  /* 0: there is none */
	int socket; /* to it goes the number of a run, a size_t; from it comes the status, an int */
	bool is_busy, has_answer;
	bool is_told; /* to end */
	size_t run;
	uint64_t deadline_ns;
};

/* What is under way. */
struct pool {
	const struct runs *runs;
	struct worker *workers; /* as many as jobs */
	struct pollfd *waits;   /* one more: the last is `signals` */
	sigset_t mask;          /* from before */
	int signals;            /* SIGINT and SIGTERM come here */
	size_t begun;           /* of the runs, from the first one on */
};

static _Noreturn void become_worker(const struct pool *p, int socket)
{
	const struct runs *r = p->runs;
	size_t i;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	redirect(STDIN_FILENO, "/dev/null", O_RDONLY);
	sigprocmask(SIG_SETMASK, &p->mask, NULL);
	r->begin(r->context);
	while (pipe_read(socket, &i, sizeof(i))) {
		int status;

		redirect(STDOUT_FILENO, r->all[i].output, O_WRONLY | O_CREAT | O_TRUNC);
		dup2(STDOUT_FILENO, STDERR_FILENO);
		status = r->run(r->context, i);
		fflush(NULL);
		pipe_write(socket, &status, sizeof(status));
	}
	_exit(0);
}

/* Returns false with errno set if there is none. */
static bool start_worker(const struct pool *p, struct worker *w)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return false;
	fflush(NULL);
	*w = (struct worker){ .pid = fork(), .socket = ends[0] };
	if (w->pid == 0) {
		close(ends[0]);
		become_worker(p, ends[1]);
	}
	close(ends[1]);
	if (w->pid > 0) {
		setpgid(w->pid, w->pid);
		return true;
	}
	close(ends[0]);
	w->pid = 0;
	return false;
}

/* Its command is in its group. Returns its wait status. */
static int end_worker(struct worker *w)
{
	int status = 0;

	/* Workers that were started later have it as well. */
	shutdown(w->socket, SHUT_RDWR);
	close(w->socket);
	if (w->is_busy)
		kill(-w->pid, SIGKILL);
	waitpid(w->pid, &status, 0);
	*w = (struct worker){ 0 };
	return status;
}

static void start_run(struct pool *p, struct worker *w, size_t i)
{
	struct run *run = &p->runs->all[i];

	if (!w->pid && !start_worker(p, w)) {
		run->error = errno;
		run->state = RUN_NOT_STARTED;
		p->runs->ended(p->runs->context, i);
		return;
	}
	run->state = RUN_RUNNING;
	w->is_busy = true;
	w->run = i;
	w->deadline_ns = runs_now_ns() + p->runs->timeout_seconds * NS;
	pipe_write(w->socket, &i, sizeof(i));
}

static void start_next(struct pool *p)
{
	const struct runs *r = p->runs;

	for (uint32_t job = 0; job < r->jobs; job++)
		while (!p->workers[job].is_busy && p->begun < r->count &&
		       (!r->end_ns || runs_now_ns() < r->end_ns))
			start_run(p, &p->workers[job], p->begun++);
}

static void end_run(const struct pool *p, struct worker *w, enum run_state state)
{
	size_t i = w->run;
	struct run *run = &p->runs->all[i];
	int status;

	if (!w->is_told && w->has_answer && pipe_read(w->socket, &status, sizeof(status))) {
		run->wait_status = W_EXITCODE(status, 0);
		w->is_busy = w->has_answer = false;
	} else {
		run->wait_status = end_worker(w);
	}
	run->state = state;
	if (state != RUN_WAITING)
		p->runs->ended(p->runs->context, i);
}

/* A recording passes the signal on, and tidies up. */
static void tell_to_end(struct worker *w, uint64_t now)
{
	kill(w->pid, SIGTERM);
	w->is_told = true;
	w->deadline_ns = now + GRACE_NS;
}

static void look_after(struct pool *p)
{
	uint64_t now = runs_now_ns();

	for (uint32_t job = 0; job < p->runs->jobs; job++) {
		struct worker *w = &p->workers[job];

		if (!w->is_busy)
			continue;
		if (w->has_answer || (w->is_told && now >= w->deadline_ns))
			end_run(p, w, w->is_told ? RUN_TIMED_OUT : RUN_ENDED);
		else if (now >= w->deadline_ns)
			tell_to_end(w, now);
	}
}

static bool take_signal(const struct pool *p)
{
	struct signalfd_siginfo info;

	return read(p->signals, &info, sizeof(info)) == sizeof(info);
}

/* Waits until a worker has something to say, or a deadline has come. Returns false if a signal asks for the end. */
static bool wait_for(struct pool *p)
{
	uint64_t now = runs_now_ns(), left = UINT64_MAX;
	uint32_t jobs = p->runs->jobs;
	struct timespec time;

	for (uint32_t job = 0; job < jobs; job++) {
		const struct worker *w = &p->workers[job];

		p->waits[job] = (struct pollfd){ w->is_busy ? w->socket : -1, POLLIN, 0 };
		if (w->is_busy && w->deadline_ns <= now)
			left = 0;
		else if (w->is_busy && w->deadline_ns - now < left)
			left = w->deadline_ns - now;
	}
	if (left == UINT64_MAX)
		left = 0;
	p->waits[jobs] = (struct pollfd){ p->signals, POLLIN, 0 };
	time = (struct timespec){ (time_t)(left / NS), (long)(left % NS) };
	ppoll(p->waits, jobs + 1, &time, NULL);
	for (uint32_t job = 0; job < jobs; job++)
		p->workers[job].has_answer = p->waits[job].revents != 0;
	return !take_signal(p);
}

static bool is_busy(const struct pool *p)
{
	for (uint32_t job = 0; job < p->runs->jobs; job++)
		if (p->workers[job].is_busy)
			return true;
	return false;
}

static void begin(struct pool *p)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &p->mask);
	p->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	p->workers = memory_new(p->runs->jobs, sizeof(*p->workers));
	p->waits = memory_new(p->runs->jobs + 1, sizeof(*p->waits));
}

/* Returns false if a signal asks for the end. */
static bool end(struct pool *p)
{
	bool has_signal = false;

	for (uint32_t job = 0; job < p->runs->jobs; job++) {
		struct worker *w = &p->workers[job];

		w->has_answer = false;
		if (w->is_busy)
			end_run(p, w, RUN_WAITING);
		else if (w->pid)
			end_worker(w);
	}
	while (take_signal(p))
		has_signal = true;
	free(p->workers);
	free(p->waits);
	close(p->signals);
	sigprocmask(SIG_SETMASK, &p->mask, NULL);
	return !has_signal;
}

bool runs_do(struct runs *r)
{
	struct pool p = { .runs = r };
	bool is_whole = true;

	begin(&p);
	do {
		look_after(&p);
		start_next(&p);
		is_whole = wait_for(&p);
	} while (is_whole && is_busy(&p));
	return end(&p) && is_whole;
}
