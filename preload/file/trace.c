/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <unistd.h>

#include "preload/file/clock.h"
#include "preload/file/trace.h"

#include "preload/base/poison.h"

struct trace_header *trace_header;

static bool make_no_trace(void)
{
	return false;
}

bool (*trace_begin)(void) = make_no_trace;
bool (*trace_renew)(void) = make_no_trace;

/* What could not be kept while there was no trace of this process to count it in: a child does not
 * write to the trace of its parent. */
static uint64_t lost_before[TRACE_LOST_COUNT];

APART void trace_lose(enum trace_lost what)
{
	uint64_t *lost = process_page && trace_is_mine() ? trace_header->lost : lost_before;

	__atomic_add_fetch(&lost[what], 1, __ATOMIC_RELAXED);
}

void trace_count_earlier(void)
{
	for (int i = 0; i < TRACE_LOST_COUNT; i++)
		__atomic_add_fetch(&trace_header->lost[i],
				   __atomic_exchange_n(&lost_before[i], 0, __ATOMIC_RELAXED),
				   __ATOMIC_RELAXED);
}

void trace_touch_clock(void)
{
	uint32_t next = __atomic_load_n(&trace_header->clock_index, __ATOMIC_RELAXED) + 1;

	/* Readers use the other one meanwhile. Two threads may write the same one: both mean
	 * now. */
	trace_header->clock_last[next & 1] = clock_now();
	__atomic_store_n(&trace_header->clock_index, next, __ATOMIC_RELEASE);
}

uint32_t trace_last_era;

uint32_t trace_begin_era(void)
{
	uint32_t era = trace_era();

	if (era == TRACE_ERA_MOST)
		return era;
	era = __atomic_add_fetch(&trace_last_era, 1, __ATOMIC_RELAXED);
	if (process_page && trace_is_mine())
		__atomic_store_n(&trace_header->last_era, era, __ATOMIC_RELAXED);
	return era;
}

void trace_begin_era_of_ring(void)
{
	if (trace_era() < TRACE_ERA_MOST / 2)
		trace_begin_era();
}

void trace_count_return(uint32_t function)
{
	if (process_page && trace_is_mine())
		__atomic_add_fetch(&trace_header->returns[function], 1, __ATOMIC_RELAXED);
}

bool trace_is_of_this_process(void)
{
	return process_page && trace_is_mine() && process_is_own();
}

void trace_end(enum trace_end end, int status)
{
	if (!trace_is_of_this_process())
		return;
	trace_header->exit_status = status;
	trace_touch_clock();
	__atomic_store_n(&trace_header->end, end, __ATOMIC_RELEASE);
}
