/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "preload/base/compiler.h"
#include "preload/base/free_list.h"
#include "preload/base/lock.h"
#include "preload/base/vm.h"
#include "preload/file/chunks.h"
#include "preload/file/trace.h"
#include "preload/ledger/shown.h"

#include "preload/base/poison.h"

enum {
	BATCH = 32, /* places that change their lane at once */
	BATCHES_MOST = 1 << 20,
};

static struct chunks_items fresh_places;
static struct chunks_refusal refusal;

/*
 * Free places are shared by the batch. The lists lie in private memory, not in the places
 * themselves: who overwrites the file must not decide where something is written.
 */
static struct vm_table table;
static struct batch {
	uint32_t next; /* link of the list that it is in */
	uint32_t count;
	uint32_t place[BATCH];
} * batches; /* by number, from 1: they lie in `table` */
static uint32_t batches_used;
static struct free_list filled, emptied;

static struct trace_entry *place_at(uint32_t reference)
{
	return chunks_at(reference);
}

bool shown_init(void)
{
	if (!vm_table_init(&table, VM_TRACER, BATCHES_MOST * sizeof(*batches), -1))
		return false;
	batches = (struct batch *)table.base;
	return true;
}

void shown_reset(void)
{
	fresh_places = (struct chunks_items){ .kind = TRACE_CHUNK_LEDGER,
					      .item_bytes = sizeof(struct trace_entry),
					      .most = TRACE_LEDGER_ENTRIES };
	refusal.asked = 0;
	filled.head = emptied.head = 0;
	batches_used = 0;
}

static uint32_t *link_of(uint32_t batch)
{
	return &batches[batch].next;
}

static uint32_t take_empty_batch(void)
{
	uint32_t batch = free_list_take(&emptied, link_of), used;

	if (batch)
		return batch;
	used = __atomic_load_n(&batches_used, __ATOMIC_RELAXED);
	while (vm_table_reach(&table, (used + 2) * sizeof(*batches)))
		if (__atomic_compare_exchange_n(&batches_used, &used, used + 1, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return used + 1;
	return 0;
}

/* Without memory for the batch, the places are not used again. */
static void share_batch(const uint32_t *place, uint32_t count)
{
	uint32_t batch = take_empty_batch();

	if (!batch)
		return;
	batches[batch].count = count;
	memcpy(batches[batch].place, place, count * sizeof(*place));
	free_list_add(&filled, batch, link_of(batch));
}

/* Takes a batch. Returns how many places it has: 0 to BATCH. */
static uint32_t take_batch(uint32_t *place)
{
	uint32_t batch = free_list_take(&filled, link_of), count;

	if (!batch)
		return 0;
	count = batches[batch].count;
	memcpy(place, batches[batch].place, count * sizeof(*place));
	free_list_add(&emptied, batch, link_of(batch));
	return count;
}

/* Fresh places are mostly those of a whole chunk: a processor fetches what lies beside the lines that it writes,
 * and two threads that write to neighbours would take them from each other all the time. They are no more than a
 * quarter of what a lane may keep: so it can keep all those of nearly as many blocks, when it has freed them. */
static void take_fresh(struct lane *lane)
{
	uint32_t count = lane->places_most / 4;
	struct trace_entry *fresh;

	if (!chunks_may_ask(&refusal) || !lock_take(LOCK_COLD))
		return;
	fresh = chunks_items_take(&fresh_places, &count);
	chunks_note_answer(&refusal, fresh != NULL);
	lock_release(LOCK_COLD);
	if (!fresh)
		return;
	lane->fresh = chunks_reference(fresh);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	lane->fresh_count = count;
}

/* Where the lane has no used one. */
static APART uint32_t take_another(struct lane *lane)
{
	if (lane->fresh_count == 0) {
		lane->places = take_batch(lane->place);
		if (lane->places)
			return lane->place[--lane->places];
		take_fresh(lane);
	}
	if (lane->fresh_count == 0) {
		trace_lose(TRACE_LOST_BLOCKS);
		return 0;
	}
	return lane->fresh + --lane->fresh_count * (sizeof(struct trace_entry) / TRACE_GRANULE);
}

uint32_t shown_take(struct lane *lane)
{
	return likely(lane->places > 0) ? lane->place[--lane->places] : take_another(lane);
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

	for (; shared < lane->places / 2; shared += BATCH)
		share_batch(lane->place + shared, BATCH);
	lane->places -= shared;
	memmove(lane->place, lane->place + shared, lane->places * sizeof(lane->place[0]));
}

void shown_give_back(struct lane *lane, uint32_t place)
{
	if (place == 0)
		return;
	if (unlikely(!lane)) {
		share_batch(&place, 1);
		return;
	}
	if (unlikely(lane->places >= lane->places_most))
		share_half(lane);
	lane->place[lane->places++] = place;
}

static enum trace_entry_state state_for(const struct ledger_entry *entry, enum ledger_life life)
{
	if (life == LIFE_DELETING)
		return TRACE_ENTRY_DELETING;
	if (life != LIFE_LIVE)
		return TRACE_ENTRY_FREE;
	if (entry->space == SPACE_SECTION)
		return entry->flags & LEDGER_IGNORED   ? TRACE_ENTRY_IGNORED_SECTION
		       : entry->flags & LEDGER_SUSPECT ? TRACE_ENTRY_SUSPECT_SECTION
						       : TRACE_ENTRY_SECTION;
	if (entry->flags & LEDGER_IGNORED)
		return TRACE_ENTRY_IGNORED;
	return entry->flags & LEDGER_SUSPECT ? TRACE_ENTRY_SUSPECT : TRACE_ENTRY_BLOCK;
}

void shown_set_state(const struct ledger_entry *entry, enum ledger_life life)
{
	if (entry->shown)
		__atomic_store_n(&place_at(entry->shown)->state, (uint8_t)state_for(entry, life),
				 __ATOMIC_RELEASE);
}

/* The era of an entry, in the chunk that has its place. */
static uint32_t *era_at(uint32_t place)
{
	enum {
		GRANULES = TRACE_CHUNK_BYTES / TRACE_GRANULE,
		OF_HEADER = TRACE_CHUNK_HEADER_BYTES / TRACE_GRANULE,
		OF_ENTRY = sizeof(struct trace_entry) / TRACE_GRANULE,
	};
	char *chunk = chunks_at(place - place % GRANULES);

	return (uint32_t *)(chunk + TRACE_LEDGER_ERAS_OFFSET) +
	       (place % GRANULES - OF_HEADER) / OF_ENTRY;
}

void shown_hide(uint32_t place)
{
	if (!place)
		return;
	poke(place_at(place)->state, TRACE_ENTRY_FREE);
	/* Orders the state before what is written next, for a reader of the file. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

void shown_write(uint32_t reference, const struct ledger_entry *entry, uint32_t era,
		 uint32_t section)
{
	struct trace_entry *place = place_at(reference);

	if (unlikely(!reference))
		return;
	place->address = entry->address;
	place->size = entry->size;
	place->section = entry->space == SPACE_SECTION ? entry->file : section;
	poke(place->stack, entry->stack); /* perhaps somebody still takes it for a link */
	place->tid = entry->tid;
	*era_at(reference) = era;
	place->flags = entry->flags & (TRACE_ENTRY_INHERITED | TRACE_ENTRY_ADOPTED);
	if (entry->space != SPACE_SECTION)
		place->flags |= (uint8_t)(entry->file << TRACE_ENTRY_FUNCTION_SHIFT);
	place->family = entry->family;
	place->package = entry->package;
	__atomic_store_n(&place->state, (uint8_t)state_for(entry, LIFE_LIVE), __ATOMIC_RELEASE);
}

void shown_set_reach(const struct ledger_entry *entry, enum trace_reach reach)
{
	const struct trace_entry *place = place_at(entry->shown);
	uint32_t era = entry->era;

	if (entry->shown && peek(place->state) == state_for(entry, LIFE_LIVE) &&
	    peek(place->address) == entry->address && peek(place->stack) == entry->stack)
		__atomic_compare_exchange_n(era_at(entry->shown), &era,
					    era | (uint32_t)reach << TRACE_ERA_BITS, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
