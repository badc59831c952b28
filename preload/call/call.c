/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/base/config.h"
#include "preload/base/slots.h"
#include "preload/call/call.h"
#include "preload/call/on_error.h"
#include "preload/capture/backtrace.h"
#include "preload/capture/stacks.h"
#include "preload/file/clock.h"
#include "preload/file/findings.h"
#include "preload/file/ring.h"
#include "preload/file/trace.h"
#include "preload/ledger/describe.h"
#include "preload/ledger/entries.h"
#include "preload/ledger/gaps.h"

#include "preload/base/poison.h"

enum family call_family(const struct call *c)
{
	return slot_family[c->slot];
}

/* Calls that a longjmp() or an exception has left are no longer in flight: their frames lay deeper
 * than this one, or those who made them are not among the callers of this one. */
static uint32_t drop_left_calls(struct lane *lane, uintptr_t stack_pointer)
{
	while (lane->depth > 0 && (lane->stack_pointer[lane->depth - 1] <= stack_pointer ||
				   !backtrace_has(lane, lane->caller[lane->depth - 1])))
		lane->depth--;
	return lane->depth;
}

static void show_in_flight(struct call *c, uint64_t argument0, uint64_t argument1)
{
	struct lane *lane = c->lane;
	struct trace_call *shown;

	c->depth = drop_left_calls(lane, (uintptr_t)c);
	if (c->depth == TRACE_IN_FLIGHT)
		return;
	shown = &lane->shown->in_flight[c->depth];
	shown->time = c->began;
	shown->arguments[0] = argument0;
	shown->arguments[1] = argument1;
	shown->stack = c->stack;
	shown->function = c->slot;
	shown->package = c->package;
	lane->stack_pointer[c->depth] = (uintptr_t)c;
	lane->caller[c->depth] = c->caller;
	lane->depth = c->depth + 1;
	__atomic_store_n(&lane->shown->depth, lane->depth, __ATOMIC_RELEASE);
}

static bool enter_slowly(struct call *c)
{
	if (reentry_inside && !lanes_were_left(c + 1))
		return false;
	reentry_enter(&c->mark);
	if (!trace_is_mine() && !trace_renew())
		return false;
	c->lane = lanes_mine();
	return c->lane != NULL;
}

/* A thread's first call, a child's first one, one that comes upon the tracer itself. */
static APART bool enter_at_first(struct call *c)
{
	uintptr_t was_inside = reentry_inside;
	int saved_errno = errno;
	bool entered = enter_slowly(c);

	errno = saved_errno;
	if (entered)
		return true;
	if (trace_is_mine())
		gaps_note();
	reentry_inside = was_inside;
	return false;
}

static inline void leave_tracer(struct call *c)
{
	reentry_leave();
	if (unlikely(c->alarm != TRACE_KIND_NONE)) {
		on_error(c);
		c->alarm = TRACE_KIND_NONE;
	}
	*c->lane->errno_place = c->saved_errno;
}

bool call_enter(struct call *c, uint32_t where, const void *frame_address, uint64_t argument0,
		uint64_t argument1)
{
	c->lane = lanes_known();
	if (likely(c->lane && !reentry_inside))
		reentry_enter(&c->mark);
	else if (!enter_at_first(c))
		return false;
	c->saved_errno = *c->lane->errno_place;
	c->trace = trace_number();
	c->package = (uint8_t)(where >> 8);
	c->slot = (uint8_t)where;
	c->address = c->section = c->size = 0;
	c->alarm = TRACE_KIND_NONE;
	c->stack = backtrace_take(c->lane, frame_address, &c->caller);
	lanes_advance(c->lane, clock_ticks());
	c->began = c->lane->time;
	show_in_flight(c, argument0, argument1);
	return true;
}

void call_host(struct call *c)
{
	leave_tracer(c);
}

/* A host that switches contexts may come back on another thread. */
static bool move_to_lane(struct call *c, struct lane *lane)
{
	if (lane && lane != c->lane) {
		c->lane = lane;
		c->event = NULL;
		c->depth = lane->depth;
	}
	return lane != NULL;
}

static bool return_slowly(struct call *c)
{
	/* The host's function may have forked: what was begun belongs to the parent. */
	if (trace_number() != c->trace || (reentry_inside && !lanes_were_left(c + 1)))
		return false;
	reentry_enter_again(&c->mark);
	if (move_to_lane(c, lanes_mine()))
		return true;
	reentry_leave();
	return false;
}

static APART bool return_elsewhere(struct call *c)
{
	int saved_errno = errno;
	bool returned = return_slowly(c);

	errno = saved_errno;
	return returned;
}

bool call_return(struct call *c)
{
	if (likely(lanes_known() == c->lane && lanes_own_trace == c->trace && !reentry_inside))
		reentry_enter_again(&c->mark);
	else if (!return_elsewhere(c))
		return false;
	c->saved_errno = *c->lane->errno_place;
	lanes_advance(c->lane, clock_ticks());
	return true;
}

void call_leave(struct call *c)
{
	c->lane->depth = c->depth;
	__atomic_store_n(&c->lane->shown->depth, c->depth, __ATOMIC_RELEASE);
	leave_tracer(c);
}

static void fill_event(struct call *c, enum trace_kind verdict)
{
	struct trace_event *event = ring_reserve(c->lane);

	c->event = event;
	if (unlikely(!event))
		return;
	c->chunk = c->lane->chunk;
	c->chunk_sequence = c->chunk->sequence;
	event->time = c->lane->time;
	event->address = c->address;
	event->section = c->section;
	event->size = c->size;
	event->caller = c->caller;
	event->stack = c->stack;
	event->tid = c->lane->tid;
	event->function = c->slot;
	event->package = c->package;
	event->verdict = (uint8_t)verdict;
	__builtin_prefetch(event + 2, 1);
}

static uint64_t bytes_asked_for(const struct call *c)
{
	switch (slot_role[c->slot]) {
	case TRACE_ROLE_CREATE_SECTION:
		return (uint32_t)c->size;
	default:
		return c->size;
	}
}

static void count(struct call *c, bool failed, uint64_t bytes)
{
	struct trace_counter *counter = lanes_counter(c->lane, c->package, c->slot);

	if (unlikely(!counter)) {
		trace_lose(TRACE_LOST_DEFINITIONS);
		return;
	}
	__atomic_store_n(&counter->calls, counter->calls + 1, __ATOMIC_RELAXED);
	if (failed)
		__atomic_store_n(&counter->failed, counter->failed + 1, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&counter->bytes, counter->bytes + bytes, __ATOMIC_RELAXED);
}

static uint8_t event_state(bool failed)
{
	return TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED | (failed ? TRACE_EVENT_FAILED : 0);
}

void call_record_acquired(struct call *c, bool failed, int32_t result, enum trace_kind verdict)
{
	fill_event(c, verdict);
	if (likely(c->event)) {
		c->event->duration = c->lane->time - c->began;
		c->event->result = result;
		ring_commit(c->event, event_state(failed));
	}
	count(c, failed, bytes_asked_for(c));
}

void call_record_releasing(struct call *c, enum trace_kind verdict)
{
	fill_event(c, verdict);
	if (likely(c->event))
		ring_commit(c->event, TRACE_EVENT_COMMITTED);
	count(c, false, 0);
}

void call_complete(struct call *c, bool failed, int32_t result, enum trace_kind verdict)
{
	if (failed) {
		struct trace_counter *counter = lanes_counter(c->lane, c->package, c->slot);

		if (counter)
			counter->failed++;
	}
	if (!c->event || !ring_still_ours(c->lane, c->chunk, c->chunk_sequence))
		return;
	c->event->duration = c->lane->time - c->began;
	c->event->result = result;
	c->event->verdict = (uint8_t)verdict;
	ring_commit(c->event, event_state(failed));
}

static void name_section(struct trace_finding *f, const struct call *c, const struct verdict *v)
{
	if (c->section && slot_family[c->slot] == FAMILY_SHARED_MEMORY) {
		f->flags |= TRACE_FINDING_HAS_SECTION;
		f->section.handle = c->section;
	}
	describe_section(f, &v->section);
}

static struct trace_finding finding_of(const struct call *c, enum trace_kind kind,
				       enum trace_reason reason)
{
	return (struct trace_finding){
		.count = 1,
		.address = c->address,
		.first_time = c->began,
		.stack[TRACE_STACK_CALL] = c->stack,
		.tid = c->lane->tid,
		.flags = c->address ? TRACE_FINDING_HAS_ADDRESS : 0,
		.kind = (uint8_t)kind,
		.reason = (uint8_t)reason,
		.family = (uint8_t)slot_family[c->slot],
		.function = c->slot,
		.package = c->package,
	};
}

APART void call_note(struct call *c, const struct verdict *v)
{
	struct trace_finding f;

	if (v->kind == TRACE_KIND_NONE)
		return;
	f = finding_of(c, v->kind, v->reason);
	describe_block(&f, &v->block);
	name_section(&f, c, v);
	describe_owner(&f, &v->owner);
	findings_note(&f);
	c->alarm = v->kind;
	c->alarm_reason = v->reason;
}

APART void call_note_failure(struct call *c, const struct verdict *v)
{
	struct trace_finding f = finding_of(c, TRACE_KIND_FAILED_CALL, TRACE_REASON_NONE);

	if (c->size) {
		f.flags |= TRACE_FINDING_HAS_SIZE;
		f.size = f.bytes = bytes_asked_for(c);
	}
	if (v) {
		describe_block(&f, &v->block);
		name_section(&f, c, v);
	}
	findings_note(&f);
}

APART bool call_note_left(struct call *c, const struct ledger_view *section,
			  const struct ledger_view *block)
{
	struct trace_finding f = finding_of(c, TRACE_KIND_LIVE_AT_DELETE, TRACE_REASON_NONE);
	struct verdict v = { .section = *section };

	if (block->entry.flags & (LEDGER_SUSPECT | LEDGER_INHERITED))
		return false;
	describe_block(&f, block);
	name_section(&f, c, &v);
	f.stack[TRACE_STACK_FREE] = 0;
	f.stack[TRACE_STACK_DELETE] = c->stack;
	f.address = block->entry.address;
	f.flags |= TRACE_FINDING_HAS_ADDRESS;
	findings_note(&f);
	return true;
}
