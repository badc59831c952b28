/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "preload/call/call.h"
#include "preload/call/event.h"
#include "preload/call/on_error.h"
#include "preload/capture/backtrace.h"
#include "preload/file/clock.h"
#include "preload/file/ring.h"
#include "preload/file/trace.h"
#include "preload/ledger/gaps.h"

#include "preload/base/poison.h"

/* Calls that a longjmp() or an exception has left are no longer in flight: their frames lie deeper on
 * the stack than this one, or their callers are not among the callers of this one. */
static uint32_t drop_left_calls(struct lane *lane, uintptr_t stack_pointer)
{
	while (lane->depth > 0 && (lane->stack_pointer[lane->depth - 1] <= stack_pointer ||
				   !backtrace_has(lane, lane->caller[lane->depth - 1])))
		lane->depth--;
	return lane->depth;
}

static inline void show_in_flight(struct call *c, uint64_t argument0, uint64_t argument1)
{
	struct lane *lane = c->lane;
	struct trace_call *shown;

	c->depth = lane->depth;
	if (unlikely(c->depth > 0))
		c->depth = drop_left_calls(lane, (uintptr_t)c->mark);
	lane->shown->inside = 1;
	if (unlikely(c->depth == TRACE_IN_FLIGHT))
		return;
	shown = &lane->shown->in_flight[c->depth];
	shown->time = c->began;
	shown->arguments[0] = argument0;
	shown->arguments[1] = argument1;
	shown->stack = c->stack;
	shown->function = call_slot(c);
	shown->package = call_package_index(c);
	lane->stack_pointer[c->depth] = (uintptr_t)c->mark;
	lane->caller[c->depth] = c->caller;
	lane->depth = c->depth + 1;
	__atomic_store_n(&lane->shown->depth, c->depth + 1, __ATOMIC_RELEASE);
}

/* The first call of a thread, the first one of a forked child, one from a signal handler that
 * interrupted the tracer, or the first one after the tracer was left. Returns the lane; NULL: there is
 * none. */
static APART struct lane *enter_slowly(struct reentry_mark *mark, const void *frame_address)
{
	int saved_errno = errno;
	struct lane *lane = NULL;

	if (reentry_inside && !lanes_were_left(frame_address)) {
		if (trace_is_mine())
			lane = lanes_nest(mark);
	} else {
		reentry_enter(mark);
		if (trace_is_mine() || trace_renew())
			lane = lanes_mine();
		if (!lane)
			reentry_leave();
	}
	if (!lane && trace_is_mine())
		gaps_note();
	errno = saved_errno;
	return lane;
}

static inline void raise_alarm(struct call *c)
{
	if (likely(c->alarm == TRACE_KIND_NONE))
		return;
	on_error_stop(&(struct misuse){ c->alarm, c->alarm_reason, call_slot(c),
					call_package_index(c), c->caller, c->address });
	c->alarm = TRACE_KIND_NONE;
}

static inline void leave_tracer(struct call *c)
{
	reentry_leave();
	raise_alarm(c);
	*c->lane->errno_place = c->saved_errno;
}

bool call_enter(struct call *c, struct reentry_mark *mark, uint32_t where,
		const void *frame_address, uint64_t argument0, uint64_t argument1)
{
	struct backtrace_taken taken;

	c->mark = mark;
	c->where = where;
	c->lane = lanes_own;
	c->trace = trace_number();
	if (likely(lanes_own_trace == c->trace) && likely(!reentry_inside)) {
		reentry_enter(c->mark);
	} else {
		c->lane = enter_slowly(c->mark, frame_address);
		if (!c->lane)
			return false;
		c->trace = trace_number();
	}
	c->saved_errno = *c->lane->errno_place;
	c->address = c->section = c->size = 0;
	c->alarm = TRACE_KIND_NONE;
	taken = backtrace_take(c->lane, frame_address);
	c->stack = taken.stack;
	c->caller = taken.caller;
	lanes_advance(c->lane, clock_ticks());
	c->began = c->lane->time;
	show_in_flight(c, argument0, argument1);
	return true;
}

void call_host(struct call *c)
{
	c->lane->shown->inside = 0;
	leave_tracer(c);
}

/* The host's function has switched to another thread, as a host of coroutines does, or has forked; or it
 * has made calls that were left in the tracer. Returns the lane of the thread; NULL: it has none, or
 * what was begun belongs to the parent of this process. */
static APART struct lane *return_slowly(const struct lane *lane, uint32_t trace,
					const struct reentry_mark *mark)
{
	int saved_errno = errno;
	struct lane *now = NULL;

	if (trace_number() == trace) {
		/* What ran in the host's function is over. */
		lanes_return_to(lane);
		if (reentry_inside)
			lanes_note_left();
		reentry_enter_again(mark);
		now = lanes_mine();
		if (!now)
			reentry_leave();
	}
	errno = saved_errno;
	return now;
}

bool call_return(struct call *c)
{
	if (likely(lanes_own == c->lane) && likely(trace_number() == c->trace) &&
	    likely(!reentry_inside)) {
		reentry_enter_again(c->mark);
	} else {
		struct lane *lane = return_slowly(c->lane, c->trace, c->mark);

		if (!lane)
			return false;
		if (lane != c->lane) {
			c->lane = lane;
			c->event = NULL;
			c->depth = lane->depth;
		}
	}
	c->saved_errno = *c->lane->errno_place;
	c->lane->shown->inside = 1;
	lanes_advance(c->lane, clock_ticks());
	return true;
}

void call_leave(struct call *c)
{
	struct lane *lane = c->lane;

	lane->depth = c->depth;
	lane->shown->inside = 0;
	__atomic_store_n(&lane->shown->depth, c->depth, __ATOMIC_RELEASE);
	if (likely(!lane->is_nested) || c->depth > 0) {
		leave_tracer(c);
		return;
	}
	/* The outermost call of a signal handler that interrupted the tracer. */
	lanes_unnest(lane);
	raise_alarm(c);
	errno = c->saved_errno;
}

static void write_event(struct call *c, enum trace_kind verdict)
{
	const struct trace_event what = {
		.address = c->address,
		.section = c->section,
		.size = c->size,
		.caller = c->caller,
		.stack = c->stack,
		.function = call_slot(c),
		.package = call_package_index(c),
		.verdict = (uint8_t)verdict,
	};

	c->event = event_write(c->lane, &what);
	if (unlikely(!c->event))
		return;
	c->chunk = c->lane->chunk;
	c->chunk_sequence = c->chunk->sequence;
}

static APART uint8_t state_of_failure(const struct lane *lane, uint32_t where)
{
	return TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED | TRACE_EVENT_FAILED |
	       (call_is_injected(lane, where) ? TRACE_EVENT_INJECTED : 0);
}

/* Makes the record valid, with what the host's function has returned. */
static void complete_event(struct call *c, bool has_failed, int32_t result)
{
	c->event->duration = c->lane->time - c->began;
	c->event->result = result;
	ring_commit(c->event, has_failed ? state_of_failure(c->lane, c->where)
					 : TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED);
}

void call_record_acquired(struct call *c, uint64_t bytes, bool has_failed, int32_t result,
			  enum trace_kind verdict)
{
	write_event(c, verdict);
	if (likely(c->event))
		complete_event(c, has_failed, result);
	event_count(c->lane, call_package_index(c), call_slot(c), has_failed, bytes);
}

void call_record_releasing(struct call *c, enum trace_kind verdict)
{
	write_event(c, verdict);
	if (likely(c->event))
		ring_commit(c->event, TRACE_EVENT_COMMITTED);
	event_count(c->lane, call_package_index(c), call_slot(c), false, 0);
}

void call_complete(struct call *c, bool has_failed, int32_t result, enum trace_kind verdict)
{
	if (has_failed)
		event_count_failure(c->lane, call_package_index(c), call_slot(c));
	if (!c->event || !ring_still_ours(c->lane, c->chunk, c->chunk_sequence))
		return;
	c->event->verdict = (uint8_t)verdict;
	complete_event(c, has_failed, result);
}
