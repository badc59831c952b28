/* SPDX-License-Identifier: MIT */
/*
 * Blocks signals with raw rt_sigprocmask calls, including the two that glibc reserves for itself
 * and hides from its own functions. For one thread; async-signal-safe.
 */
#ifndef LSATRACE_PRELOAD_BASE_MASK_H
#define LSATRACE_PRELOAD_BASE_MASK_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MASK_OF(signal) (1ull << ((signal)-1))
#define MASK_ALL (~0ull)
/* Signals that threads and processes send. Those that an instruction raises are not among them:
 * where one of these is blocked and raised, the kernel ends the process. */
#define MASK_SENT \
	(~(MASK_OF(SIGSEGV) | MASK_OF(SIGBUS) | MASK_OF(SIGILL) | MASK_OF(SIGFPE) | \
	   MASK_OF(SIGTRAP) | MASK_OF(SIGSYS)))

/* Blocks more signals. Returns the set that was blocked before. */
static inline uint64_t mask_block(uint64_t signals)
{
	uint64_t before = 0;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &signals, &before, sizeof(signals));
	return before;
}

static inline void mask_restore(uint64_t before)
{
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
}

#endif
