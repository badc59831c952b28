/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <sys/prctl.h>
#include <time.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "preload/base/kernel.h"
#include "preload/base/process.h"
#include "preload/file/clock.h"

#include "preload/base/poison.h"

bool clock_has_tsc;
static struct trace_clock first_moment;
static struct trace_clock left_moment; /* when ticks began to go on without the counter */
static uint64_t rate;                  /* from then on: ticks in 2^32 ns; 0: a tick is a ns */

static bool is_tsc_usable(void)
{
#if defined(__x86_64__)
	enum { INVARIANT = 1 << 8 };
	unsigned a, b, c, d;
	int access = PR_TSC_SIGSEGV;

	if (!__get_cpuid(0x80000007, &a, &b, &c, &d) || !(d & INVARIANT))
		return false;
	return kernel_call(SYS_prctl, PR_GET_TSC, &access, 0l, 0l, 0l) == 0 &&
	       access == PR_TSC_ENABLE;
#else
	return false;
#endif
}

/* Where the counter may not be read, the C library would read it all the same, in the vDSO. Under a
 * filter that kills, time stands still then. */
uint64_t clock_monotonic_ns(void)
{
	static uint64_t last;
	struct timespec t;

	if (peek(clock_has_tsc))
		clock_gettime(CLOCK_MONOTONIC, &t);
	else if (process_is_confined)
		return peek(last);
	else
		kernel_call(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	poke(last, (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t clock_ticks_otherwise(void)
{
	uint64_t ns = clock_monotonic_ns();

	if (!rate)
		return ns;
	return left_moment.ticks +
	       (uint64_t)((unsigned __int128)(ns - left_moment.monotonic_ns) * rate >> 32);
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

void clock_leave_counter(void)
{
	struct trace_clock now = clock_now();
	uint64_t ns = now.monotonic_ns - first_moment.monotonic_ns;

	if (!clock_has_tsc || ns == 0)
		return;
	left_moment = now;
	rate = (uint64_t)(((unsigned __int128)(now.ticks - first_moment.ticks) << 32) / ns);
	__atomic_store_n(&clock_has_tsc, false, __ATOMIC_RELEASE);
}

const struct trace_clock *clock_first(void)
{
	return &first_moment;
}
