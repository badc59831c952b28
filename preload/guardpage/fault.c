/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "preload/base/lock.h"
#include "preload/base/mask.h"
#include "preload/base/reentry.h"
#include "preload/base/vm.h"
#include "preload/capture/backtrace.h"
#include "preload/file/trace.h"
#include "preload/guardpage/damage.h"
#include "preload/guardpage/fault.h"
#include "preload/guardpage/locate.h"
#include "preload/host/real.h"

#include "preload/base/poison.h"

enum { STACK_BYTES = 256 * 1024, WRITE_BIT = 2 };

static const int watched[] = { SIGSEGV, SIGBUS };
enum { WATCHED = sizeof(watched) / sizeof(watched[0]) };

/* What the host has set, as the kernel would tell it. The handler may come upon a change: it reads
 * the one of the two that is not being written. */
static struct kept {
	struct sigaction action[2];
	uint32_t turn;
} kept[WATCHED];

static bool is_watching;

/*
 * One fault at a time is noted, on a stack of its own, under LOCK_FAULT: the host's alternate one may be as
 * small as the kernel allows. Nothing that is noted may fault, for all signals wait meanwhile.
 */
static char *stack;

static int index_of(int signal)
{
	for (int i = 0; i < WATCHED; i++)
		if (watched[i] == signal)
			return i;
	return -1;
}

bool fault_watches(int signal)
{
	return is_watching && index_of(signal) >= 0;
}

static const struct sigaction *kept_action(int i)
{
	return &kept[i].action[__atomic_load_n(&kept[i].turn, __ATOMIC_ACQUIRE) & 1];
}

static void keep(int i, const struct sigaction *action)
{
	uint32_t turn = kept[i].turn + 1;

	kept[i].action[turn & 1] = *action;
	__atomic_store_n(&kept[i].turn, turn, __ATOMIC_RELEASE);
}

struct access {
	const struct location *location;
	uint64_t address;
	const ucontext_t *context;
};

static void note(void *context)
{
	const struct access *a = context;
	bool is_write = a->context->uc_mcontext.gregs[REG_ERR] & WRITE_BIT;

	if (!trace_is_mine() && !trace_renew()) {
		trace_lose(TRACE_LOST_FINDINGS);
		return;
	}
	damage_note_access(a->location, a->address, is_write, backtrace_take_at(a->context));
}

/* Calls a function on another stack. */
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

/* Inside the tracer, all signals blocked. */
static void note_access(struct access *a)
{
	if (!lock_take(LOCK_FAULT)) {
		trace_lose(TRACE_LOST_FINDINGS);
		return;
	}
	call_on(stack + STACK_BYTES, note, a);
	lock_release(LOCK_FAULT);
}

static void look(const siginfo_t *info, const ucontext_t *context)
{
	struct location location = locate_address((uint64_t)(uintptr_t)info->si_addr);
	struct access access = { &location, (uint64_t)(uintptr_t)info->si_addr, context };
	uint64_t signals;

	if (info->si_code <= 0 || location.kind == TRACE_KIND_NONE) /* sent by a process; not ours */
		return;
	/* The tracer itself, with what it has locked, was come upon. */
	if (reentry_inside) {
		trace_lose(TRACE_LOST_FINDINGS);
		return;
	}
	signals = mask_block(MASK_ALL);
	reentry_inside = true;
	note_access(&access);
	reentry_inside = false;
	mask_restore(signals);
}

/* The instruction runs again, and the kernel does the rest. What no instruction raised is sent again. */
static void die(int signal, const siginfo_t *info)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	real_sigaction(signal, &action, NULL);
	if (info->si_code <= 0 || (signal == SIGBUS && info->si_code == BUS_MCEERR_AO))
		syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), signal, info);
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	int saved_errno = errno, i = index_of(signal);
	struct sigaction host;

	look(info, context);
	host = *kept_action(i);
	if (host.sa_flags & (int)SA_RESETHAND) {
		struct sigaction reset = host;

		reset.sa_handler = SIG_DFL;
		keep(i, &reset);
	}
	if (host.sa_handler == SIG_DFL)
		die(signal, info);
	errno = saved_errno;
	if (host.sa_handler != SIG_DFL && host.sa_handler != SIG_IGN)
		host.sa_sigaction(signal, info, context);
}

static bool is_ours(const struct sigaction *action)
{
	return action->sa_sigaction == on_fault;
}

/* Puts ours before a disposition, with all that the kernel does for the host's handler. */
static void get_in_front(int i, const struct sigaction *host)
{
	struct sigaction ours = *host;

	keep(i, host);
	if (host->sa_handler == SIG_IGN)
		return;
	if (host->sa_handler == SIG_DFL) {
		sigemptyset(&ours.sa_mask);
		ours.sa_flags = SA_ONSTACK | SA_RESTART;
	}
	ours.sa_sigaction = on_fault;
	ours.sa_flags = (ours.sa_flags | SA_SIGINFO) & ~(int)SA_RESETHAND;
	real_sigaction(watched[i], &ours, NULL);
}

void fault_init(void)
{
	struct sigaction host;

	stack = vm_reserve(STACK_BYTES);
	if (!stack)
		return;
	for (int i = 0; i < WATCHED; i++)
		if (real_sigaction(watched[i], NULL, &host) == 0)
			get_in_front(i, &host);
	is_watching = true;
}

/* By way of the kernel, which refuses what it would refuse, and tells what it made of it. */
static int change(int i, const struct sigaction *action)
{
	struct sigaction host;

	if (is_ours(action))
		return 0; /* what a function of the C library's that is not ours has answered */
	if (real_sigaction(watched[i], action, NULL) != 0 ||
	    real_sigaction(watched[i], NULL, &host) != 0)
		return -1;
	get_in_front(i, &host);
	return 0;
}

/* A child of vfork() has dispositions of its own, and the memory of its parent. */
static bool is_borrowed(void)
{
	return trace_is_mine() && !trace_is_of_this_process();
}

static int pass(int i, const struct sigaction *action, struct sigaction *old)
{
	const struct sigaction *host = kept_action(i);
	int result;

	result = real_sigaction(watched[i], action && is_ours(action) ? host : action, old);
	if (result == 0 && old && is_ours(old))
		*old = *host;
	return result;
}

int fault_sigaction(int signal, const struct sigaction *action, struct sigaction *old)
{
	int i = is_watching ? index_of(signal) : -1, result = 0;
	struct sigaction before, wanted;
	uint64_t signals;

	if (i < 0)
		return real_sigaction(signal, action, old);
	if (action)
		wanted = *action; /* may be where the old one goes */
	if (is_borrowed())
		return pass(i, action ? &wanted : NULL, old);
	signals = mask_block(MASK_ALL);
	before = *kept_action(i);
	if (action)
		result = change(i, &wanted);
	mask_restore(signals);
	if (result == 0 && old)
		*old = before;
	return result;
}
