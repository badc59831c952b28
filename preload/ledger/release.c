/* SPDX-License-Identifier: MIT */
#include "preload/ledger/release.h"
#include "preload/ledger/shown.h"

#include "preload/base/poison.h"

enum { EPOCH_RELEASES = 1024 };

static uint32_t epoch;

void release_claimed(struct lane *lane, struct ledger_entry *entry, enum ledger_life how,
		     uint32_t stack)
{
	shown_set_state(entry, how);
	shown_give_back(lane, entry->shown);
	poke(entry->shown, 0);
	poke(entry->gone_stack, stack);
	poke(entry->gone_epoch, peek(epoch));
	poke(entry->gone_time, lane ? lane->time : 0);
	if (likely(lane) && unlikely(++lane->releases % EPOCH_RELEASES == 0))
		__atomic_add_fetch(&epoch, 1, __ATOMIC_RELAXED);
	entries_settle(entry, how);
}

void release_undo(struct ledger_entry *entry)
{
	shown_set_state(entry, LIFE_LIVE);
	entries_settle(entry, LIFE_LIVE);
}

static bool is_old(uint32_t epochs)
{
	return epochs > LEDGER_REMEMBERED / EPOCH_RELEASES + 1 + lanes_count();
}

bool release_is_forgotten(const struct ledger_entry *entry)
{
	return is_old(peek(epoch) - peek(entry->gone_epoch));
}

bool release_has_forgotten(void)
{
	return is_old(peek(epoch));
}

bool release_now(struct lane *lane, const struct ledger_view *view, uint32_t stack)
{
	if (!entries_claim(&entries[view->number], view->entry.life))
		return false;
	release_claimed(lane, &entries[view->number], LIFE_RELEASED, stack);
	return true;
}

bool release_to_new_owner(struct lane *lane, const struct ledger_view *view)
{
	if (!entries_claim(&entries[view->number], view->entry.life))
		return false;
	entries_add_flags(&entries[view->number], LEDGER_TRANSFERRED);
	release_claimed(lane, &entries[view->number], LIFE_RELEASED, 0);
	return true;
}

bool release_suspect(const struct ledger_view *view)
{
	if (!entries_claim(&entries[view->number], view->entry.life))
		return false;
	entries_add_flags(&entries[view->number], LEDGER_SUSPECT);
	release_undo(&entries[view->number]);
	return true;
}

bool release_begin(const struct ledger_view *view)
{
	if (!entries_claim(&entries[view->number], view->entry.life))
		return false;
	shown_set_state(&entries[view->number], LIFE_DELETING);
	entries_settle(&entries[view->number], LIFE_DELETING);
	return true;
}

void release_finish(struct lane *lane, const struct ledger_view *view, bool is_gone, uint32_t stack)
{
	/* The life that release_begin() left behind. */
	uint64_t busy = entries_next_life(view->entry.life, LIFE_BUSY);

	if (!entries_claim(&entries[view->number], entries_next_life(busy, LIFE_DELETING)))
		return;
	if (is_gone)
		release_claimed(lane, &entries[view->number], LIFE_RELEASED, stack);
	else
		release_undo(&entries[view->number]);
}
