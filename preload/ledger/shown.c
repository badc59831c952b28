/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "preload/base/compiler.h"
#include "preload/base/lock.h"
#include "preload/file/chunks.h"
#include "preload/file/trace.h"
#include "preload/ledger/scopes.h"
#include "preload/ledger/shown.h"

#include "preload/base/poison.h"

enum { BATCH = 32 }; /* places that change their lane at once */

static struct chunks_items fresh_places;
static struct chunks_refusal refusal;
static uint64_t free_batches; /* reference of the first place of the first batch | version << 32 */

static struct trace_entry *place_at(uint32_t reference)
{
	return chunks_at(reference);
}

void shown_reset(void)
{
	fresh_places =
		(struct chunks_items){ TRACE_CHUNK_LEDGER, sizeof(struct trace_entry), NULL, 0 };
	refusal.asked = 0;
	free_batches = 0;
}

/*
 * The list of free places. In a place that is free, `address` is the next place of its batch, and in the
 * first one of a batch `size` is the first one of the next batch:
 *
 *	free_batches ──▶ place ──size──▶ place ──size──▶ 0
 *	                   │address        │address
 *	                 place           place
 *	                   ▼               ▼
 *	                   0               0
 *
 * The version keeps a batch from being taken by a thread that saw the list as it was before the batch
 * was taken and put back.
 */
static void push_batch(const uint32_t *place, uint32_t count)
{
	uint64_t head = __atomic_load_n(&free_batches, __ATOMIC_RELAXED);
	struct trace_entry *first = place_at(place[0]);

	for (uint32_t i = 0; i < count; i++)
		place_at(place[i])->address = i + 1 < count ? place[i + 1] : 0;
	do {
		__atomic_store_n(&first->size, (uint32_t)head, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&free_batches, &head,
					      ((head >> 32) + 1) << 32 | place[0], false,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

/* Takes a batch. Returns how many places it has: 0 to BATCH. */
static uint32_t pop_batch(uint32_t *place)
{
	uint64_t head = __atomic_load_n(&free_batches, __ATOMIC_ACQUIRE), next;
	uint32_t count = 0;

	do {
		if ((uint32_t)head == 0)
			return 0;
		next = (uint32_t)__atomic_load_n(&place_at((uint32_t)head)->size, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&free_batches, &head, ((head >> 32) + 1) << 32 | next,
					      false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
	for (uint32_t at = (uint32_t)head; at && count < BATCH; count++) {
		place[count] = at;
		at = (uint32_t)place_at(at)->address;
	}
	return count;
}

static APART void refill_lane(struct lane *lane)
{
	uint32_t count = BATCH;
	struct trace_entry *fresh;

	lane->slots = pop_batch(lane->slot);
	if (lane->slots || !chunks_may_ask(&refusal) || !lock_take(LOCK_COLD))
		return;
	fresh = chunks_items_take(&fresh_places, &count);
	chunks_note_answer(&refusal, fresh != NULL);
	lock_release(LOCK_COLD);
	for (; fresh && lane->slots < count; lane->slots++)
		lane->slot[lane->slots] = chunks_reference(&fresh[lane->slots]);
}

uint32_t shown_take(struct lane *lane)
{
	if (unlikely(lane->slots == 0))
		refill_lane(lane);
	if (unlikely(lane->slots == 0)) {
		trace_lose(TRACE_LOST_BLOCKS);
		return 0;
	}
	return lane->slot[--lane->slots];
}

uint32_t shown_take_fresh(void)
{
	uint32_t one = 1;
	struct trace_entry *fresh = chunks_items_take(&fresh_places, &one);

	if (!fresh)
		trace_lose(TRACE_LOST_BLOCKS);
	return fresh ? chunks_reference(fresh) : 0;
}

/* The older half of a lane's free places is for others. */
static APART void share_half(struct lane *lane)
{
	uint32_t shared = 0;

	for (; shared < lane->slots / 2; shared += BATCH)
		push_batch(lane->slot + shared, BATCH);
	lane->slots -= shared;
	memmove(lane->slot, lane->slot + shared, lane->slots * sizeof(lane->slot[0]));
}

void shown_give_back(struct lane *lane, uint32_t place)
{
	if (place == 0)
		return;
	if (unlikely(!lane)) {
		push_batch(&place, 1);
		return;
	}
	if (unlikely(lane->slots >= lane->slots_most))
		share_half(lane);
	lane->slot[lane->slots++] = place;
}

static enum trace_entry_state state_for(const struct ledger_entry *entry, enum ledger_life life)
{
	if (life == LIFE_DELETING)
		return TRACE_ENTRY_DELETING;
	if (life != LIFE_LIVE)
		return TRACE_ENTRY_FREE;
	if (entry->space == SPACE_SECTION)
		return TRACE_ENTRY_SECTION;
	return entry->flags & LEDGER_SUSPECT ? TRACE_ENTRY_SUSPECT : TRACE_ENTRY_BLOCK;
}

void shown_set_state(const struct ledger_entry *entry, enum ledger_life life)
{
	if (entry->shown)
		__atomic_store_n(&place_at(entry->shown)->state, (uint8_t)state_for(entry, life),
				 __ATOMIC_RELEASE);
}

static uint32_t place_of_section(const struct ledger_entry *block)
{
	uint32_t number = scopes_section_number(block);

	return number ? entries[number].shown : 0;
}

void shown_write(const struct ledger_entry *entry)
{
	struct trace_entry *place;

	if (!entry->shown)
		return;
	place = place_at(entry->shown);
	__atomic_store_n(&place->state, TRACE_ENTRY_FREE, __ATOMIC_RELAXED);
	/* Orders the state before what follows, for a reader of the file. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	place->address = entry->address;
	place->size = entry->size;
	place->section = entry->space == SPACE_SECTION ? entry->file : place_of_section(entry);
	place->stack = entry->stack;
	place->tid = entry->tid;
	place->flags = entry->flags & (TRACE_ENTRY_INHERITED | TRACE_ENTRY_ADOPTED);
	place->family = entry->family;
	place->package = entry->package;
	shown_set_state(entry, LIFE_LIVE);
}
