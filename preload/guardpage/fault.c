/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "preload/base/kernel.h"
#include "preload/base/reentry.h"
#include "preload/capture/backtrace.h"
#include "preload/capture/fault_stack.h"
#include "preload/file/trace.h"
#include "preload/guardpage/damage.h"
#include "preload/guardpage/fault.h"
#include "preload/guardpage/locate.h"
#include "preload/host/signals.h"

#include "preload/base/poison.h"

enum { WRITE_BIT = 2 };

struct access {
	const struct location *location;
	uint64_t address;
	const ucontext_t *context;
};

static void note_on_own_stack(void *access)
{
	const struct access *a = access;
	bool is_write = a->context->uc_mcontext.gregs[REG_ERR] & WRITE_BIT;

	if (!trace_is_mine() && !trace_renew()) {
		trace_lose(TRACE_LOST_FINDINGS);
		return;
	}
	damage_note_access(a->location, a->address, is_write, backtrace_take_at(a->context));
}

static void note_access(const siginfo_t *info, const ucontext_t *context)
{
	struct location location = locate_address((uint64_t)(uintptr_t)info->si_addr);
	struct access access = { &location, (uint64_t)(uintptr_t)info->si_addr, context };
	uint64_t blocked_before;

	/* Sent by a process, or no access to guarded memory. */
	if (info->si_code <= 0 || location.kind == TRACE_KIND_NONE)
		return;
	/* The tracer itself faulted, with what it has locked. */
	if (reentry_inside) {
		trace_lose(TRACE_LOST_FINDINGS);
		return;
	}
	blocked_before = kernel_block_signals(MASK_SENT);
	reentry_inside = true;
	if (!fault_stack_call(note_on_own_stack, &access))
		trace_lose(TRACE_LOST_FINDINGS);
	reentry_inside = false;
	kernel_restore_signals(blocked_before);
}

static bool note_fault(int signal, const siginfo_t *info, void *context)
{
	(void)signal;
	note_access(info, context);
	return false;
}

void fault_init(void)
{
	if (fault_stack_init())
		signals_watch(SIGNALS_GUARD, note_fault);
}
