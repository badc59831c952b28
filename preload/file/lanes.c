/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "preload/base/free_list.h"
#include "preload/base/lock.h"
#include "preload/base/vm.h"
#include "preload/file/chunks.h"
#include "preload/file/lanes.h"

#include "preload/base/poison.h"

enum { LANES_MAX = 32768 };

#define NO_TRACE UINT32_MAX /* no trace has this number */

enum { SHOWN_IN_USE = 1, SHOWN_BETWEEN = 2 }; /* trace_lane.state */

static struct vm_table table;
static struct lane *lanes;          /* by number: they lie in `table` */
static uint32_t lanes_used;         /* numbers given out */
static struct free_list lanes_free; /* by number + 1 */
static pthread_key_t thread_end;
static struct chunks_items shown_items, counter_items;
static const struct lane_history *history_kind;

__thread struct lane *lanes_own;
__thread uint32_t lanes_own_trace = NO_TRACE;

/* The destructor of `thread_end`. */
static void free_lane(void *lane_of_thread)
{
	struct lane *lane = lanes_known();

	if (!lane || lane != lane_of_thread)
		return; /* it is a lane of the parent, and this a forked child */
	history_kind->forget(lane->history);
	lanes_own_trace = NO_TRACE;
	lane->shown->state = SHOWN_BETWEEN;
	free_list_add(&lanes_free, lane->number + 1, &lane->next_free);
}

bool lanes_init(const struct lane_history *kind)
{
	history_kind = kind;
	if (!vm_table_init(&table, VM_TRACER, LANES_MAX * sizeof(*lanes), -1))
		return false;
	lanes = (struct lane *)table.base;
	return pthread_key_create(&thread_end, free_lane) == 0;
}

void lanes_reset(void)
{
	for (uint32_t i = 0; i < lanes_used; i++)
		lanes[i] = (struct lane){ .memory = lanes[i].memory };
	lanes_used = 0;
	lanes_free = (struct free_list){ 0 };
	shown_items = (struct chunks_items){ TRACE_CHUNK_LANES, sizeof(struct trace_lane), NULL, 0 };
	counter_items = (struct chunks_items){ TRACE_CHUNK_COUNTERS, sizeof(struct trace_counters),
					       NULL, 0 };
}

static uint32_t *next_free_of(uint32_t number)
{
	return &lanes[number - 1].next_free;
}

struct lane_memory {
	struct lane_counters counters;
	uint32_t place[LANE_PLACES_MOST];
	_Alignas(64) char history[]; /* history_kind->bytes */
};

/*
 * The memory of the lane that is made next. It stays when there is a new file, and the history in it
 * as well: a history is compared with what is on the stack, and not believed. Returns NULL if there
 * is none.
 */
static struct lane_memory *reserve_memory(void)
{
	struct lane *lane = &lanes[lanes_used];

	if (!vm_table_reach(&table, (lanes_used + 1) * sizeof(*lanes)))
		return NULL;
	if (!lane->memory)
		lane->memory = vm_reserve(sizeof(*lane->memory) + history_kind->bytes);
	return lane->memory;
}

static uint32_t most_places(void)
{
	uint32_t share = trace_header->max_chunks / 4; /* 0: the file has no bound */

	if (share == 0 || share > LANE_PLACES_MOST)
		return LANE_PLACES_MOST;
	return share < LANE_PLACES_LEAST ? LANE_PLACES_LEAST : share;
}

static struct lane *make_lane(void)
{
	struct lane *lane = NULL;
	struct lane_memory *memory;
	struct trace_lane *shown;
	uint32_t one = 1;

	if (!lock_take(LOCK_COLD))
		return NULL;
	if (lanes_used < LANES_MAX && (memory = reserve_memory()) != NULL &&
	    (shown = chunks_items_take(&shown_items, &one)) != NULL) {
		lane = &lanes[lanes_used];
		lane->number = shown->number = lanes_used;
		lane->history = (struct unwind_history *)memory->history;
		lane->counters = &memory->counters;
		memset(lane->counters, 0, sizeof(memory->counters));
		lane->place = memory->place;
		lane->places_most = most_places();
		lane->shown = shown;
		__atomic_store_n(&lanes_used, lanes_used + 1, __ATOMIC_RELEASE);
	}
	lock_release(LOCK_COLD);
	return lane;
}

static struct lane *give_lane(void)
{
	uint32_t number = free_list_take(&lanes_free, next_free_of);
	struct lane *lane = number ? &lanes[number - 1] : make_lane();

	if (!lane)
		return NULL;
	lane->tid = lane->shown->tid = gettid();
	lane->depth = lane->shown->depth = 0;
	__atomic_store_n(&lane->shown->state, SHOWN_IN_USE, __ATOMIC_RELEASE);
	lane->errno_place = &errno;
	lanes_own = lane;
	lanes_own_trace = trace_number();
	pthread_setspecific(thread_end, lane);
	return lane;
}

struct lane *lanes_mine(void)
{
	struct lane *lane = lanes_known();

	return likely(lane) ? lane : give_lane();
}

bool lanes_were_left(const void *end)
{
	if (!reentry_was_left(end))
		return false;
	if (lanes_known())
		history_kind->forget(lanes_known()->history);
	reentry_leave();
	return true;
}

uint32_t lanes_count(void)
{
	return __atomic_load_n(&lanes_used, __ATOMIC_RELAXED);
}

APART struct trace_counters *lanes_add_counters(struct lane *lane, uint32_t package,
						uint32_t function)
{
	uint32_t row = function / TRACE_COUNTERS_FUNCTIONS;
	struct trace_counters *counters = NULL;
	uint32_t one = 1;

	if (!lock_take(LOCK_COLD))
		return NULL;
	counters = chunks_items_take(&counter_items, &one);
	lock_release(LOCK_COLD);
	if (!counters)
		return NULL;
	counters->lane = lane->number;
	counters->package = package;
	counters->first = row * TRACE_COUNTERS_FUNCTIONS;
	__atomic_store_n(&counters->valid, 1, __ATOMIC_RELEASE);
	return lane->counters->of[package][row] = counters;
}
