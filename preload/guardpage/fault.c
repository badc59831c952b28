/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "preload/base/kernel.h"
#include "preload/base/lock.h"
#include "preload/base/reentry.h"
#include "preload/base/vm.h"
#include "preload/capture/backtrace.h"
#include "preload/file/trace.h"
#include "preload/guardpage/damage.h"
#include "preload/guardpage/fault.h"
#include "preload/guardpage/locate.h"
#include "preload/host/signals.h"

#include "preload/base/poison.h"

enum { STACK_BYTES = 256 * 1024, WRITE_BIT = 2 };

/*
 * One fault at a time is noted, under LOCK_FAULT, on a stack of its own: the host's alternate stack
 * may be as small as the kernel allows. Noting must not fault itself, because all signals are
 * blocked meanwhile.
 */
static char *stack;

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

/* Calls a function on another stack, whose upper end is `top`. */
static void call_on(char *top, void (*function)(void *), void *argument)
{
	__asm__ volatile("movq %%rsp, %%rbx\n\t"
			 "movq %0, %%rsp\n\t"
			 "call *%1\n\t"
			 "movq %%rbx, %%rsp"
			 : "+r"(top), "+r"(function), "+D"(argument)
			 :
			 : "rbx", "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "xmm0",
			   "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
			   "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory", "cc");
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
	if (lock_take(LOCK_FAULT)) {
		call_on(stack + STACK_BYTES, note_on_own_stack, &access);
		lock_release(LOCK_FAULT);
	} else {
		trace_lose(TRACE_LOST_FINDINGS);
	}
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
	stack = vm_reserve(STACK_BYTES);
	if (stack)
		signals_watch(SIGNALS_GUARD, note_fault);
}
