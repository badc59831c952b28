/* SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "preload/base/reentry.h"
#include "preload/capture/backtrace.h"
#include "preload/file/clock.h"
#include "preload/file/lanes.h"
#include "preload/file/ring.h"
#include "preload/file/trace.h"
#include "preload/host/maps.h"
#include "preload/ledger/lookup.h"
#include "preload/ledger/release.h"
#include "preload/package/transfer.h"

#include "preload/base/poison.h"

enum {
	DEPTH_MOST = 8,          /* of blocks that point to blocks */
	SCAN_BYTES_MOST = 65536, /* of one block: no structure of the interface is longer */
};

_Static_assert(TRANSFER_END <= TRACE_FUNCTIONS, "counters");

/* One hand-over. */
struct handing {
	const struct transfer *transfer;
	enum trace_receiver to;
	struct lane *lane; /* NULL: the tracer was come upon, and nothing can be recorded */
	struct reentry_mark mark;
	bool has_stack;
	uint32_t stack;
	uint64_t caller;
};

/* Only once something goes: most returns hand nothing over. Our own frames are no part of it. */
static void take_stack(struct handing *h)
{
	if (!h->has_stack)
		h->stack = backtrace_take(h->lane, __builtin_frame_address(0), &h->caller);
	h->has_stack = true;
}

static void count(const struct handing *h, uint64_t bytes)
{
	struct trace_counter *counter =
		lanes_counter(h->lane, h->transfer->package, h->transfer->function);

	if (!counter) {
		trace_lose(TRACE_LOST_DEFINITIONS);
		return;
	}
	__atomic_store_n(&counter->calls, counter->calls + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&counter->bytes, counter->bytes + bytes, __ATOMIC_RELAXED);
}

static void record(struct handing *h, const struct ledger_entry *block)
{
	struct trace_event *event;

	take_stack(h);
	count(h, block->size);
	event = ring_reserve(h->lane);
	if (!event)
		return;
	h->lane->chunk->transfers++;
	event->time = h->lane->time;
	event->address = block->address;
	event->section =
		h->to == TRACE_RECEIVER_CLIENT ? (uint64_t)(uintptr_t)h->transfer->request : 0;
	event->size = block->size;
	event->caller = h->caller;
	event->stack = h->stack;
	event->tid = h->lane->tid;
	event->result = block->family | h->to << 8;
	event->function = (uint8_t)h->transfer->function;
	event->package = (uint8_t)h->transfer->package;
	ring_commit(event, TRACE_EVENT_COMMITTED);
}

static bool hand_over(struct handing *h, const struct ledger_view *block)
{
	if (h->lane)
		lanes_advance(h->lane, clock_ticks_after());
	if (!release_to_new_owner(h->lane, block))
		return false;
	if (h->lane)
		record(h, &block->entry);
	else
		trace_lose(TRACE_LOST_EVENTS);
	return true;
}

/* How much of a block there is to look at: it is live, so it can be read, if it is as long as said. */
static size_t scannable(const struct ledger_entry *block)
{
	size_t bytes = block->size < SCAN_BYTES_MOST ? block->size : SCAN_BYTES_MOST;

	return block->flags & LEDGER_OBTAINED
		       ? maps_readable((const void *)(uintptr_t)block->address, bytes)
		       : bytes;
}

static void hand_over_words(struct handing *h, const uint64_t *word, size_t bytes, int depth);

/* Blocks that point to each other in a circle end it: what has gone is no longer live. */
static void hand_over_block(struct handing *h, uint64_t address, int depth)
{
	struct ledger_view block;

	if (!lookup_find(SPACE_BLOCK, address, 0, &block) || !ledger_is_live(&block) ||
	    block.entry.family != FAMILY_LSA_HEAP || !hand_over(h, &block))
		return;
	if (depth < DEPTH_MOST)
		hand_over_words(h, (const uint64_t *)(uintptr_t)address, scannable(&block.entry),
				depth + 1);
}

/* Any aligned word may be a pointer; nothing of it is kept. */
static void hand_over_words(struct handing *h, const uint64_t *word, size_t bytes, int depth)
{
	size_t words = bytes / sizeof(*word);

	for (size_t i = 0; i < words; i++)
		if (word[i])
			hand_over_block(h, word[i], depth);
}

/* False: there is no trace of this process. Where a signal handler has come upon the tracer, nothing
 * is recorded, but what goes must not be taken for a leak. */
static bool begin(struct handing *h)
{
	if (!trace_is_mine())
		return false;
	if (reentry_inside && !lanes_were_left(h + 1))
		return true;
	reentry_enter(&h->mark);
	h->lane = lanes_mine();
	if (!h->lane)
		reentry_leave();
	return true;
}

static void end(const struct handing *h)
{
	if (h->lane)
		reentry_leave();
}

void transfer_to_lsa(const struct transfer *t, const void *block)
{
	struct handing h = { .transfer = t };

	if (!block || !begin(&h))
		return;
	hand_over_block(&h, (uint64_t)(uintptr_t)block, 0);
	end(&h);
}

void transfer_contents_to_lsa(const struct transfer *t, const void *structure, size_t bytes)
{
	struct handing h = { .transfer = t };

	if (!structure || !begin(&h))
		return;
	hand_over_words(&h, structure, maps_readable(structure, bytes), 0);
	end(&h);
}

void transfer_to_client(const struct transfer *t, const void *buffer)
{
	struct handing h = { .transfer = t, .to = TRACE_RECEIVER_CLIENT };
	uint64_t address = (uint64_t)(uintptr_t)buffer, request = (uint64_t)(uintptr_t)t->request;
	struct ledger_view view;

	if (!buffer || !begin(&h))
		return;
	if (lookup_find(SPACE_CLIENT, address, request, &view) && ledger_is_live(&view))
		hand_over(&h, &view);
	else
		hand_over_block(&h, address, 0);
	end(&h);
}
