/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "preload/base/lock.h"
#include "preload/base/vm.h"
#include "preload/capture/fault_stack.h"

#include "preload/base/poison.h"

enum { STACK_BYTES = 256 * 1024 };

static char *stack;

bool fault_stack_init(void)
{
	char *none = NULL, *made;

	if (__atomic_load_n(&stack, __ATOMIC_ACQUIRE))
		return true;
	made = vm_reserve(STACK_BYTES);
	/* Another thread may have been faster: then this one's is never touched. */
	return made && (__atomic_compare_exchange_n(&stack, &none, made, false, __ATOMIC_SEQ_CST,
						    __ATOMIC_ACQUIRE) ||
			none);
}

/* `top`: the upper end of the other stack. */
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

bool fault_stack_call(void (*function)(void *), void *argument)
{
	char *base = __atomic_load_n(&stack, __ATOMIC_ACQUIRE);

	if (!base || !lock_take(LOCK_FAULT))
		return false;
	call_on(base + STACK_BYTES, function, argument);
	lock_release(LOCK_FAULT);
	return true;
}
