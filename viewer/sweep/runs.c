/* SPDX-License-Identifier: MIT */
#include "viewer/sweep/runs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "viewer/base/memory.h"
#include "viewer/sweep/pipe.h"
#include "viewer/sweep/strays.h"

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
	pid_t pid; /* 0: there is none */
	int socket; /* to it goes the number of a run, a size_t; from it come TURN_TAKEN and its status, ints */
	bool is_busy;
	bool is_heard; /* it has something to say */
	bool is_told;  /* to end */
	size_t run;
	uint64_t deadline_ns;
};

/* What is under way. */
struct pool {
	const struct runs *runs;
	struct worker *workers; /* as many as runs->workers */
	struct pollfd *waits;   /* one more: the last is `signals` */
	sigset_t mask;          /* from before */
	int signals;            /* SIGINT and SIGTERM come here */
	int turns;              /* a file: who has locked a byte of it has a turn */
	size_t begun;           /* of the runs, from the first one on */
};

enum { TURN_TAKEN = -1 };

/* In a worker: its own turn. */
static struct {
	int socket, turns;
	uint32_t number; /* of the byte */
	bool is_taken;
} own;

/* The kernel ends the turn of a worker that dies. */
static void lock_turn(short type)
{
	struct flock lock = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = own.number, .l_len = 1
	};

	while (fcntl(own.turns, F_SETLKW, &lock) && errno == EINTR)
		;
	own.is_taken = type == F_WRLCK;
}

void runs_take_turn(void)
{
	static const int taken = TURN_TAKEN;

	if (own.is_taken)
		return;
	lock_turn(F_WRLCK);
	pipe_write(own.socket, &taken, sizeof(taken));
}

void runs_end_turn(void)
{
	lock_turn(F_UNLCK);
}

static _Noreturn void become_worker(const struct pool *p, uint32_t number, int socket)
{
	const struct runs *r = p->runs;
	size_t i;

	own.socket = socket;
	own.turns = p->turns;
	own.number = number % r->jobs;
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
		runs_end_turn();
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
		become_worker(p, (uint32_t)(w - p->workers), ends[1]);
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

static bool is_worker(const void *pool, pid_t child)
{
	const struct pool *p = pool;

	for (uint32_t job = 0; job < p->runs->workers; job++)
		if (p->workers[job].pid == child)
			return true;
	return false;
}

/* Its command is in its group, and what that has left behind comes to this process. Returns its wait status. */
static int end_worker(const struct pool *p, struct worker *w)
{
	int status = 0;

	/* Workers that were started later have it as well. */
	shutdown(w->socket, SHUT_RDWR);
	close(w->socket);
	if (w->is_busy)
		kill(-w->pid, SIGKILL);
	waitpid(w->pid, &status, 0);
	*w = (struct worker){ .run = w->run };
	strays_end(is_worker, p, NULL);
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
	/* The one before may take all of its time. */
	w->deadline_ns = runs_now_ns() + 2 * p->runs->timeout_seconds * NS + GRACE_NS;
	pipe_write(w->socket, &i, sizeof(i));
}

static void start_next(struct pool *p)
{
	const struct runs *r = p->runs;

	for (uint32_t job = 0; job < r->workers; job++)
		while (!p->workers[job].is_busy && p->begun < r->count &&
		       (!r->end_ns || runs_now_ns() < r->end_ns))
			start_run(p, &p->workers[job], p->begun++);
}

static void end_run(const struct pool *p, const struct worker *w, enum run_state state,
		    int wait_status)
{
	struct run *run = &p->runs->all[w->run];

	run->wait_status = wait_status;
	run->state = state;
	p->runs->ended(p->runs->context, w->run);
}

/* A recording passes the signal on, and tidies up. */
static void tell_to_end(struct worker *w, uint64_t now)
{
	kill(w->pid, SIGTERM);
	w->is_told = true;
	w->deadline_ns = now + GRACE_NS;
}

/* Its time begins when it has its turn. A worker that has died says nothing, and one that was told to end is not used
 * again. */
static void hear(const struct pool *p, struct worker *w)
{
	int answer;
	bool is_alive = pipe_read(w->socket, &answer, sizeof(answer));

	if (is_alive && answer == TURN_TAKEN) {
		if (!w->is_told)
			w->deadline_ns = runs_now_ns() + p->runs->timeout_seconds * NS;
	} else if (w->is_told) {
		end_run(p, w, RUN_TIMED_OUT, end_worker(p, w));
	} else {
		w->is_busy = !is_alive;
		end_run(p, w, RUN_ENDED, is_alive ? W_EXITCODE(answer, 0) : end_worker(p, w));
	}
}

static void look_after(struct pool *p)
{
	uint64_t now = runs_now_ns();

	for (uint32_t job = 0; job < p->runs->workers; job++) {
		struct worker *w = &p->workers[job];

		if (!w->is_busy)
			continue;
		if (w->is_heard)
			hear(p, w);
		else if (now >= w->deadline_ns && w->is_told)
			end_run(p, w, RUN_TIMED_OUT, end_worker(p, w));
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
	uint32_t workers = p->runs->workers;
	struct timespec time;

	for (uint32_t job = 0; job < workers; job++) {
		const struct worker *w = &p->workers[job];

		p->waits[job] = (struct pollfd){ w->is_busy ? w->socket : -1, POLLIN, 0 };
		if (w->is_busy && w->deadline_ns <= now)
			left = 0;
		else if (w->is_busy && w->deadline_ns - now < left)
			left = w->deadline_ns - now;
	}
	if (left == UINT64_MAX)
		left = 0;
	p->waits[workers] = (struct pollfd){ p->signals, POLLIN, 0 };
	time = (struct timespec){ (time_t)(left / NS), (long)(left % NS) };
	ppoll(p->waits, workers + 1, &time, NULL);
	for (uint32_t job = 0; job < workers; job++)
		p->workers[job].is_heard = p->waits[job].revents != 0;
	return !take_signal(p);
}

static bool is_busy(const struct pool *p)
{
	for (uint32_t job = 0; job < p->runs->workers; job++)
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
	p->turns = memfd_create("turns", MFD_CLOEXEC);
	p->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	p->workers = memory_new(p->runs->workers, sizeof(*p->workers));
	p->waits = memory_new(p->runs->workers + 1, sizeof(*p->waits));
}

/* Returns false if a signal asks for the end. */
static bool end(struct pool *p)
{
	bool has_signal = false;

	for (uint32_t job = 0; job < p->runs->workers; job++) {
		struct worker *w = &p->workers[job];

		if (w->is_busy)
			end_run(p, w, RUN_WAITING, end_worker(p, w));
		else if (w->pid)
			end_worker(p, w);
	}
	while (take_signal(p))
		has_signal = true;
	free(p->workers);
	free(p->waits);
	close(p->turns);
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
