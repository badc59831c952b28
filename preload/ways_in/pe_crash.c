/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#include "preload/base/compiler.h"
#include "preload/base/reentry.h"
#include "preload/capture/backtrace.h"
#include "preload/capture/fault_stack.h"
#include "preload/file/trace.h"
#include "preload/ways_in/pe_crash.h"

#include "preload/base/poison.h"

#define WINDOWS __attribute__((ms_abi))

enum { CONTINUE_EXECUTION = -1 }; /* what a filter returns that has mended what was wrong */

/* In the order of CONTEXT, of Windows. */
static const uint8_t context_registers[] = {
	REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8,
	REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP,
};

/* EXCEPTION_POINTERS. */
struct raised {
	const struct {
		uint32_t code;
	} * record;
	const struct {
		uint8_t head[120];
		uint64_t registers[sizeof(context_registers)];
	} * context;
};

typedef WINDOWS int32_t filter(const struct raised *raised);

static filter *windows_filter;
static WINDOWS void (*set_filter)(filter *filter);

static uint32_t exception;

static void *find_export(const struct pe_image *image, const char *name)
{
	struct pe_exports exports;
	pe_word *place = pe_image_exports(image, &exports) ? pe_exports_find(&exports, name) : NULL;

	return place ? (void *)(uintptr_t)(image->base + *place) : NULL;
}

void pe_crash_look(const struct pe_image *image)
{
	if (pe_image_is_named(image, "ntdll.dll"))
		poke(set_filter, (WINDOWS void (*)(filter *))find_export(
					 image, "RtlSetUnhandledExceptionFilter"));
	else if (pe_image_is_named(image, "kernelbase.dll"))
		poke(windows_filter, (filter *)find_export(image, "UnhandledExceptionFilter"));
}

/* On the stack for that. */
static void note_stack(void *raised)
{
	const struct raised *r = raised;
	ucontext_t context = { 0 };

	if (!trace_is_of_this_process())
		return;
	for (size_t i = 0; i < sizeof(context_registers); i++)
		context.uc_mcontext.gregs[context_registers[i]] = (greg_t)r->context->registers[i];
	trace_header->exception_stack = backtrace_take_at(&context);
	__atomic_store_n(&trace_header->exception, r->record->code, __ATOMIC_RELEASE);
}

static void note(const struct raised *raised)
{
	struct raised copy = *raised;

	poke(exception, raised->record->code);
	/* The tracer itself has raised it, with what it has locked. */
	if (reentry_inside)
		return;
	reentry_inside = true;
	fault_stack_call(note_stack, &copy);
	reentry_inside = false;
}

static void forget(void)
{
	poke(exception, 0u);
	if (trace_is_of_this_process())
		__atomic_store_n(&trace_header->exception, 0, __ATOMIC_RELEASE);
}

static WINDOWS int32_t filter_exception(const struct raised *raised)
{
	int32_t result;

	note(raised);
	result = windows_filter(raised);
	if (result == CONTINUE_EXECUTION)
		forget();
	return result;
}

void pe_crash_watch(void)
{
	static bool is_watching;

	if (peek(set_filter) && peek(windows_filter) && !peek(is_watching) &&
	    !__atomic_exchange_n(&is_watching, true, __ATOMIC_ACQ_REL) && fault_stack_init())
		set_filter(filter_exception);
}

uint32_t pe_crash_exception(void)
{
	return peek(exception);
}
