/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/base/process.h"
#include "preload/base/reentry.h"

#include "preload/base/poison.h"

__thread uintptr_t reentry_inside;

/* The kernel reads the set of signals before it looks at the first argument, which it does not
 * know. */
static bool is_readable(uintptr_t address)
{
	return syscall(SYS_rt_sigprocmask, -1, address, NULL, sizeof(uint64_t)) == 0 ||
	       errno != EFAULT;
}

bool reentry_was_left(const void *end)
{
	uintptr_t mark = reentry_inside;

	if (mark == 1)
		return false;
	if (mark >= (uintptr_t)__builtin_frame_address(0) && mark < (uintptr_t)end)
		return true;
	if (process_is_confined)
		return false;
	return !is_readable(mark) ||
	       ((const struct reentry_mark *)mark)->check != reentry_check(mark);
}
