/* SPDX-License-Identifier: MIT */
#include "preload/ledger/ledger.h"
#include "preload/file/clock.h"
#include "preload/file/trace.h"
#include "preload/ledger/deletion.h"
#include "preload/ledger/gaps.h"
#include "preload/ledger/groups.h"
#include "preload/ledger/lookup.h"
#include "preload/ledger/release.h"
#include "preload/ledger/scopes.h"
#include "preload/ledger/shown.h"

#include "preload/base/poison.h"

enum { FORGOTTEN_TRIES = 16 };

bool ledger_init(void)
{
	if (!shown_init())
		return false;
	shown_reset();
	return entries_init() && lookup_init() && scopes_init();
}

/* What was live at an address that is handed out again is over, and with a section its blocks. */
static APART void end_live(struct lane *lane, const struct ledger_entry *entry,
			   enum ledger_life life)
{
	struct ledger_view old = { .number = (uint32_t)(entry - entries) };

	entries_copy(old.number, &old.entry);
	if (old.entry.space == SPACE_SECTION && life == LIFE_LIVE)
		deletion_end_blocks(lane, &old);
	lanes_advance(lane, clock_ticks_after());
}

/* Under a claim: moves the lane's time to after the end of what the entry was. `life` is its life
 * before the claim. Where the time of its end is not known, now is after it. */
static void end_old(struct lane *lane, const struct ledger_entry *entry, enum ledger_life life)
{
	uint64_t gone_time = entry->gone_time;

	if (unlikely(life <= LIFE_DELETING))
		end_live(lane, entry, life);
	else
		lanes_advance(lane, gone_time + 1);
}

/* Are the groups of an entry those that it needs for what is entered there? Mostly. */
static inline bool is_grouped(const struct ledger_entry *entry, const struct ledger_entry *what)
{
	return entry->groups == groups_needed(what) && entry->scope == what->scope;
}

/* An entry that lies around an address, or in a section, will then perhaps not be found. */
static APART void regroup(struct ledger_entry *entry, const struct ledger_entry *what)
{
	uint32_t number = (uint32_t)(entry - entries);
	bool is_done = true;

	if (what->space == SPACE_SECTION)
		return;
	if (what->space == SPACE_BLOCK)
		poke(entry->groups, entry->groups & GROUPS_CLASS);
	if (what->space == SPACE_BLOCK && what->scope && (is_done = scopes_join(number, what->scope)))
		poke(entry->groups, entry->groups | GROUPS_LISTED);
	if ((entry->groups != groups_needed(what) && !groups_move(number, what)) || !is_done)
		gaps_note();
}

/* For a function that is not inlined. One by one, so that `what` itself need not be in memory. */
static inline struct ledger_entry copy_of(const struct ledger_entry *what)
{
	return (struct ledger_entry){
		.address = what->address,
		.size = what->size,
		.scope = what->scope,
		.stack = what->stack,
		.tid = what->tid,
		.space = what->space,
		.family = what->family,
		.package = what->package,
		.flags = what->flags,
		.file = what->file,
	};
}

/* Ends a claim. An entry that was live until now keeps its place in the file. */
static inline void fill_entry(struct lane *lane, struct ledger_entry *entry,
			      const struct ledger_entry *what)
{
	uint32_t era = trace_era();
	uint32_t place = entry->shown;

	if (unlikely(!is_grouped(entry, what))) {
		const struct ledger_entry copy = copy_of(what);

		regroup(entry, &copy);
	}
	/* One by one: what has just been put together in memory is slow to copy as a whole. */
	poke(entry->address, what->address);
	poke(entry->size, what->size);
	poke(entry->scope, what->space == SPACE_SECTION ? scopes_new_section() : what->scope);
	poke(entry->stack, what->stack);
	poke(entry->era, era);
	poke(entry->tid, what->tid);
	poke(entry->space, what->space);
	poke(entry->family, what->family);
	poke(entry->package, what->package);
	poke(entry->flags, what->flags);
	poke(entry->file, what->file);
	if (likely(!place))
		poke(entry->shown, place = shown_take(lane));
	else
		shown_hide(place);
	shown_write(place, what, era,
		    what->space == SPACE_BLOCK && what->scope ? scopes_shown_to(lane, what->scope)
							      : 0);
	entries_settle(entry, LIFE_LIVE);
}

/* Claims an entry near a place of the index that has gone so long ago that nobody need remember it.
 * Tries a few; if they are all remembered, most are. */
static uint32_t claim_forgotten(struct index_walk *walk)
{
	uint32_t number;

	for (int i = 0; i < FORGOTTEN_TRIES && (number = index_next_neighbour(walk)) != 0; i++) {
		uint64_t life = entries_life(&entries[number]);

		/* What is read after `life` still holds if the claim succeeds. */
		if ((life & 0xff) >= LIFE_RELEASED && release_is_forgotten(&entries[number]) &&
		    entries_claim(&entries[number], life))
			return number;
	}
	return 0;
}

/* Claims an entry for an address that has none, and puts it into the index. An entry in the index
 * gets another place there only while it is claimed. So index_replace() succeeds, and no other
 * thread can use the entry for an address of its own meanwhile. */
static uint32_t claim_new(struct lane *lane, const struct ledger_entry *what)
{
	uint64_t hash = lookup_hash(what->space, what->address, what->scope);
	struct index_walk walk = { .index = &lookup_index, .hash = hash };
	uint32_t number = release_has_forgotten() ? claim_forgotten(&walk) : 0;

	if (number) {
		groups_leave(number);
		index_replace(&walk, number, number);
		return number;
	}
	number = entries_take_new(lane);
	if (number && !index_add(&lookup_index, hash, number)) {
		entries_give_back(number);
		return 0;
	}
	return number;
}

/* Two clients may have a buffer at one address under no request, since NULL means the client of the
 * current call. What is known is then of one of them only: frees there are not judged. */
static inline bool may_be_two(const struct ledger_entry *old, const struct ledger_entry *what)
{
	return what->space == SPACE_CLIENT && !what->scope && !(peek(old->flags) & LEDGER_SUSPECT);
}

static APART struct ledger_entry as_ambiguous(const struct ledger_entry *what)
{
	struct ledger_entry copy = copy_of(what);

	copy.flags |= LEDGER_TRANSFERRED;
	trace_lose(TRACE_LOST_JUDGEMENTS);
	return copy;
}

/* At an address that has no entry, as far as is known. */
static APART uint32_t enter_new(struct lane *lane, const struct ledger_entry *what)
{
	uint32_t number = claim_new(lane, what);

	if (unlikely(!number)) {
		gaps_note();
		return 0;
	}
	lookup_guess(what->space, what->address, what->scope, number);
	/* Another thread may be just releasing what was there. */
	lanes_advance(lane, clock_ticks_after());
	fill_entry(lane, &entries[number], what);
	return number;
}

/*
 * An entry at the same address is used again. One that a thread is just releasing cannot be
 * claimed: then there are two entries for a while, of which one is live.
 */
APART bool ledger_enter(struct lane *lane, const struct ledger_entry *what, struct ledger_view *view)
{
	uint64_t life;
	uint32_t number = lookup_claim(what->space, what->address, what->scope, &life);
	struct ledger_entry ambiguous;

	if (likely(number)) {
		if (unlikely((life & 0xff) == LIFE_LIVE) && may_be_two(&entries[number], what)) {
			ambiguous = as_ambiguous(what);
			what = &ambiguous;
		}
		end_old(lane, &entries[number], life & 0xff);
		fill_entry(lane, &entries[number], what);
	} else {
		number = enter_new(lane, what);
	}
	return number && (!view || entries_view(number, view));
}

bool ledger_enter_again(struct lane *lane, struct ledger_entry what, struct ledger_entry *expected)
{
	struct lookup_entry old = lookup_at(what.space, what.address, what.scope, expected);

	if (unlikely(!entries_claim_if(old.entry, old.life, LIFE_RELEASED))) {
		const struct ledger_entry copy = copy_of(&what);

		return old.entry == entries ? enter_new(lane, &copy) != 0
					    : ledger_enter(lane, &copy, NULL);
	}
	lanes_advance(lane, old.entry->gone_time + 1);
	fill_entry(lane, old.entry, &what);
	return true;
}

bool ledger_ignore(uint64_t address)
{
	struct ledger_view view;

	if (!(lookup_find(SPACE_BLOCK, address, 0, &view) && ledger_is_live(&view)) &&
	    !(lookup_find(SPACE_SECTION, address, 0, &view) && ledger_is_live(&view)) &&
	    !lookup_find_client(address, &view))
		return false;
	if (!entries_claim(&entries[view.number], view.entry.life))
		return false;
	entries_add_flags(&entries[view.number], LEDGER_IGNORED);
	release_undo(&entries[view.number]);
	return true;
}

/* In the file, as it is. */
static void show(const struct ledger_entry *entry)
{
	shown_write(entry->shown, entry, entry->era,
		    scopes_shown(entry->space == SPACE_BLOCK ? entry->scope : 0));
}

/* Was a section whose deletion is not over created again at that handle? */
static bool is_followed(const struct ledger_entry *entry)
{
	struct ledger_view view;

	return entry->space == SPACE_SECTION &&
	       lookup_find(SPACE_SECTION, entry->address, 0, &view) && ledger_is_live(&view);
}

/* Returns true if it is a block that is shown before its section. */
static bool inherit_entry(uint32_t number, uint32_t (*stack_now)(uint32_t stack))
{
	struct ledger_entry *entry = &entries[number];
	enum ledger_life life = entry->life & 0xff;

	entry->shown = 0;
	/* A thread of the parent was changing it. What it was is not known here, so that a free of
	 * an unknown address may be that of this block. */
	if (life == LIFE_BUSY) {
		gaps_open();
		entry->life = entries_next_life(entry->life, LIFE_NONE);
		return false;
	}
	entry->stack = stack_now(entry->stack);
	entry->gone_stack = stack_now(entry->gone_stack);
	if (life == LIFE_DELETING && is_followed(entry)) {
		release_claimed(NULL, entry, LIFE_RELEASED, 0);
		return false;
	}
	if (life == LIFE_DELETING)
		entry->flags |= LEDGER_SUSPECT;
	if (life != LIFE_LIVE && life != LIFE_DELETING)
		return false;
	entry->flags |= LEDGER_INHERITED;
	entry->life = entries_next_life(entry->life, LIFE_LIVE);
	entry->shown = shown_take_fresh();
	show(entry);
	return scopes_section_number(entry) > number;
}

/* Once more, if the entry is such a block. */
static void show_again(uint32_t number)
{
	struct ledger_entry *entry = &entries[number];

	if ((entry->life & 0xff) != LIFE_LIVE || scopes_section_number(entry) < number)
		return;
	shown_hide(entry->shown);
	show(entry);
}

void ledger_inherit(uint32_t (*stack_now)(uint32_t stack))
{
	uint32_t last = entries_inherit(), early = 0;

	shown_reset();
	for (uint32_t number = 1; number <= last; number++)
		early += inherit_entry(number, stack_now);
	for (uint32_t number = 1; early > 0 && number <= last; number++)
		show_again(number);
}

void ledger_visit(void (*visit)(const struct ledger_view *view, void *context), void *context)
{
	uint32_t last = entries_used();
	struct ledger_view view;

	for (uint32_t number = 1; number <= last; number++)
		if (entries_view(number, &view))
			visit(&view, context);
}

void ledger_show_reach(uint32_t number, enum trace_reach reach)
{
	struct ledger_view view;

	if (entries_view(number, &view) && ledger_is_live(&view))
		shown_set_reach(&view.entry, reach);
}
