/* SPDX-License-Identifier: MIT */
#include "preload/call/event.h"
#include "include/slots.h"
#include "preload/file/ring.h"
#include "preload/file/trace.h"

#include "preload/base/poison.h"

_Static_assert(TRANSFER_END <= TRACE_FUNCTIONS, "counters");

struct trace_event *event_write(struct lane *lane, const struct trace_event *what)
{
	struct trace_event *event = ring_reserve(lane);

	if (unlikely(!event))
		return NULL;
	/* One by one: what has just been put together in memory is slow to copy as a whole. */
	event->time = lane->time;
	event->address = what->address;
	event->section = what->section;
	event->size = what->size;
	event->caller = what->caller;
	event->stack = what->stack;
	event->tid = lane->tid;
	event->function = what->function;
	event->package = what->package;
	event->verdict = what->verdict;
	__builtin_prefetch(event + 2, 1);
	return event;
}

/* Only this thread writes to the counter; a reader of the file may look at it at any moment. */
void event_count(struct lane *lane, uint32_t package, uint32_t function, bool has_failed,
		 uint64_t bytes)
{
	struct trace_counter *counter = lanes_counter(lane, package, function);

	if (unlikely(!counter)) {
		trace_lose(TRACE_LOST_DEFINITIONS);
		return;
	}
	__atomic_store_n(&counter->calls, counter->calls + 1, __ATOMIC_RELAXED);
	if (has_failed)
		__atomic_store_n(&counter->failed, counter->failed + 1, __ATOMIC_RELAXED);
	else if (!__builtin_constant_p(bytes) || bytes)
		__atomic_store_n(&counter->bytes, counter->bytes + bytes, __ATOMIC_RELAXED);
}

void event_count_failure(struct lane *lane, uint32_t package, uint32_t function)
{
	struct trace_counter *counter = lanes_counter(lane, package, function);

	if (counter)
		__atomic_store_n(&counter->failed, counter->failed + 1, __ATOMIC_RELAXED);
}
