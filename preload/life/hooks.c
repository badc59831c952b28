/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "preload/capture/libunwind.h"
#include "preload/file/trace.h"
#include "preload/guardpage/guarded.h"
#include "preload/host/real.h"
#include "preload/life/hooks.h"
#include "preload/reach/reach.h"
#include "preload/sharedmem/functions.h"

#include "preload/base/poison.h"

/*
 * fork() waits until no thread is changing what the child will use: first the allocators, outermost
 * first, then libunwind. Locks are taken in the order in which a call takes them, and come free in
 * the opposite one.
 */
static void before_fork(void)
{
	guarded_before_fork();
	sharedmem_before_fork();
	libunwind_before_fork();
}

static void after_fork_in_parent(void)
{
	libunwind_after_fork();
	sharedmem_after_fork();
	guarded_after_fork();
}

static void after_fork_in_child(void)
{
	libunwind_after_fork();
	sharedmem_after_fork_in_child();
	guarded_after_fork();
}

static bool (*end_libraries)(void);

void hooks_end(enum trace_end end, int status)
{
	bool has_killed;

	guarded_check();
	has_killed = end_libraries && end_libraries();
	if (end == TRACE_END_EXIT)
		reach_begin(has_killed);
	trace_end(end, status);
}

static void at_exit(int status, void *unused)
{
	(void)unused;
	hooks_end(TRACE_END_EXIT, status);
}

void hooks_register(void)
{
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static int quick_status;

static void at_quick_end(void)
{
	hooks_end(TRACE_END_EXIT, quick_status);
}

/* The last to be registered runs first: this is before the loader registers the destructors of
 * libraries. */
void hooks_start(bool (*end)(void))
{
	end_libraries = end;
	on_exit(at_exit, NULL);
	at_quick_exit(at_quick_end);
}

void hooks_quick_exit(int status)
{
	quick_status = status;
	real_quick_exit(status);
	__builtin_unreachable();
}

void hooks_exit(int status, void (*real)(int status))
{
	hooks_end(TRACE_END_EXIT, status);
	real(status);
	__builtin_unreachable();
}
