/* SPDX-License-Identifier: MIT */
#include "preload/call/fail.h"
#include "include/site.h"
#include "preload/base/config.h"
#include "preload/base/index.h"
#include "preload/call/call.h"
#include "preload/call/note.h"
#include "preload/call/originals.h"
#include "preload/capture/backtrace.h"
#include "preload/capture/modules.h"
#include "preload/file/chunks.h"

#include "preload/base/poison.h"

/* As in fail_amd64.S. */
enum { FAIL_STUBS = 64, STUB_BYTES = 16 };

extern const char fail_stubs[] __attribute__((visibility("hidden")));

#define FRAME_OFFSET_MASK ((1ull << TRACE_FRAME_OFFSET_BITS) - 1)

_Static_assert(SLOT_COUNT + UNTRACED_COUNT <= FAIL_STUBS, "stubs");
_Static_assert(TRACE_PACKAGES == 65, "stubs");

static void *hosts[TRACE_PACKAGES * FAIL_STUBS]; /* behind each stub */
static uint64_t calls[OPTIONS_FAILURES];         /* counted for each value of the option */

static uint32_t stub_of(uint32_t function, uint32_t package)
{
	uint32_t number = function < SLOT_COUNT ? function : function - TRANSFER_END + SLOT_COUNT;

	return package * FAIL_STUBS + number;
}

static uint32_t function_of(uint32_t stub)
{
	uint32_t number = stub % FAIL_STUBS;

	return number < SLOT_COUNT ? number : number - SLOT_COUNT + TRANSFER_END;
}

bool fail_names(uint32_t function)
{
	for (uint32_t i = 0; i < config->fails; i++)
		if (config->fail[i].function == function)
			return true;
	return false;
}

void *fail_stub_for(uint32_t function, uint32_t package, void *host)
{
	uint32_t stub = stub_of(function, package);

	if (!fail_names(function))
		return host;
	__atomic_store_n(&hosts[stub], host, __ATOMIC_RELEASE);
	return (void *)(uintptr_t)(fail_stubs + (size_t)stub * STUB_BYTES);
}

void *fail_host(uint32_t function, uint32_t package)
{
	return hosts[stub_of(function, package)];
}

void *fail_behind(void *function)
{
	uint64_t offset = (uint64_t)((const char *)function - fail_stubs);

	return offset < sizeof(hosts) / sizeof(*hosts) * STUB_BYTES ? hosts[offset / STUB_BYTES]
								    : function;
}

void fail_after_fork(void)
{
	for (uint32_t i = 0; i < OPTIONS_FAILURES; i++)
		poke(calls[i], 0);
}

static const char *name_of(uint32_t function)
{
	const struct failure_slot *s = failures_slots();

	while (s->function != function)
		s++;
	return s->name;
}

/* The site of a call with that stack. A package that shares its index has no library. */
static uint64_t site_of(uint32_t function, uint32_t package, uint32_t stack)
{
	const struct trace_stack *t = chunks_at(stack);
	uint64_t own = modules_site(originals_modules[package]);
	struct site site = site_begin(name_of(function));

	for (uint32_t i = 0; i < t->frames && i < TRACE_FRAMES_MAX; i++) {
		uint64_t module = modules_site((uint32_t)(t->frame[i] >> TRACE_FRAME_OFFSET_BITS));

		site_add(&site, module, t->frame[i] & FRAME_OFFSET_MASK, own && module == own);
	}
	return site_end(&site);
}

static bool is_chosen(const struct failure *f, uint64_t call)
{
	if (f->one_of)
		return index_mix(index_mix(f->seed) ^ call) % f->one_of == 0;
	return call >= f->first && call <= f->last;
}

static bool has_site(uint32_t function)
{
	for (uint32_t i = 0; i < config->fails; i++)
		if (config->fail[i].function == function && config->fail[i].has_site)
			return true;
	return false;
}

/* Counts the call for each value of the option that is about it. Returns the first one that lets it fail;
 * NULL: none does. `stack` 0: unknown, or no value names a site. */
static const struct failure *choose(uint32_t function, uint32_t package, uint32_t stack)
{
	uint64_t site = stack && has_site(function) ? site_of(function, package, stack) : 0;
	const struct failure *chosen = NULL;

	for (uint32_t i = 0; i < config->fails; i++) {
		const struct failure *f = &config->fail[i];

		if (f->function == function && (!f->has_site || (stack && f->site == site)) &&
		    is_chosen(f, __atomic_add_fetch(&calls[i], 1, __ATOMIC_RELAXED)) && !chosen)
			chosen = f;
	}
	return chosen;
}

/* The shim's body has left the tracer to call the host; its backtrace is the one of this place. */
static uint32_t take_stack(struct lane *lane)
{
	int saved_errno = *lane->errno_place;
	struct reentry_mark mark;
	uint32_t stack;

	reentry_enter(&mark);
	stack = backtrace_take(lane, __builtin_frame_address(0)).stack;
	reentry_leave();
	*lane->errno_place = saved_errno;
	return stack;
}

static const struct failure *choose_traced(uint32_t function, uint32_t package)
{
	struct lane *lane = lanes_known();
	const struct failure *f;

	if (!lane || reentry_inside)
		return NULL;
	f = choose(function, package, has_site(function) ? take_stack(lane) : 0);
	lane->injected = f ? (package << 8 | function) + 1 : 0;
	return f;
}

static const struct failure *record_untraced(uint32_t function, uint32_t package)
{
	const struct failure *f;
	struct reentry_mark mark;
	struct call c;

	if (!call_enter(&c, &mark, package << 8 | function, __builtin_frame_address(0), 0, 0))
		return NULL;
	f = choose(function, package, c.stack);
	if (f) {
		c.lane->injected = c.where + 1;
		note_failure(&c, NULL);
		call_record_acquired(&c, 0, true, (int32_t)f->result, TRACE_KIND_FAILED_CALL);
	} else {
		call_record_releasing(&c, TRACE_KIND_NONE);
	}
	call_leave(&c);
	return f;
}

struct fail_answer fail_answer(uint32_t stub)
{
	uint32_t function = function_of(stub), package = stub / FAIL_STUBS;
	const struct failure *f = function < SLOT_COUNT ? choose_traced(function, package)
							: record_untraced(function, package);

	if (f)
		return (struct fail_answer){ NULL, f->result };
	return (struct fail_answer){ __atomic_load_n(&hosts[stub], __ATOMIC_ACQUIRE), 0 };
}
