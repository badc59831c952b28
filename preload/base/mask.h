/* SPDX-License-Identifier: MIT */
/*
 * Signals that wait for a moment: what a handler must not come upon. Straight to the kernel, whose set
 * has the C library's own signals as well. Async-signal-safe.
 */
#ifndef LSATRACE_PRELOAD_BASE_MASK_H
#define LSATRACE_PRELOAD_BASE_MASK_H

#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MASK_OF(signal) (1ull << ((signal)-1))
#define MASK_ALL (~0ull)
/* Those that an instruction raises kill when they are blocked. */
#define MASK_SENT \
	(~(MASK_OF(SIGSEGV) | MASK_OF(SIGBUS) | MASK_OF(SIGILL) | MASK_OF(SIGFPE) | \
	   MASK_OF(SIGTRAP) | MASK_OF(SIGSYS)))

/* Returns what was blocked before. */
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
