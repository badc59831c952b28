/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <poll.h>
#include <sched.h>
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

enum {
	STACK_BYTES = 1 << 18,
	INNERMOST_BYTES = 4096, /* of the stack, more than what exit() and its callees take */
};

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

/* What the process that searches is told. Shared, as all memory is. */
static struct {
	struct search_start start;
	long host;
	char innermost[INNERMOST_BYTES];
} told;

/* Returns when the host has ended; false if that cannot be waited for: it lies in another PID namespace, or
 * there is no descriptor. The host runs meanwhile, and errno is its own: no call should fail here, but where
 * the host has ended already. */
static bool wait_for_end(void)
{
	int parent = (int)kernel_call(SYS_getppid);
	struct pollfd end = { .events = POLLIN };

	if (parent != told.host)
		return parent != 0;
	end.fd = (int)kernel_call(SYS_pidfd_open, told.host, 0ul);
	if (end.fd >= 0 && kernel_call(SYS_ppoll, &end, 1ul, NULL, NULL, 0ul) == 1)
		return true;
	return kernel_call(SYS_getppid) != told.host;
}

/* Asked for what is nothing, so that nothing is closed or opened. A filter may refuse a call that the kernel
 * has. */
static bool is_supported(void)
{
	return kernel_call(SYS_close_range, ~0u, ~0u, 0u) == 0 &&
	       kernel_call(SYS_pidfd_open, kernel_call(SYS_getpid), ~0ul) < 0 && errno == EINVAL;
}

/* The process that searches, on a stack of its own. */
static __attribute__((noreturn)) int search(void *unused)
{
	const struct rlimit no_core = { 0, 0 };
	enum trace_search outcome = TRACE_SEARCH_NO_PROCESS;

	(void)unused;
	kernel_call(SYS_close_range, 0u, ~0u, 0u);
	if (wait_for_end()) {
		memset(process_page, 0, sizeof(*process_page)); /* whoever held a lock is no more */
		setrlimit(RLIMIT_CORE, &no_core);
		outcome = search_all(&told.start);
	}
	note(outcome);
	for (;;)
		kernel_call(SYS_exit_group, 0);
}

/* The upper end of the stack on which the thread runs code of Windows, from its TEB; 0: it has none. */
static uint64_t find_windows_stack(void)
{
	enum { STACK_BASE = 1, SELF = 6 };
	uint64_t teb = 0, words[SELF + 1] = { 0 };

	kernel_call(SYS_arch_prctl, ARCH_GET_GS, &teb);
	if (!teb || maps_copy(words, (const void *)(uintptr_t)teb, sizeof(words)) < sizeof(words) ||
	    words[SELF] != teb)
		return 0;
	return words[STACK_BASE];
}

/* Not inlined: all registers of the caller are above this frame. */
static APART void start_process(bool has_killed)
{
	void *stack = vm_reserve(STACK_BYTES), *innermost = __builtin_frame_address(0);
	uint64_t before, signals;

	if (!stack) {
		note(TRACE_SEARCH_NO_MEMORY);
		return;
	}
	told.host = kernel_call(SYS_getpid);
	told.start = (struct search_start){
		.stack = (uintptr_t)innermost,
		.windows_stack = find_windows_stack(),
		.innermost = told.innermost,
		.innermost_bytes = maps_copy(told.innermost, innermost, INNERMOST_BYTES),
		.is_unsure = count_threads() != 1 || has_killed,
	};
	note(TRACE_SEARCH_STARTED);
	signals = kernel_block_signals(MASK_ALL);
	before = clock_monotonic_ns();
	if (clone(search, (char *)stack + STACK_BYTES, CLONE_VM, NULL) < 0)
		note(TRACE_SEARCH_NO_PROCESS);
	trace_header->still_ns = clock_monotonic_ns() - before;
	kernel_restore_signals(signals);
}

void reach_begin(bool has_killed)
{
	static bool is_begun;

	if (!config->leak_check || !trace_is_of_this_process() ||
	    __atomic_exchange_n(&is_begun, true, __ATOMIC_RELAXED))
		return;
	if (process_is_confined) {
		note(TRACE_SEARCH_CONFINED);
	} else if (vm_has_strays()) {
		note(TRACE_SEARCH_STRAYS);
	} else if (!is_supported()) {
		note(TRACE_SEARCH_OLD_KERNEL);
	} else {
		__builtin_unwind_init();
		start_process(has_killed);
		/* Keeps the call from being the last, and so this frame, with the registers, alive. */
		__asm__ volatile("" ::: "memory");
	}
}
