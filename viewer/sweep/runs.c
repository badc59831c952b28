/* SPDX-License-Identifier: MIT */
#include "viewer/sweep/runs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "viewer/base/progress.h"

#define GRACE_NS 2000000000ull /* for the end of a run that was told to end */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void start_run(struct run *r, uint32_t timeout_seconds, const sigset_t *mask)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, r->output,
					 O_WRONLY | O_CREAT | O_TRUNC, 0666);
	posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, mask);
	r->error = posix_spawn(&r->pid, r->argv[0], &files, &attributes, r->argv, environ);
	r->state = r->error ? RUN_NOT_STARTED : RUN_RUNNING;
	r->deadline_ns = now_ns() + timeout_seconds * 1000000000ull;
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
}

/* With what it has left in its group. */
static void kill_run(struct run *r, enum run_state state)
{
	kill(-r->pid, SIGKILL);
	waitpid(r->pid, &r->wait_status, 0);
	r->state = state;
}

static bool has_ended(const struct run *r)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)r->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == r->pid;
}

/* `lsatrace record` passes the signal on, and tidies up. */
static void tell_run(struct run *r, uint64_t now)
{
	kill(r->pid, SIGTERM);
	r->is_told = true;
	r->deadline_ns = now + GRACE_NS;
}

/* Returns how many of them still run. `*next_ns` is the next deadline, if there is one. */
static size_t look_after(struct run *runs, size_t count, uint64_t *next_ns)
{
	uint64_t now = now_ns();
	size_t running = 0;

	for (size_t i = 0; i < count; i++) {
		struct run *r = &runs[i];

		if (r->state != RUN_RUNNING)
			continue;
		if (has_ended(r) || (r->is_told && now >= r->deadline_ns)) {
			kill_run(r, r->is_told ? RUN_TIMED_OUT : RUN_ENDED);
			continue;
		}
		if (now >= r->deadline_ns)
			tell_run(r, now);
		if (!running++ || r->deadline_ns < *next_ns)
			*next_ns = r->deadline_ns;
	}
	return running;
}

/* Waits until a process has ended, or the time has come. Returns false if a signal asks for the end. */
static bool wait_until(uint64_t next_ns, const sigset_t *signals)
{
	uint64_t now = now_ns(), left = next_ns > now ? next_ns - now : 0;
	struct timespec wait = { (time_t)(left / 1000000000), (long)(left % 1000000000) };
	int signal = sigtimedwait(signals, NULL, &wait);

	return signal != SIGINT && signal != SIGTERM;
}

bool runs_do(struct run *runs, size_t count, uint32_t jobs, uint32_t timeout_seconds,
	     struct progress *progress)
{
	size_t begun = 0, first = 0, running;
	sigset_t signals, mask;
	uint64_t next_ns = 0;
	bool is_whole = true;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &mask);
	do {
		running = look_after(runs + first, begun - first, &next_ns);
		for (; is_whole && running < jobs && begun < count; begun++) {
			start_run(&runs[begun], timeout_seconds, &mask);
			running += runs[begun].state == RUN_RUNNING;
			next_ns = running == 1 ? runs[begun].deadline_ns : next_ns;
		}
		while (first < begun && runs[first].state > RUN_RUNNING)
			first++;
		progress_show(progress, "runs", begun - running, count);
		if (running)
			is_whole = wait_until(next_ns, &signals);
	} while (is_whole && (running || begun < count));
	for (size_t i = first; i < begun; i++)
		if (runs[i].state == RUN_RUNNING)
			kill_run(&runs[i], RUN_WAITING);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	progress_end(progress);
	return is_whole;
}
