/* SPDX-License-Identifier: MIT */
#include <windows.h>

#include "tests/unwind/pe/rtl.h"

_Static_assert(sizeof(CONTEXT) <= sizeof(((struct rtl_crossing *)NULL)->context), "it fits");

static BOOL is_in_image(DWORD64 pc)
{
	PVOID base;

	return RtlPcToFileHeader((PVOID)pc, &base) != NULL;
}

static void step_out(CONTEXT *c)
{
	DWORD64 base, frame;
	PVOID data;
	RUNTIME_FUNCTION *function = RtlLookupFunctionEntry(c->Rip, &base, NULL);

	if (function) {
		RtlVirtualUnwind(UNW_FLAG_NHANDLER, base, c->Rip, function, c, &data, &frame, NULL);
		return;
	}
	c->Rip = *(DWORD64 *)c->Rsp;
	c->Rsp += 8;
}

/* To the caller of the function that this one is called from. */
static __attribute__((always_inline)) inline void leave_caller(CONTEXT *c)
{
	RtlCaptureContext(c);
	step_out(c);
}

__attribute__((noinline)) void rtl_note(struct rtl_crossing *crossing, struct rtl_crossing *outer)
{
	leave_caller((CONTEXT *)crossing->context);
	crossing->outer = outer;
}

__attribute__((noinline)) struct log_mark rtl_unwind(const struct log_head *head,
						     const struct rtl_crossing *crossing)
{
	struct log_mark found = { 0 };
	CONTEXT c;

	leave_caller(&c);
	for (;;) {
		step_out(&c);
		if (c.Rip == 0)
			return found;
		if (!is_in_image(c.Rip)) {
			if (!crossing)
				return found;
			c = *(const CONTEXT *)crossing->context;
			crossing = crossing->outer;
			found.crossings++;
		}
		found.mark = log_add(head, found.mark, c.Rip);
		found.frames++;
	}
}

static void (*fault_action)(void *argument);
static void *fault_argument;

/* ud2 has two bytes. */
static LONG CALLBACK handle_fault(EXCEPTION_POINTERS *fault)
{
	if (fault->ExceptionRecord->ExceptionCode != (DWORD)EXCEPTION_ILLEGAL_INSTRUCTION)
		return EXCEPTION_CONTINUE_SEARCH;
	fault->ContextRecord->Rip += 2;
	fault_action(fault_argument);
	return EXCEPTION_CONTINUE_EXECUTION;
}

void rtl_catch(void)
{
	AddVectoredExceptionHandler(1, handle_fault);
}

__attribute__((noinline)) void rtl_fault(void (*action)(void *argument), void *argument)
{
	fault_action = action;
	fault_argument = argument;
	__asm__ volatile("ud2" ::: "memory");
}

struct log_range rtl_range(void (*function)(void))
{
	DWORD64 base;
	RUNTIME_FUNCTION *entry = RtlLookupFunctionEntry((DWORD64)function, &base, NULL);

	return (struct log_range){ base + entry->BeginAddress, base + entry->EndAddress };
}
