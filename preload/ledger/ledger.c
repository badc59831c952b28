/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "preload/base/index.h"
#include "preload/base/lock.h"
#include "preload/base/reentry.h"
#include "preload/base/vm.h"
#include "preload/file/chunks.h"
#include "preload/file/clock.h"
#include "preload/file/trace.h"
#include "preload/host/maps.h"
#include "preload/ledger/ledger.h"

#include "preload/base/poison.h"

enum {
	ENTRIES_MOST = 1 << 24,  /* 1 GiB of address space; what is touched is what is used */
	ENTRIES_LEAST = 1 << 18, /* where address space is limited */
	EPOCH_RELEASES = 1024,   /* a lane's releases in one epoch */
	SLOT_BATCH = 32,
	SNAPSHOT_TRIES = 64,
	GUESS_BITS = 20,
};

static struct ledger_entry *entries; /* by number, from 1 */
static uint32_t entries_used, entries_max;
static struct index addresses;
static uint32_t guesses[1 << GUESS_BITS]; /* by a few bits of a block's address: spare the index */
static uint32_t section_serial;
static uint32_t epoch;
static uint32_t current_era;
static bool has_gaps;
static int32_t blocks_of_no_lane[LANE_SECTIONS]; /* as lane->blocks, where there is no lane */
static struct chunks_items slot_items;
static struct chunks_refusal slot_refusal;
static uint64_t slots_free; /* list of batches of free entries of the file, as in lanes.c */

static uint64_t hash_of(enum ledger_space space, uint64_t address, uint64_t request)
{
	uint64_t scope = space == SPACE_CLIENT ? index_mix(request) : 0;

	return index_mix(address + space * 0x632be59bd9b4e019u + scope);
}

static uint64_t life_after(uint64_t life, enum ledger_life next)
{
	return ((life >> 8) + 1) << 8 | next;
}

static bool snapshot(uint32_t number, struct ledger_view *view)
{
	const struct ledger_entry *entry = &entries[number];

	for (int i = 0; i < SNAPSHOT_TRIES; i++) {
		uint64_t life = __atomic_load_n(&entry->life, __ATOMIC_ACQUIRE);

		if ((life & 0xff) == LIFE_BUSY)
			continue;
		if ((life & 0xff) == LIFE_NONE)
			return false;
		view->entry = *entry;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&entry->life, __ATOMIC_RELAXED) != life)
			continue;
		view->entry.life = life;
		view->number = number;
		return true;
	}
	return false;
}

/* Makes the entry this thread's to change. */
static bool claim(uint32_t number, uint64_t life)
{
	return __atomic_compare_exchange_n(&entries[number].life, &life, life_after(life, LIFE_BUSY),
					   false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void settle(uint32_t number, enum ledger_life next)
{
	struct ledger_entry *entry = &entries[number];

	__atomic_store_n(&entry->life, life_after(entry->life, next), __ATOMIC_RELEASE);
}

/* What lies at an address. */
struct sought {
	enum ledger_space space;
	uint64_t address, request;
	struct ledger_view *view;
	uint64_t life;
};

static inline bool is_at(const struct ledger_entry *entry, const struct sought *sought)
{
	return entry->address == sought->address && entry->space == sought->space &&
	       (sought->space != SPACE_CLIENT || entry->scope == sought->request);
}

static inline uint32_t find_entry(struct sought *sought, index_is_it *is_it)
{
	uint64_t hash = hash_of(sought->space, sought->address, sought->request);

	return index_find(&addresses, hash, is_it, sought);
}

static uint32_t most_entries(void)
{
	uint64_t share = maps_share(ENTRIES_MOST * sizeof(*entries), 16) / sizeof(*entries);

	return share > ENTRIES_LEAST ? (uint32_t)share : ENTRIES_LEAST;
}

bool ledger_init(void)
{
	for (entries_max = most_entries(); !entries && entries_max >= ENTRIES_LEAST;
	     entries_max /= 2)
		entries = vm_reserve((size_t)entries_max * sizeof(*entries));
	entries_max *= 2;
	slot_items =
		(struct chunks_items){ TRACE_CHUNK_LEDGER, sizeof(struct trace_entry), NULL, 0 };
	return entries != NULL;
}

bool ledger_has_gaps(void)
{
	return __atomic_load_n(&has_gaps, __ATOMIC_RELAXED);
}

APART void ledger_note_gap(void)
{
	__atomic_store_n(&has_gaps, true, __ATOMIC_RELAXED);
	trace_lose(TRACE_LOST_JUDGEMENTS);
}

static struct trace_entry *shown(uint32_t slot)
{
	return chunks_at(slot);
}

/*
 * Free entries of the file change hands in batches, so that threads seldom meet. Where a live entry
 * has its address, a free one holds the reference of the next in its batch; where that has its size,
 * the first of a batch holds that of the next batch.
 */
static void slots_push(const uint32_t *slot, uint32_t count)
{
	uint64_t head = __atomic_load_n(&slots_free, __ATOMIC_RELAXED);
	struct trace_entry *first = shown(slot[0]);

	for (uint32_t i = 0; i < count; i++)
		shown(slot[i])->address = i + 1 < count ? slot[i + 1] : 0;
	do {
		__atomic_store_n(&first->size, (uint32_t)head, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&slots_free, &head, ((head >> 32) + 1) << 32 | slot[0],
					      false, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

/* Takes a batch. Returns how many there are, at most SLOT_BATCH. */
static uint32_t slots_pop(uint32_t *slot)
{
	uint64_t head = __atomic_load_n(&slots_free, __ATOMIC_ACQUIRE), next;
	uint32_t count = 0;

	do {
		if ((uint32_t)head == 0)
			return 0;
		next = (uint32_t)__atomic_load_n(&shown((uint32_t)head)->size, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&slots_free, &head, ((head >> 32) + 1) << 32 | next,
					      false, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
	for (uint32_t at = (uint32_t)head; at && count < SLOT_BATCH; count++) {
		slot[count] = at;
		at = (uint32_t)shown(at)->address;
	}
	return count;
}

static APART void slots_refill(struct lane *lane)
{
	uint32_t count = SLOT_BATCH;
	struct trace_entry *fresh;

	lane->slots = slots_pop(lane->slot);
	if (lane->slots || !chunks_may_ask(&slot_refusal) || !lock_take(LOCK_COLD))
		return;
	fresh = chunks_items_take(&slot_items, &count);
	chunks_note_answer(&slot_refusal, fresh != NULL);
	lock_release(LOCK_COLD);
	for (; fresh && lane->slots < count; lane->slots++)
		lane->slot[lane->slots] = chunks_reference(&fresh[lane->slots]);
}

static uint32_t slot_take(struct lane *lane)
{
	if (unlikely(lane->slots == 0))
		slots_refill(lane);
	if (unlikely(lane->slots == 0)) {
		trace_lose(TRACE_LOST_BLOCKS);
		return 0;
	}
	return lane->slot[--lane->slots];
}

/* The older half of a lane's free entries is for others. */
static APART void slots_share(struct lane *lane)
{
	uint32_t shared = 0;

	for (; shared < lane->slots / 2; shared += SLOT_BATCH)
		slots_push(lane->slot + shared, SLOT_BATCH);
	lane->slots -= shared;
	memmove(lane->slot, lane->slot + shared, lane->slots * sizeof(lane->slot[0]));
}

static void slot_give_back(struct lane *lane, uint32_t slot)
{
	if (slot == 0)
		return;
	if (unlikely(!lane)) {
		slots_push(&slot, 1);
		return;
	}
	if (unlikely(lane->slots >= lane->slots_most))
		slots_share(lane);
	lane->slot[lane->slots++] = slot;
}

static enum trace_entry_state shown_state(const struct ledger_entry *entry, enum ledger_life life)
{
	if (life == LIFE_DELETING)
		return TRACE_ENTRY_DELETING;
	if (life != LIFE_LIVE)
		return TRACE_ENTRY_FREE;
	if (entry->space == SPACE_SECTION)
		return TRACE_ENTRY_SECTION;
	return entry->flags & LEDGER_SUSPECT ? TRACE_ENTRY_SUSPECT : TRACE_ENTRY_BLOCK;
}

static void show_state(const struct ledger_entry *entry, enum ledger_life life)
{
	if (entry->slot)
		__atomic_store_n(&shown(entry->slot)->state, (uint8_t)shown_state(entry, life),
				 __ATOMIC_RELEASE);
}

/* Something is entered there: reads its life. */
static bool is_entered(uint32_t number, void *context)
{
	struct sought *sought = context;

	sought->life = __atomic_load_n(&entries[number].life, __ATOMIC_ACQUIRE);
	return (sought->life & 0xff) > LIFE_BUSY && is_at(&entries[number], sought);
}

/* The entry of the section that a scope names, unless it is somebody else's by now. */
static uint32_t section_number(uint64_t scope)
{
	uint32_t number = (uint32_t)scope;

	return number && entries[number].scope == scope >> 32 &&
			       entries[number].space == SPACE_SECTION
		       ? number
		       : 0;
}

/* Does a scope name the live section that has this handle? */
static bool is_live_section(uint64_t scope, uint64_t handle)
{
	uint32_t number = section_number(scope);
	const struct ledger_entry *section = &entries[number];
	uint64_t life = __atomic_load_n(&section->life, __ATOMIC_ACQUIRE);
	bool is_it = number && (life & 0xff) == LIFE_LIVE && section->address == handle;

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return is_it && __atomic_load_n(&section->life, __ATOMIC_RELAXED) == life;
}

static uint32_t section_slot(const struct ledger_entry *block)
{
	uint32_t number = block->space == SPACE_BLOCK ? section_number(block->scope) : 0;

	return number ? entries[number].slot : 0;
}

static void show(const struct ledger_entry *entry)
{
	struct trace_entry *s;

	if (!entry->slot)
		return;
	s = shown(entry->slot);
	__atomic_store_n(&s->state, TRACE_ENTRY_FREE, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	s->address = entry->address;
	s->size = entry->size;
	s->section = entry->space == SPACE_SECTION ? entry->file : section_slot(entry);
	s->stack = entry->stack;
	s->tid = entry->tid;
	s->flags = entry->flags & (TRACE_ENTRY_INHERITED | TRACE_ENTRY_ADOPTED);
	s->family = entry->family;
	s->package = entry->package;
	show_state(entry, LIFE_LIVE);
}

/* Views what is there, until it is live. */
static bool is_live_there(uint32_t number, void *context)
{
	struct sought *sought = context;
	struct ledger_view found;

	if (!is_at(&entries[number], sought) || !snapshot(number, &found) ||
	    !is_at(&found.entry, sought))
		return false;
	*sought->view = found;
	return ledger_is_live(&found);
}

bool ledger_find(enum ledger_space space, uint64_t address, uint64_t request,
		 struct ledger_view *view)
{
	struct sought sought = { space, address, request, .view = view };

	view->number = 0;
	find_entry(&sought, is_live_there);
	return view->number != 0;
}

/* Neighbours in memory are neighbours here: what a thread works with stays in its cache. Heaps that lie
 * at round distances, as those of threads do, are far from each other. */
static uint32_t *guess_of(uint64_t address)
{
	uint64_t heap = ((address >> (4 + GUESS_BITS)) * 0x9e3779b97f4a7c15u) >> (64 - GUESS_BITS);

	return &guesses[(address >> 4 ^ heap) & ((1u << GUESS_BITS) - 1)];
}

uint32_t ledger_expect(uint64_t address)
{
	uint32_t number = __atomic_load_n(guess_of(address), __ATOMIC_RELAXED);

	__builtin_prefetch(&entries[number], 1);
	return number;
}

static inline bool is_block_at(const struct ledger_entry *entry, uint64_t address)
{
	return entry->address == address && entry->space == SPACE_BLOCK;
}

/* The guess was wrong. */
static APART uint32_t find_block(uint64_t address)
{
	struct sought sought = { .space = SPACE_BLOCK, .address = address };
	uint32_t number = find_entry(&sought, is_entered);

	if (number)
		__atomic_store_n(guess_of(address), number, __ATOMIC_RELAXED);
	return number;
}

static inline uint32_t block_at(uint64_t address, uint32_t expected)
{
	return likely(is_block_at(&entries[expected], address)) ? expected : find_block(address);
}

bool ledger_find_around(enum ledger_space space, uint64_t address, uint64_t request,
			struct ledger_view *view)
{
	uint32_t used = __atomic_load_n(&entries_used, __ATOMIC_ACQUIRE);

	for (uint32_t number = 1; number <= used; number++) {
		const struct ledger_entry *entry = &entries[number];

		if (entry->space != space || address <= entry->address ||
		    address - entry->address >= entry->size)
			continue;
		if (snapshot(number, view) && ledger_is_live(view) &&
		    (space != SPACE_CLIENT || view->entry.scope == request))
			return true;
	}
	view->number = 0;
	return false;
}

bool ledger_find_client(uint64_t address, struct ledger_view *view)
{
	uint32_t used = __atomic_load_n(&entries_used, __ATOMIC_ACQUIRE);

	for (uint32_t number = 1; number <= used; number++) {
		const struct ledger_entry *entry = &entries[number];

		if (entry->space == SPACE_CLIENT && entry->address == address &&
		    snapshot(number, view) && ledger_is_live(view))
			return true;
	}
	view->number = 0;
	return false;
}

bool ledger_section_of(const struct ledger_view *block, struct ledger_view *section)
{
	uint32_t number = block->entry.space == SPACE_BLOCK ? section_number(block->entry.scope) : 0;

	if (number && snapshot(number, section) && section->entry.scope == block->entry.scope >> 32)
		return true;
	section->number = 0;
	return false;
}

/* Blocks are counted by section, so that deleting an empty one, the usual case, costs no search: by each
 * lane for itself, for threads that share a section are to share no line of the cache because of it. */
static void count_in_section(struct lane *lane, const struct ledger_entry *block, int change)
{
	uint32_t section = block->space == SPACE_BLOCK ? (uint32_t)block->scope : 0;
	int32_t *blocks = lane ? &lane->blocks[section % LANE_SECTIONS] : NULL;

	if (!section)
		return;
	if (likely(blocks))
		__atomic_store_n(blocks, *blocks + change, __ATOMIC_RELAXED);
	else
		__atomic_add_fetch(&blocks_of_no_lane[section % LANE_SECTIONS], change,
				   __ATOMIC_RELAXED);
}

/* At least as many as there are live blocks in a section. */
static int64_t most_blocks_in(uint32_t section)
{
	return lanes_blocks(section) +
	       __atomic_load_n(&blocks_of_no_lane[section % LANE_SECTIONS], __ATOMIC_RELAXED);
}

static void note_release(struct lane *lane)
{
	if (likely(lane) && unlikely(++lane->releases % EPOCH_RELEASES == 0))
		__atomic_add_fetch(&epoch, 1, __ATOMIC_RELAXED);
}

/* Under claim: the entry goes, its place in the file is free. */
static void let_go(struct lane *lane, uint32_t number, enum ledger_life how, uint32_t stack)
{
	struct ledger_entry *entry = &entries[number];

	show_state(entry, how);
	slot_give_back(lane, entry->slot);
	entry->slot = 0;
	entry->gone_stack = stack;
	entry->gone_epoch = __atomic_load_n(&epoch, __ATOMIC_RELAXED);
	entry->gone_time = lane ? lane->time : 0;
	count_in_section(lane, entry, -1);
	note_release(lane);
	settle(number, how);
}

uint64_t ledger_live_section(uint64_t handle)
{
	struct sought sought = { .space = SPACE_SECTION, .address = handle };
	uint32_t number = find_entry(&sought, is_entered);
	const struct ledger_entry *section = &entries[number];
	uint64_t scope = section->scope << 32 | number;

	return is_live_section(scope, handle) ? scope : 0;
}

bool ledger_release_usual(struct lane *lane, const struct ledger_usual *usual, uint32_t stack)
{
	uint32_t number = block_at(usual->address, usual->expected);
	const struct ledger_entry *entry = &entries[number];
	uint64_t life = __atomic_load_n(&entry->life, __ATOMIC_ACQUIRE);

	/* What is read from here on is so still when the claim succeeds. */
	if (unlikely((life & 0xff) != LIFE_LIVE || !is_block_at(entry, usual->address) ||
		     entry->family != usual->family ||
		     (entry->flags & (LEDGER_SUSPECT | LEDGER_RETURNED)) != usual->flags))
		return false;
	if (usual->family == FAMILY_SHARED_MEMORY &&
	    unlikely(!is_live_section(entry->scope, usual->section)))
		return false;
	if (unlikely(!claim(number, life)))
		return false;
	let_go(lane, number, LIFE_RELEASED, stack);
	return true;
}

bool ledger_release(struct lane *lane, const struct ledger_view *view, uint32_t stack)
{
	if (!claim(view->number, view->entry.life))
		return false;
	let_go(lane, view->number, LIFE_RELEASED, stack);
	return true;
}

bool ledger_transfer(struct lane *lane, const struct ledger_view *view)
{
	if (!claim(view->number, view->entry.life))
		return false;
	entries[view->number].flags |= LEDGER_TRANSFERRED;
	let_go(lane, view->number, LIFE_RELEASED, 0);
	return true;
}

bool ledger_begin_release(const struct ledger_view *view)
{
	if (!claim(view->number, view->entry.life))
		return false;
	show_state(&entries[view->number], LIFE_DELETING);
	settle(view->number, LIFE_DELETING);
	return true;
}

/* The life that ledger_begin_release() and begin_delete() left behind. */
static bool claim_deleting(const struct ledger_view *view)
{
	uint64_t busy = life_after(view->entry.life, LIFE_BUSY);

	return claim(view->number, life_after(busy, LIFE_DELETING));
}

void ledger_finish_release(struct lane *lane, const struct ledger_view *view, bool gone,
			   uint32_t stack)
{
	if (!claim_deleting(view))
		return;
	if (gone) {
		let_go(lane, view->number, LIFE_RELEASED, stack);
		return;
	}
	show_state(&entries[view->number], LIFE_LIVE);
	settle(view->number, LIFE_LIVE);
}

void ledger_suspect(const struct ledger_view *view)
{
	struct ledger_entry *entry = &entries[view->number];

	if (!claim(view->number, view->entry.life))
		return;
	entry->flags |= LEDGER_SUSPECT;
	show_state(entry, LIFE_LIVE);
	settle(view->number, LIFE_LIVE);
}

uint32_t ledger_begin_delete(const struct ledger_view *section)
{
	uint32_t used = __atomic_load_n(&entries_used, __ATOMIC_ACQUIRE), found = 0;
	int64_t most = most_blocks_in(section->number);
	uint64_t scope = ledger_scope(section);
	struct ledger_view block;

	for (uint32_t number = 1; number <= used && found < most; number++) {
		if (entries[number].scope != scope || entries[number].space != SPACE_BLOCK)
			continue;
		if (snapshot(number, &block) && ledger_is_live(&block) && block.entry.scope == scope)
			found += ledger_begin_release(&block);
	}
	return found;
}

uint32_t ledger_finish_delete(struct lane *lane, const struct ledger_view *section, bool gone,
			      uint32_t stack,
			      void (*left)(const struct ledger_view *block, void *context),
			      void *context)
{
	uint32_t used = __atomic_load_n(&entries_used, __ATOMIC_ACQUIRE);
	uint64_t scope = ledger_scope(section);
	struct ledger_view block;
	uint32_t finished = 0;

	for (uint32_t number = 1; number <= used; number++) {
		if (entries[number].scope != scope || entries[number].space != SPACE_BLOCK)
			continue;
		if (!snapshot(number, &block) || ledger_life(&block) != LIFE_DELETING ||
		    block.entry.scope != scope || !claim(number, block.entry.life))
			continue;
		finished++;
		if (gone) {
			let_go(lane, number, LIFE_DELETED, stack);
			left(&block, context);
		} else {
			show_state(&entries[number], LIFE_LIVE);
			settle(number, LIFE_LIVE);
		}
	}
	return finished;
}

static void end_in_silence(const struct ledger_view *block, void *unused)
{
	(void)block, (void)unused;
}

static void end_blocks_of(struct lane *lane, const struct ledger_view *section)
{
	if (ledger_begin_delete(section))
		ledger_finish_delete(lane, section, true, 0, end_in_silence, NULL);
}

/* Under claim, by who has no lane. A forked child may not touch what its parent's file shows. */
static void let_go_unseen(uint32_t number)
{
	if (!trace_is_mine())
		entries[number].slot = 0;
	let_go(NULL, number, LIFE_RELEASED, 0);
}

void ledger_forget(enum ledger_space space, uint64_t address, uint64_t request)
{
	struct ledger_view view;

	if (!ledger_find(space, address, request, &view) || !ledger_is_live(&view))
		return;
	if (space == SPACE_SECTION && trace_is_mine())
		end_blocks_of(NULL, &view);
	if (!claim(view.number, view.entry.life))
		return;
	let_go_unseen(view.number);
}

/* Whatever its life is: who is letting it go, perhaps the code that a signal handler came upon, leaves its
 * flags as they are, and who enters something else there sets them all. */
static bool is_missed(uint32_t number, void *context)
{
	if (!is_at(&entries[number], context))
		return false;
	__atomic_or_fetch(&entries[number].flags, LEDGER_TRANSFERRED, __ATOMIC_RELAXED);
	return true;
}

void ledger_miss(enum ledger_space space, uint64_t address, uint64_t request)
{
	struct sought sought = { .space = space, .address = address, .request = request };
	struct ledger_view view;

	__atomic_store_n(&has_gaps, true, __ATOMIC_RELAXED);
	ledger_forget(space, address, request);
	if (!ledger_find(space, address, request, &view)) {
		find_entry(&sought, is_missed);
		return;
	}
	if (ledger_is_live(&view) || !claim(view.number, view.entry.life))
		return;
	entries[view.number].flags |= LEDGER_TRANSFERRED;
	/* Who is releasing it finds it changed, and leaves it: there is something else by now. */
	if (ledger_life(&view) == LIFE_DELETING)
		let_go_unseen(view.number);
	else
		settle(view.number, ledger_life(&view));
}

/* Gone so long ago that LEDGER_REMEMBERED blocks have gone since: a lane's first epoch after it may
 * have begun before it, so each lane is allowed one. */
static bool is_forgotten(const struct ledger_entry *entry)
{
	uint32_t age = __atomic_load_n(&epoch, __ATOMIC_RELAXED) - entry->gone_epoch;

	return age > LEDGER_REMEMBERED / EPOCH_RELEASES + 1 + lanes_count();
}

/* What was live at an address that is handed out again is over, and with a section its blocks. */
static APART void end_live(struct lane *lane, uint32_t number, enum ledger_life life)
{
	struct ledger_view old = { .number = number, .entry = entries[number] };

	if (old.entry.space != SPACE_SECTION)
		count_in_section(lane, &old.entry, -1);
	else if (life == LIFE_LIVE)
		end_blocks_of(lane, &old);
	lanes_advance(lane, clock_ticks_after());
}

/* What is at an address that is handed out again is over, and was so before the lane's time. Where it
 * has not been told when, now is after it. */
static inline void end_old(struct lane *lane, uint32_t number, enum ledger_life life)
{
	uint64_t gone_time = entries[number].gone_time;

	if (unlikely(life <= LIFE_DELETING))
		end_live(lane, number, life);
	else
		lanes_advance(lane, gone_time + 1);
}

/* Claims what is entered there, whatever became of it: what is read between the two is so still when
 * the claim succeeds. */
static inline bool is_claimed(uint32_t number, void *context)
{
	struct sought *sought = context;

	return is_entered(number, sought) && claim(number, sought->life);
}

/*
 * What is entered at the same address: its entry is used again. One that a thread is about to let go
 * cannot be: then there are two for a while, of which one is live.
 */
static inline uint32_t claim_same(struct lane *lane, const struct ledger_entry *what)
{
	struct sought sought = { .space = what->space,
				 .address = what->address,
				 .request = what->scope };
	uint32_t number = find_entry(&sought, is_claimed);

	if (likely(number))
		end_old(lane, number, sought.life & 0xff);
	return number;
}

static uint32_t claim_forgotten(uint64_t hash, struct index_walk *walk)
{
	struct ledger_view view;
	uint32_t number;

	*walk = (struct index_walk){ .index = &addresses, .hash = hash };
	while ((number = index_next_neighbour(walk)) != 0) {
		uint64_t life = __atomic_load_n(&entries[number].life, __ATOMIC_ACQUIRE);

		if ((life & 0xff) < LIFE_RELEASED || !is_forgotten(&entries[number]))
			continue;
		if (snapshot(number, &view) && view.entry.life == life &&
		    is_forgotten(&view.entry) && claim(number, life))
			return number;
	}
	return 0;
}

static uint32_t take_new(void)
{
	uint32_t used = __atomic_load_n(&entries_used, __ATOMIC_RELAXED);

	while (used + 1 < entries_max)
		if (__atomic_compare_exchange_n(&entries_used, &used, used + 1, false,
						__ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
			entries[used + 1].life = LIFE_BUSY;
			return used + 1;
		}
	return 0;
}

/* Under claim. An entry that was live until now keeps its place in the file. */
static inline void fill(struct lane *lane, uint32_t number, const struct ledger_entry *what)
{
	struct ledger_entry *entry = &entries[number];

	/* One by one: what was just put together in memory cannot be copied fast. */
	entry->address = what->address;
	entry->size = what->size;
	entry->scope = what->scope;
	entry->stack = what->stack;
	entry->era = __atomic_load_n(&current_era, __ATOMIC_RELAXED);
	entry->tid = what->tid;
	entry->space = what->space;
	entry->family = what->family;
	entry->package = what->package;
	entry->flags = what->flags;
	entry->file = what->file;
	if (!entry->slot)
		entry->slot = slot_take(lane);
	if (entry->space == SPACE_SECTION)
		entry->scope = __atomic_add_fetch(&section_serial, 1, __ATOMIC_RELAXED);
	count_in_section(lane, entry, 1);
	show(entry);
	settle(number, LIFE_LIVE);
}

/* At an address where nothing has been, as far as is known. */
static APART uint32_t enter_new(struct lane *lane, const struct ledger_entry *what)
{
	uint64_t hash = hash_of(what->space, what->address, what->scope);
	struct index_walk walk;
	uint32_t number = claim_forgotten(hash, &walk), old = number;

	if (!number)
		number = take_new();
	if (!number)
		return 0;
	/* Another thread may be about to let go what was there. */
	lanes_advance(lane, clock_ticks_after());
	fill(lane, number, what);
	if (old ? index_replace(&walk, old, number) : index_add(&addresses, hash, number))
		return number;
	return 0;
}

bool ledger_enter_again(struct lane *lane, const struct ledger_entry *what, uint32_t expected)
{
	uint32_t number = block_at(what->address, expected);
	const struct ledger_entry *entry = &entries[number];
	uint64_t life = __atomic_load_n(&entry->life, __ATOMIC_ACQUIRE);

	if (unlikely((life & 0xff) <= LIFE_BUSY || !is_block_at(entry, what->address) ||
		     !claim(number, life)))
		return ledger_enter(lane, what, NULL);
	end_old(lane, number, life & 0xff);
	fill(lane, number, what);
	return true;
}

APART bool ledger_enter(struct lane *lane, const struct ledger_entry *what, struct ledger_view *view)
{
	uint32_t number = claim_same(lane, what);

	if (likely(number))
		fill(lane, number, what);
	else
		number = enter_new(lane, what);
	if (unlikely(!number)) {
		ledger_note_gap();
		return false;
	}
	return !view || snapshot(number, view);
}

uint32_t ledger_begin_era(void)
{
	return __atomic_add_fetch(&current_era, 1, __ATOMIC_RELAXED);
}

size_t ledger_count_since(uint32_t era)
{
	enum { NOT_OWN = LEDGER_INHERITED | LEDGER_ADOPTED | LEDGER_SUSPECT };
	uint32_t used = __atomic_load_n(&entries_used, __ATOMIC_ACQUIRE);
	struct ledger_view view;
	size_t count = 0;

	for (uint32_t number = 1; number <= used; number++)
		count += snapshot(number, &view) && ledger_is_live(&view) &&
			 view.entry.era >= era && !(view.entry.flags & NOT_OWN);
	return count;
}

static uint32_t slot_take_new(void)
{
	uint32_t one = 1;
	struct trace_entry *fresh = chunks_items_take(&slot_items, &one);

	if (!fresh)
		trace_lose(TRACE_LOST_BLOCKS);
	return fresh ? chunks_reference(fresh) : 0;
}

static void inherit(uint32_t number, uint32_t (*stack_now)(uint32_t stack))
{
	struct ledger_entry *entry = &entries[number];
	enum ledger_life life = entry->life & 0xff;

	/* A thread of the parent was changing it. What it was is not known here, so that what is freed
	 * at an unknown address may be this. */
	if (life == LIFE_BUSY) {
		__atomic_store_n(&has_gaps, true, __ATOMIC_RELAXED);
		entry->slot = 0;
		entry->life = life_after(entry->life, LIFE_NONE);
		return;
	}
	entry->stack = stack_now(entry->stack);
	entry->gone_stack = stack_now(entry->gone_stack);
	entry->slot = 0;
	if (life == LIFE_DELETING)
		entry->flags |= LEDGER_SUSPECT;
	if (life != LIFE_LIVE && life != LIFE_DELETING)
		return;
	entry->flags |= LEDGER_INHERITED;
	entry->life = life_after(entry->life, LIFE_LIVE);
	count_in_section(NULL, entry, 1);
	entry->slot = slot_take_new();
	show(entry);
}

void ledger_inherit(uint32_t (*stack_now)(uint32_t stack))
{
	slot_items =
		(struct chunks_items){ TRACE_CHUNK_LEDGER, sizeof(struct trace_entry), NULL, 0 };
	slot_refusal.asked = 0;
	memset(blocks_of_no_lane, 0, sizeof(blocks_of_no_lane));
	slots_free = 0;
	for (uint32_t number = 1; number <= entries_used; number++)
		inherit(number, stack_now);
	/* Once more: a block may have been shown before its section. */
	for (uint32_t number = 1; number <= entries_used; number++)
		if ((entries[number].life & 0xff) == LIFE_LIVE)
			show(&entries[number]);
}
