/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "preload/base/compiler.h"
#include "preload/base/config.h"
#include "preload/base/kernel.h"
#include "preload/base/process.h"
#include "preload/base/text.h"
#include "preload/base/vm.h"
#include "preload/file/clock.h"
#include "preload/file/trace.h"
#include "preload/host/maps.h"
#include "preload/reach/reach.h"
#include "preload/reach/search.h"

#include "preload/base/poison.h"

static void note(enum trace_search outcome)
{
	__atomic_store_n(&trace_header->search, outcome, __ATOMIC_RELEASE);
}

/* Field 20 of /proc/self/stat, behind the name in parentheses; 0: it is not known. */
static uint64_t count_threads(void)
{
	char stat[512];
	size_t bytes = kernel_read_file("/proc/self/stat", stat, sizeof(stat));
	const char *at = bytes ? memrchr(stat, ')', bytes) : NULL, *end = stat + bytes;
	int field = 2;

	for (; at && at < end && field < 20; at++)
		field += *at == ' ';
	return at ? text_read_number(&at, end) : 0;
}

/* In the copy. A page that the host has excepted from copies (MADV_DONTFORK) is not there. */
static _Noreturn void search(struct search_start *start, uint64_t host_bytes)
{
	const struct rlimit no_core = { 0, 0 };
	enum trace_search outcome = TRACE_SEARCH_OLD_KERNEL;

	if (kernel_call(SYS_close_range, 0u, ~0u, 0u) == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		start->is_unsure |= host_bytes == 0 || maps_bytes() != host_bytes;
		outcome = search_all(start);
	}
	note(outcome);
	for (;;)
		kernel_call(SYS_exit_group, 0);
}

/* Not inlined: all registers of the caller are above this frame. */
static APART void copy_process(void)
{
	struct search_start start = { .stack = (uintptr_t)__builtin_frame_address(0),
				      .is_unsure = count_threads() != 1 };
	uint64_t bytes = maps_bytes(), before, signals;
	long pid;

	note(TRACE_SEARCH_STARTED);
	signals = kernel_block_signals(MASK_ALL);
	before = clock_monotonic_ns();
	pid = kernel_call(SYS_clone, 0ul, NULL, NULL, NULL, 0ul);
	if (pid == 0)
		search(&start, bytes);
	trace_header->still_ns = clock_monotonic_ns() - before;
	kernel_restore_signals(signals);
	if (pid < 0)
		note(TRACE_SEARCH_NO_PROCESS);
}

void reach_begin(void)
{
	static bool is_begun;

	if (!config->leak_check || !trace_is_of_this_process() ||
	    __atomic_exchange_n(&is_begun, true, __ATOMIC_RELAXED))
		return;
	if (process_is_confined) {
		note(TRACE_SEARCH_CONFINED);
	} else if (vm_has_strays()) {
		note(TRACE_SEARCH_STRAYS);
	} else {
		__builtin_unwind_init();
		copy_process();
		/* Keeps the call from being the last, and so this frame, with the registers, alive. */
		__asm__ volatile("" ::: "memory");
	}
}
