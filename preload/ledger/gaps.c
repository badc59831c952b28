/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "preload/file/lanes.h"
#include "preload/file/trace.h"
#include "preload/ledger/deletion.h"
#include "preload/ledger/gaps.h"
#include "preload/ledger/lookup.h"
#include "preload/ledger/release.h"

#include "preload/base/poison.h"

static bool have_gap;

bool gaps_exist(void)
{
	return peek(have_gap) || lanes_have_left();
}

void gaps_open(void)
{
	poke(have_gap, true);
}

APART void gaps_note(void)
{
	gaps_open();
	trace_lose(TRACE_LOST_JUDGEMENTS);
}

/* Ends a claim. In a forked child that has no trace yet, the entry's place is in the parent's file,
 * which the child must not touch. */
static void release_unseen(uint32_t number)
{
	if (!trace_is_mine())
		poke(entries[number].shown, 0);
	release_claimed(NULL, &entries[number], LIFE_RELEASED, 0);
}

void gaps_note_freed(enum ledger_space space, uint64_t address, uint64_t request)
{
	struct ledger_view view;

	while (lookup_find(space, address, request, &view) && ledger_is_live(&view)) {
		if (space == SPACE_SECTION && trace_is_mine())
			deletion_end_blocks(NULL, &view);
		if (entries_claim(&entries[view.number], view.entry.life))
			release_unseen(view.number);
	}
}

void gaps_note_made(enum ledger_space space, uint64_t address, uint64_t request)
{
	struct ledger_view view;
	uint32_t busy;

	gaps_open();
	gaps_note_freed(space, address, request);
	while (lookup_find(space, address, request, &view)) {
		if (ledger_is_live(&view))
			return;
		if (!entries_claim(&entries[view.number], view.entry.life))
			continue;
		entries_add_flags(&entries[view.number], LEDGER_TRANSFERRED);
		/* Who is releasing it then finds that it has changed, and leaves alone what is
		 * there by now. */
		if (ledger_life(&view) == LIFE_DELETING)
			release_unseen(view.number);
		else
			entries_settle(&entries[view.number], ledger_life(&view));
		return;
	}
	/* Perhaps the code that this thread's signal handler interrupted is just releasing it. It
	 * leaves the flags as they are; who enters something there sets all of them. */
	busy = lookup_busy(space, address, request);
	if (busy)
		__atomic_or_fetch(&entries[busy].flags, LEDGER_TRANSFERRED, __ATOMIC_RELAXED);
}

enum { HANDED_IN = 64 };

static __thread uint64_t handed_in[HANDED_IN];
static __thread unsigned handed_in_next;

void gaps_note_handed_in(const void *at, unsigned words)
{
	for (unsigned i = 0; i < words; i++) {
		uint64_t word;

		memcpy(&word, (const char *)at + i * sizeof(word), sizeof(word));
		/* No heap gives out the first page, or what is not user space. */
		if (word >> 12 && !(word >> 47) && !gaps_was_handed_in(word))
			handed_in[handed_in_next++ % HANDED_IN] = word;
	}
}

bool gaps_was_handed_in(uint64_t address)
{
	for (unsigned i = 0; i < HANDED_IN; i++)
		if (handed_in[i] == address)
			return true;
	return false;
}
