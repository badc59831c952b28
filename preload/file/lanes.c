/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "preload/base/free_list.h"
#include "preload/base/kernel.h"
#include "preload/base/lock.h"
#include "preload/base/vm.h"
#include "preload/file/chunks.h"
#include "preload/file/lanes.h"

#include "preload/base/poison.h"

enum { LANES_MAX = 32768, RECLAIM_LEAST = 64 };

#define NO_TRACE UINT32_MAX /* no trace has this number */

enum { SHOWN_IN_USE = 1, SHOWN_BETWEEN = 2 }; /* trace_lane.state */

static struct vm_table table;
static struct lane *lanes;          /* by number: they lie in `table` */
static uint32_t lanes_used;         /* numbers given out */
static struct free_list lanes_free; /* by number + 1 */
static pthread_key_t thread_end;
static bool has_thread_end;
static bool have_left;
static uint32_t reclaim_at; /* lanes in use: when to look next for threads that have ended */
static struct chunks_items shown_items, counter_items;
static const struct lane_history *history_kind;

__thread struct lane *lanes_own;
__thread uint32_t lanes_own_trace = NO_TRACE;

/* Its thread was left in the midst of something, or has ended so. */
static void note_left(struct lane *lane)
{
	__atomic_store_n(&have_left, true, __ATOMIC_RELAXED);
	trace_lose(TRACE_LOST_JUDGEMENTS);
	if (!lane)
		return;
	/* It may have been about to change the history, or to begin a chunk of the ring. */
	history_kind->forget(lane->history);
	if (!lane->chunk)
		lane->next = lane->end = NULL;
	lane->shown->inside = 0;
}

static void give_back(struct lane *lane)
{
	lane->is_nested = false;
	lane->depth = lane->shown->depth = 0;
	lane->shown->inside = 0;
	__atomic_store_n(&lane->shown->state, SHOWN_BETWEEN, __ATOMIC_RELEASE);
	free_list_add(&lanes_free, lane->number + 1, &lane->next_free);
}

static struct lane *outer_of(const struct lane *lane)
{
	return lane->is_nested ? lane->outer : NULL;
}

/* Gives back inner lanes, up to `last`; NULL: all lanes of the thread. */
static void give_back_up_to(const struct lane *last)
{
	struct lane *lane = lanes_own, *outer;

	for (; lane != last; lane = outer) {
		outer = outer_of(lane);
		if (lane->is_nested)
			note_left(outer);
		give_back(lane);
	}
	lanes_own = lane;
}

/* The destructor of `thread_end`. Others may make calls after it. */
static void end_thread(void *unused)
{
	(void)unused;
	/* A lane of the parent is not known in a forked child. */
	if (trace_is_mine()) {
		if (reentry_inside)
			lanes_note_left();
		for (struct lane *lane = lanes_known(); lane; lane = outer_of(lane))
			lane->user = NULL;
		if (lanes_known())
			give_back_up_to(NULL);
	}
	lanes_own_trace = NO_TRACE;
}

/*
 * A value of one of the first keys lies in the C library's description of the thread; for others it
 * would call calloc(), perhaps in a signal handler that interrupted the host's. Without a key,
 * threads that have ended are found when lanes get many (reclaim()).
 */
void lanes_start(void)
{
	enum { KEYS_WITHOUT_ALLOCATION = 32 };

	has_thread_end = pthread_key_create(&thread_end, end_thread) == 0;
	if (has_thread_end && thread_end >= KEYS_WITHOUT_ALLOCATION) {
		pthread_key_delete(thread_end);
		has_thread_end = false;
	}
}

bool lanes_init(const struct lane_history *kind)
{
	history_kind = kind;
	if (!vm_table_init(&table, VM_TRACER, LANES_MAX * sizeof(*lanes), -1))
		return false;
	lanes = (struct lane *)table.base;
	return true;
}

void lanes_reset(void)
{
	for (uint32_t i = 0; i < lanes_used; i++)
		lanes[i] = (struct lane){ .memory = lanes[i].memory };
	lanes_used = 0;
	reclaim_at = RECLAIM_LEAST;
	lanes_free = (struct free_list){ 0 };
	shown_items = (struct chunks_items){ .kind = TRACE_CHUNK_LANES,
					     .item_bytes = sizeof(struct trace_lane) };
	counter_items = (struct chunks_items){ .kind = TRACE_CHUNK_COUNTERS,
					       .item_bytes = sizeof(struct trace_counters) };
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
	struct lane *lane;

	if (!lanes || !vm_table_reach(&table, (lanes_used + 1) * sizeof(*lanes)))
		return NULL;
	lane = &lanes[lanes_used];
	if (!lane->memory)
		lane->memory = vm_reserve_filled(sizeof(*lane->memory) + history_kind->bytes);
	return lane->memory;
}

/* Of the lane that is made next: one for each chunk that the file may have, and fewer where lanes are many. */
static uint32_t most_places(void)
{
	enum { FEW_LANES = 128 };
	uint64_t chunks = trace_header->max_chunks; /* 0: the file has no bound */
	uint64_t share = chunks * FEW_LANES / (FEW_LANES + lanes_used);

	if (chunks == 0 || share > LANE_PLACES_MOST)
		return LANE_PLACES_MOST;
	return share < LANE_PLACES_LEAST ? LANE_PLACES_LEAST : (uint32_t)share;
}

/* Under the cold lock. */
static struct lane *make_lane(void)
{
	static const uint64_t no_life;
	struct lane_memory *memory;
	struct trace_lane *shown;
	struct lane *lane;
	uint32_t one = 1;

	if (lanes_used == LANES_MAX || !(memory = reserve_memory()) ||
	    !(shown = chunks_items_take(&shown_items, &one)))
		return NULL;
	lane = &lanes[lanes_used];
	lane->number = shown->number = lanes_used;
	lane->history = (struct unwind_history *)memory->history;
	lane->counters = &memory->counters;
	memset(lane->counters, 0, sizeof(memory->counters));
	lane->place = memory->place;
	lane->section = (struct lane_section){ .life = LANE_NO_LIFE, .life_now = &no_life };
	lane->places_most = most_places();
	lane->shown = shown;
	__atomic_store_n(&lanes_used, lanes_used + 1, __ATOMIC_RELEASE);
	return lane;
}

static bool has_ended(const struct lane *lane)
{
	return __atomic_load_n(&lane->shown->state, __ATOMIC_ACQUIRE) == SHOWN_IN_USE &&
	       kernel_call(SYS_tkill, lane->tid, 0) != 0 && errno == ESRCH;
}

/* Gives back the lanes of threads that have ended without telling. Asked again when there are twice
 * as many lanes, so that each lane costs a few questions at most. Under the cold lock. */
static void reclaim(void)
{
	uint32_t in_use = 0;

	for (uint32_t i = 0; i < lanes_used; i++) {
		if (!has_ended(&lanes[i])) {
			in_use++;
			continue;
		}
		if (lanes[i].shown->inside)
			note_left(&lanes[i]);
		lanes[i].user = NULL;
		give_back(&lanes[i]);
	}
	reclaim_at = lanes_used > 2 * in_use ? lanes_used : 2 * in_use;
	if (reclaim_at < RECLAIM_LEAST)
		reclaim_at = RECLAIM_LEAST;
}

static struct lane *take_free(void)
{
	uint32_t number = free_list_take(&lanes_free, next_free_of);

	return number ? &lanes[number - 1] : NULL;
}

static APART struct lane *take_new(void)
{
	struct lane *lane = NULL;

	if (!lock_take(LOCK_COLD))
		return NULL;
	if (lanes_used >= reclaim_at && !process_is_confined) {
		reclaim();
		lane = take_free();
	}
	if (!lane)
		lane = make_lane();
	lock_release(LOCK_COLD);
	return lane;
}

/* The end of the thread is watched first: it may be cancelled at any moment. */
static struct lane *take_lane(void)
{
	struct lane *lane;

	if (has_thread_end)
		pthread_setspecific(thread_end, &thread_end);
	lane = take_free();
	if (!lane)
		lane = take_new();
	if (!lane)
		return NULL;
	/* A thread that takes the same lane again has the same stack. */
	if (lane->user != &lanes_own) {
		history_kind->forget(lane->history);
		lane->user = &lanes_own;
		lane->tid = lane->shown->tid = process_is_confined ? 0 : gettid();
	}
	__atomic_store_n(&lane->shown->state, SHOWN_IN_USE, __ATOMIC_RELEASE);
	lane->errno_place = &errno;
	return lane;
}

static struct lane *give_lane(void)
{
	struct lane *lane = take_lane();

	if (lane) {
		lanes_own = lane;
		lanes_own_trace = trace_number();
	}
	return lane;
}

struct lane *lanes_mine(void)
{
	struct lane *lane = lanes_known();

	return likely(lane) ? lane : give_lane();
}

void lanes_note_left(void)
{
	note_left(lanes_known());
	lock_release_left();
	reentry_leave();
}

bool lanes_were_left(const void *end)
{
	if (!reentry_was_left(end))
		return false;
	lanes_note_left();
	return true;
}

bool lanes_have_left(void)
{
	return __atomic_load_n(&have_left, __ATOMIC_RELAXED);
}

/* Another signal may arrive between any two of these steps, and its call ends before the next
 * step. */
struct lane *lanes_nest(struct reentry_mark *mark)
{
	struct lane *outer = lanes_known(), *lane = take_lane();

	if (!lane)
		return NULL;
	lane->is_nested = true;
	lane->outer = outer;
	lane->outer_mark = reentry_inside;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	lanes_own = lane;
	lanes_own_trace = trace_number();
	reentry_enter(mark);
	return lane;
}

void lanes_unnest(struct lane *lane)
{
	if (!lane->outer)
		lanes_own_trace = NO_TRACE;
	lanes_own = lane->outer;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	reentry_inside = lane->outer_mark;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	give_back(lane);
}

void lanes_return_to(const struct lane *own)
{
	const struct lane *lane = lanes_known();

	while (lane && lane != own)
		lane = outer_of(lane);
	if (lane)
		give_back_up_to(lane);
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
