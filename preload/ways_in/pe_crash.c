/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#include "preload/base/compiler.h"
#include "preload/base/reentry.h"
#include "preload/capture/backtrace.h"
#include "preload/capture/fault_stack.h"
#include "preload/capture/step.h"
#include "preload/file/trace.h"
#include "preload/ways_in/pe_crash.h"

#include "preload/base/poison.h"

#define WINDOWS __attribute__((ms_abi))

#define STACK_OVERFLOW 0xc00000fdu

enum {
	CONTINUE_EXECUTION = -1, /* what a filter returns that has mended what was wrong */
	ABORTED = 1,             /* the status with which Wine ends what cannot go on */
	HANDLER_FRAMES_MOST = 32
};

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

/* Where an exception was raised. On the stack for that, as all that takes the stack of a crash. */
static void take_raised(void *raised)
{
	const struct raised *r = raised;
	ucontext_t context = { 0 };

	for (size_t i = 0; i < sizeof(context_registers); i++)
		context.uc_mcontext.gregs[context_registers[i]] = (greg_t)r->context->registers[i];
	trace_header->exception_stack = backtrace_take_at(&context);
}

/* What a signal has interrupted, from within its handler. */
static void take_interrupted(void *context)
{
	struct stack_pages pages = { 0 };
	struct step_frame f = step_interrupted(context, &pages);
	int frames = 0;

	while (frames++ < HANDLER_FRAMES_MOST && step_out(&f) && !f.is_interrupted)
		;
	if (!f.is_interrupted)
		return;
	step_write_context(&f, context);
	trace_header->exception_stack = backtrace_take_at(context);
}

static void note(uint32_t code, void (*take_stack)(void *), void *argument)
{
	poke(exception, code);
	if (!trace_is_of_this_process())
		return;
	trace_header->exception_stack = 0;
	/* Else the tracer itself has raised it, with what it has locked. */
	if (!reentry_inside) {
		reentry_inside = true;
		fault_stack_call(take_stack, argument);
		reentry_inside = false;
	}
	__atomic_store_n(&trace_header->exception, code, __ATOMIC_RELEASE);
}

static void forget(void)
{
	poke(exception, 0u);
	if (trace_is_of_this_process())
		__atomic_store_n(&trace_header->exception, 0, __ATOMIC_RELEASE);
}

static WINDOWS int32_t filter_exception(const struct raised *raised)
{
	struct raised copy = *raised;
	int32_t result;

	note(raised->record->code, take_raised, &copy);
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

void pe_crash_end(int status)
{
	ucontext_t context;

	if (status == ABORTED && !peek(exception) && getcontext(&context) == 0 &&
	    sigismember(&context.uc_sigmask, SIGSEGV) == 1)
		note(STACK_OVERFLOW, take_interrupted, &context);
}

uint32_t pe_crash_exception(void)
{
	return peek(exception);
}
