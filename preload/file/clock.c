/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "preload/file/clock.h"

#include "preload/base/poison.h"

bool clock_has_tsc;
static struct trace_clock first_moment;

static bool is_tsc_usable(void)
{
#if defined(__x86_64__)
	enum { INVARIANT = 1 << 8 };
	unsigned a, b, c, d;
	int access = PR_TSC_SIGSEGV;

	if (!__get_cpuid(0x80000007, &a, &b, &c, &d) || !(d & INVARIANT))
		return false;
	return syscall(SYS_prctl, PR_GET_TSC, &access, 0l, 0l, 0l) == 0 && access == PR_TSC_ENABLE;
#else
	return false;
#endif
}

struct trace_clock clock_now(void)
{
	struct trace_clock now = { .ticks = clock_ticks(), .monotonic_ns = clock_monotonic_ns() };

	return now;
}

void clock_init(void)
{
	clock_has_tsc = is_tsc_usable();
	first_moment = clock_now();
}

const struct trace_clock *clock_first(void)
{
	return &first_moment;
}
