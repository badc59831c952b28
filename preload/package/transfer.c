/* SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "preload/base/reentry.h"
#include "preload/call/event.h"
#include "preload/call/on_error.h"
#include "preload/capture/backtrace.h"
#include "preload/file/clock.h"
#include "preload/file/findings.h"
#include "preload/file/ring.h"
#include "preload/file/trace.h"
#include "preload/host/maps.h"
#include "preload/ledger/describe.h"
#include "preload/ledger/gaps.h"
#include "preload/ledger/ledger.h"
#include "preload/ledger/lookup.h"
#include "preload/ledger/release.h"
#include "preload/package/transfer.h"

#include "preload/base/poison.h"

enum {
	DEPTH_MOST = 8,          /* of blocks that point to blocks */
	SCAN_BYTES_MOST = 65536, /* of one block: no structure of the interface is longer */
};

/* One hand-over: what goes at the return of one entry point. */
struct handing {
	const struct transfer *transfer;
	enum trace_receiver to;
	struct lane *lane; /* NULL: nothing can be recorded */
	struct reentry_mark mark;
	bool has_stack;
	struct backtrace_taken taken;
};

static void record_block(struct handing *h, const struct ledger_entry *block)
{
	const struct transfer *t = h->transfer;
	bool to_client = h->to == TRACE_RECEIVER_CLIENT;
	struct trace_event what = {
		.address = block->address,
		.section = to_client ? (uint64_t)(uintptr_t)t->request : 0,
		.size = block->size,
		.function = (uint8_t)t->function,
		.package = (uint8_t)t->package,
	};
	struct trace_event *event;

	/* Only once something goes: most returns hand nothing over. Frames of lsatrace are no part
	 * of it. */
	if (!h->has_stack)
		h->taken = backtrace_take(h->lane, __builtin_frame_address(0));
	h->has_stack = true;
	what.stack = h->taken.stack;
	what.caller = h->taken.caller;
	event_count(h->lane, t->package, t->function, false, block->size);
	event = event_write(h->lane, &what);
	if (!event)
		return;
	h->lane->chunk->transfers++;
	event->result = block->family | h->to << 8;
	ring_commit(event, TRACE_EVENT_COMMITTED);
}

/* False: another thread has changed the block meanwhile. */
static bool hand_over(struct handing *h, const struct ledger_view *block)
{
	if (h->lane)
		lanes_advance(h->lane, clock_ticks_after());
	if (!release_to_new_owner(h->lane, block))
		return false;
	if (h->lane)
		record_block(h, &block->entry);
	else
		trace_lose(TRACE_LOST_EVENTS);
	return true;
}

/* How many bytes of a block can be looked at. It is live, so all that the package asked for can be;
 * what the host has said of a length is checked. */
static size_t scannable_bytes(const struct ledger_entry *block)
{
	size_t bytes = block->size < SCAN_BYTES_MOST ? block->size : SCAN_BYTES_MOST;

	return block->flags & LEDGER_OBTAINED
		       ? maps_readable((const void *)(uintptr_t)block->address, bytes)
		       : bytes;
}

static void hand_over_words(struct handing *h, const uint64_t *word, size_t bytes, int depth);

static bool is_of_client(const struct transfer *t)
{
	return t->function >= TRANSFER_UserQueryContextAttributes;
}

/* Is it of a family whose blocks a package returns? The groups of a token have to be of the private
 * heap, by the page of LSA_TOKEN_INFORMATION_V1; the token itself has not. Where a library's two halves
 * are in one process, its one allocator may be that of the other half. */
static bool may_go(const struct handing *h, enum family family, int depth)
{
	if (is_of_client(h->transfer))
		return family == FAMILY_USER_HEAP;
	if (h->to == TRACE_RECEIVER_LSA && family == FAMILY_USER_HEAP)
		return true;
	return family == FAMILY_LSA_HEAP ||
	       (family == FAMILY_PRIVATE_HEAP && h->to == TRACE_RECEIVER_LSA && depth > 0);
}

/* Blocks that point to each other in a circle end it: what has gone is no longer live. Returns false
 * if no block at the address goes. */
static bool hand_over_block(struct handing *h, uint64_t address, int depth)
{
	struct ledger_view block;

	if (!lookup_find(SPACE_BLOCK, address, 0, &block) || !ledger_is_live(&block) ||
	    !may_go(h, (enum family)block.entry.family, depth) || !hand_over(h, &block))
		return false;
	if (depth < DEPTH_MOST)
		hand_over_words(h, (const uint64_t *)(uintptr_t)address,
				scannable_bytes(&block.entry), depth + 1);
	return true;
}

/* Any aligned word may be a pointer; nothing of it is kept. */
static void hand_over_words(struct handing *h, const uint64_t *word, size_t bytes, int depth)
{
	size_t words = bytes / sizeof(*word);

	for (size_t i = 0; i < words; i++)
		if (word[i])
			hand_over_block(h, word[i], depth);
}

/* Returns false if this process has no trace. If a signal handler interrupted the tracer, or the
 * trace has no room for a lane, nothing is recorded; but what goes is still no leak. `otherwise` is
 * what a signal handler loses. */
static bool begin_handing(struct handing *h, enum trace_lost otherwise)
{
	if (!trace_is_mine())
		return false;
	if (reentry_inside && !lanes_were_left(h + 1)) {
		trace_lose(otherwise);
		return true;
	}
	reentry_enter(&h->mark);
	h->lane = lanes_mine();
	if (!h->lane)
		reentry_leave();
	return true;
}

static void end_handing(const struct handing *h)
{
	if (h->lane)
		reentry_leave();
}

void transfer_to_lsa(const struct transfer *t, const void *block)
{
	struct handing h = { .transfer = t };

	if (!block || !begin_handing(&h, TRACE_LOST_JUDGEMENTS))
		return;
	hand_over_block(&h, (uint64_t)(uintptr_t)block, 0);
	end_handing(&h);
}

void transfer_contents_to_lsa(const struct transfer *t, const void *structure, size_t bytes)
{
	struct handing h = { .transfer = t };

	if (!structure || !begin_handing(&h, TRACE_LOST_JUDGEMENTS))
		return;
	hand_over_words(&h, structure, maps_readable(structure, bytes), 0);
	end_handing(&h);
}

void transfer_to_client(const struct transfer *t, const void *buffer)
{
	struct handing h = { .transfer = t, .to = TRACE_RECEIVER_CLIENT };
	uint64_t address = (uint64_t)(uintptr_t)buffer, request = (uint64_t)(uintptr_t)t->request;
	struct ledger_view view;

	if (!buffer || !begin_handing(&h, TRACE_LOST_JUDGEMENTS))
		return;
	if ((lookup_find(SPACE_CLIENT, address, request, &view) && ledger_is_live(&view)) ||
	    (!request && lookup_find_client(address, &view)))
		hand_over(&h, &view);
	/* A package may allocate under no request. */
	else if (!hand_over_block(&h, address, 0) && lookup_find(SPACE_CLIENT, address, 0, &view) &&
		 ledger_is_live(&view))
		hand_over(&h, &view);
	end_handing(&h);
}

void transfer_note_return(const struct transfer *t, uint64_t began, int32_t status)
{
	struct handing h = { .transfer = t };
	struct trace_event what = {
		.section = (uint64_t)(uintptr_t)t->request,
		.function = (uint8_t)t->function,
		.package = (uint8_t)t->package,
	};
	struct trace_event *event;

	if (!begin_handing(&h, TRACE_LOST_EVENTS) || !h.lane)
		return;
	lanes_advance(h.lane, clock_ticks_after());
	event = event_write(h.lane, &what);
	if (event) {
		h.lane->chunk->transfers++;
		event->duration = h.lane->time - began;
		event->result = status;
		ring_commit(event, TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED |
					   (status < 0 ? TRACE_EVENT_FAILED : 0));
	}
	end_handing(&h);
}

static bool is_freed(const struct ledger_view *view)
{
	return ledger_life(view) == LIFE_RELEASED && !(view->entry.flags & LEDGER_TRANSFERRED);
}

/* Returns TRACE_REASON_NONE if nothing is wrong, or nothing is known; else `view` is the block. */
static enum trace_reason judge_return(const struct transfer *t, bool to_client, uint64_t address,
				      struct ledger_view *view)
{
	uint64_t request = (uint64_t)(uintptr_t)t->request;
	struct ledger_view client;
	bool is_known;

	if (gaps_exist() || gaps_was_handed_in(address))
		return TRACE_REASON_NONE;
	client.number = 0;
	if (to_client && lookup_find(SPACE_CLIENT, address, request, &client) &&
	    ledger_is_live(&client))
		return TRACE_REASON_NONE;
	is_known = client.number != 0;
	if (!lookup_find(SPACE_BLOCK, address, 0, view) && is_known)
		*view = client;
	if (ledger_is_live(view))
		return (view->entry.flags & LEDGER_SUSPECT) == 0 &&
				       (to_client || view->entry.family == FAMILY_PRIVATE_HEAP)
			       ? TRACE_REASON_WRONG_FAMILY
			       : TRACE_REASON_NONE;
	/* No request may be that of any client. */
	if (to_client &&
	    (request ? lookup_find(SPACE_CLIENT, address, 0, &client) && ledger_is_live(&client)
		     : lookup_find_client(address, &client)))
		return TRACE_REASON_NONE;
	/* The buffer of a string may be a part of its block, where a smaller block has been. */
	return is_freed(view) && !lookup_find_around(SPACE_BLOCK, address, 0, &client)
		       ? TRACE_REASON_FREED
		       : TRACE_REASON_NONE;
}

static void note_wrong(struct handing *h, enum trace_reason reason, const struct ledger_view *block,
		       unsigned parameter)
{
	const struct transfer *t = h->transfer;
	bool to_client = h->to == TRACE_RECEIVER_CLIENT;
	struct trace_finding f = {
		.count = 1,
		.address = block->entry.address,
		.first_time = h->lane->time,
		.tid = h->lane->tid,
		.flags = TRACE_FINDING_HAS_ADDRESS,
		.kind = TRACE_KIND_WRONG_TRANSFER,
		.reason = (uint8_t)reason,
		.family = to_client ? FAMILY_CLIENT_BUFFER : FAMILY_LSA_HEAP,
		.function = (uint8_t)t->function,
		.package = (uint8_t)t->package,
		.parameter = (uint8_t)parameter,
	};

	lanes_advance(h->lane, clock_ticks_after());
	h->taken = backtrace_take(h->lane, __builtin_frame_address(0));
	f.stack[TRACE_STACK_CALL] = h->taken.stack;
	describe_block(&f, block);
	findings_note(&f);
	if (ledger_is_live(block))
		release_suspect(block);
}

bool transfer_is_wrong(const struct transfer *t, bool to_client, const void *block,
		       unsigned parameter)
{
	struct handing h = { .transfer = t,
			     .to = to_client ? TRACE_RECEIVER_CLIENT : TRACE_RECEIVER_LSA };
	uint64_t address = (uint64_t)(uintptr_t)block;
	enum trace_reason reason = TRACE_REASON_NONE;
	struct ledger_view view;

	if (!begin_handing(&h, TRACE_LOST_JUDGEMENTS))
		return false;
	if (h.lane)
		reason = judge_return(t, to_client, address, &view);
	if (reason)
		note_wrong(&h, reason, &view, parameter);
	end_handing(&h);
	if (!reason)
		return false;
	if (reason == TRACE_REASON_FREED || view.entry.family != FAMILY_PRIVATE_HEAP)
		on_error_stop(&(struct misuse){ TRACE_KIND_WRONG_TRANSFER, reason, t->function,
						t->package, h.taken.caller, address });
	return true;
}
