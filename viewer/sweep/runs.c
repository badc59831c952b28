/* SPDX-License-Identifier: MIT */
#include "viewer/sweep/runs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

static _Noreturn void become_run(const struct runs *r, size_t i, const sigset_t *mask)
{
	int status;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	redirect(STDIN_FILENO, "/dev/null", O_RDONLY);
	redirect(STDOUT_FILENO, r->all[i].output, O_WRONLY | O_CREAT | O_TRUNC);
	dup2(STDOUT_FILENO, STDERR_FILENO);
	sigprocmask(SIG_SETMASK, mask, NULL);
	status = r->run(r->context, i);
	fflush(NULL);
	_exit(status);
}

static void start_run(const struct runs *r, size_t i, const sigset_t *mask)
{
	struct run *run = &r->all[i];

	fflush(NULL);
	run->pid = fork();
	if (run->pid == 0)
		become_run(r, i, mask);
	run->error = errno;
	run->state = run->pid < 0 ? RUN_NOT_STARTED : RUN_RUNNING;
	run->deadline_ns = runs_now_ns() + r->timeout_seconds * NS;
	if (run->pid > 0)
		setpgid(run->pid, run->pid);
}

/* With what it has left in its group. */
static void kill_run(struct run *run, enum run_state state)
{
	kill(-run->pid, SIGKILL);
	waitpid(run->pid, &run->wait_status, 0);
	run->state = state;
}

static bool has_ended(const struct run *run)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == run->pid;
}

/* A recording passes the signal on, and tidies up. */
static void tell_run(struct run *run, uint64_t now)
{
	kill(run->pid, SIGTERM);
	run->is_told = true;
	run->deadline_ns = now + GRACE_NS;
}

/* What is under way. */
struct pool {
	const struct runs *runs;
	sigset_t mask;    /* from before */
	sigset_t signals; /* that are waited for */
	size_t begun;     /* of the runs, from the first one on */
	size_t first;     /* all before it have ended */
	size_t running;
	uint64_t next_ns; /* the next deadline, if one is running */
};

static void look_after(struct pool *p)
{
	const struct runs *r = p->runs;
	uint64_t now = runs_now_ns();

	p->running = 0;
	for (size_t i = p->first; i < p->begun; i++) {
		struct run *run = &r->all[i];

		if (run->state != RUN_RUNNING)
			continue;
		if (has_ended(run) || (run->is_told && now >= run->deadline_ns)) {
			kill_run(run, run->is_told ? RUN_TIMED_OUT : RUN_ENDED);
			r->ended(r->context, i);
			continue;
		}
		if (now >= run->deadline_ns)
			tell_run(run, now);
		if (!p->running++ || run->deadline_ns < p->next_ns)
			p->next_ns = run->deadline_ns;
	}
	while (p->first < p->begun && r->all[p->first].state != RUN_RUNNING)
		p->first++;
}

static void start_next(struct pool *p)
{
	const struct runs *r = p->runs;

	for (; p->running < r->jobs && p->begun < r->count; p->begun++) {
		struct run *run = &r->all[p->begun];

		if (r->end_ns && runs_now_ns() >= r->end_ns)
			return;
		start_run(r, p->begun, &p->mask);
		if (run->state != RUN_RUNNING)
			r->ended(r->context, p->begun);
		else if (!p->running++ || run->deadline_ns < p->next_ns)
			p->next_ns = run->deadline_ns;
	}
}

/* Waits until a process has ended, or the time has come. Returns false if a signal asks for the end. */
static bool wait_for(const struct pool *p, uint64_t until_ns)
{
	uint64_t now = runs_now_ns(), left = until_ns > now ? until_ns - now : 0;
	struct timespec wait = { (time_t)(left / NS), (long)(left % NS) };
	int signal = sigtimedwait(&p->signals, NULL, &wait);

	return signal != SIGINT && signal != SIGTERM;
}

bool runs_do(struct runs *r)
{
	struct pool p = { .runs = r };
	bool is_whole = true;

	sigemptyset(&p.signals);
	sigaddset(&p.signals, SIGCHLD);
	sigaddset(&p.signals, SIGINT);
	sigaddset(&p.signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &p.signals, &p.mask);
	do {
		look_after(&p);
		start_next(&p);
		if (p.running)
			is_whole = wait_for(&p, p.next_ns);
	} while (is_whole && p.running);
	for (size_t i = p.first; i < p.begun; i++)
		if (r->all[i].state == RUN_RUNNING)
			kill_run(&r->all[i], RUN_WAITING);
	is_whole &= wait_for(&p, 0);
	sigprocmask(SIG_SETMASK, &p.mask, NULL);
	return is_whole;
}
