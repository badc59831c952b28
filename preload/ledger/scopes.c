/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "preload/ledger/lookup.h"
#include "preload/ledger/scopes.h"

#include "preload/base/poison.h"

static uint32_t last_serial;
static int32_t blocks_of_no_lane[LANE_SECTIONS]; /* as lane->blocks, for threads without a lane */

/* Is the entry still that of the section? It may be used for something else by now. */
static uint32_t section_number(uint64_t scope)
{
	uint32_t number = (uint32_t)scope;

	return number && entries[number].scope == scope >> 32 &&
			       entries[number].space == SPACE_SECTION
		       ? number
		       : 0;
}

uint32_t scopes_section_number(const struct ledger_entry *block)
{
	return block->space == SPACE_BLOCK ? section_number(block->scope) : 0;
}

bool scopes_is_live(uint64_t scope, uint64_t handle)
{
	uint32_t number = section_number(scope);
	const struct ledger_entry *section = &entries[number];
	uint64_t life = entries_life(number);
	bool is_it = number && (life & 0xff) == LIFE_LIVE && section->address == handle;

	/* Orders the look at the address before the second one at `life`. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return is_it && __atomic_load_n(&section->life, __ATOMIC_RELAXED) == life;
}

uint64_t scopes_find(uint64_t handle)
{
	uint32_t number = lookup_number(SPACE_SECTION, handle, 0);
	uint64_t scope = entries[number].scope << 32 | number;

	return scopes_is_live(scope, handle) ? scope : 0;
}

bool scopes_find_section(const struct ledger_view *block, struct ledger_view *section)
{
	uint32_t number = scopes_section_number(&block->entry);

	if (number && entries_view(number, section) &&
	    section->entry.scope == block->entry.scope >> 32)
		return true;
	section->number = 0;
	return false;
}

uint32_t scopes_new_serial(void)
{
	return __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);
}

void scopes_count(struct lane *lane, const struct ledger_entry *block, int change)
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

int64_t scopes_most_blocks(uint32_t section)
{
	return lanes_blocks(section) +
	       __atomic_load_n(&blocks_of_no_lane[section % LANE_SECTIONS], __ATOMIC_RELAXED);
}

void scopes_reset_counts(void)
{
	memset(blocks_of_no_lane, 0, sizeof(blocks_of_no_lane));
}
