/* SPDX-License-Identifier: MIT */
/* Children: one has a copy of the unwinder's history, one shares its parent's memory for a
 * while. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress.h"

/* vfork() is on purpose; the analyzer would prefer posix_spawn(). */
#ifdef __clang_analyzer__
#define vfork fork
#endif

static void await(pid_t child)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0)
		abort();
}

static NOINLINE void fork_child(struct walk *w)
{
	pid_t child = fork();

	if (child == 0) {
		alarm(60);
		walk_afresh(w, 100, 8);
		_exit(0);
	}
	await(child);
	touch(w);
}

/* The child may do nothing else, and does this on its parent's stack. */
static NOINLINE void vfork_child(struct walk *w)
{
	pid_t child = vfork();

	if (child == 0) {
		touch(w);
		_exit(0);
	}
	await(child);
	touch(w);
}

static void run_forks(struct walk *w)
{
	static unsigned children = 4;

	w->depth = 5;
	for (unsigned i = 0; i < 8; i++) {
		vfork_child(w);
		walk_afresh(w, 20, 5);
	}
	if (children > 0) {
		children--;
		fork_child(w);
	}
}

static NOINLINE void forks_leak(unsigned bytes)
{
	pid_t child = vfork();

	if (child == 0)
		_exit(0);
	await(child);
	leak_block(bytes);
	STAY();
}

const struct scenario forks_scenario = {
	.name = "forks",
	.run = run_forks,
	.leak = forks_leak,
	.chain = "forks_leak",
	.share = 16,
};
