/* SPDX-License-Identifier: MIT */
#include "preload/ledger/scopes.h"
#include "preload/ledger/lookup.h"

#include "preload/base/poison.h"

static uint32_t last_serial;

/* Is the entry still that of the section? It may be used for something else by now. */
static uint32_t section_number(uint64_t scope)
{
	uint32_t number = (uint32_t)scope;

	return number && peek(entries[number].scope) == scope >> 32 &&
			       peek(entries[number].space) == SPACE_SECTION
		       ? number
		       : 0;
}

uint32_t scopes_section_number(const struct ledger_entry *block)
{
	return block->space == SPACE_BLOCK ? section_number(block->scope) : 0;
}

/* The scope of an entry, if that is the live section with a handle; else 0. */
static inline uint64_t scope_of_live(uint32_t number, uint64_t handle)
{
	const struct ledger_entry *section = &entries[number];
	uint64_t life = entries_life(&entries[number]), scope = peek(section->scope) << 32 | number;

	if ((life & 0xff) != LIFE_LIVE || peek(section->address) != handle ||
	    peek(section->space) != SPACE_SECTION)
		return 0;
	/* Orders what was read before the second look at `life`. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return likely(peek(section->life) == life) ? scope : 0;
}

APART bool scopes_is_live(uint64_t scope, uint64_t handle)
{
	return scope && scope_of_live((uint32_t)scope, handle) == scope;
}

/* A signal handler may leave this by longjmp(): then the lane knows of no section. */
APART uint64_t scopes_find_by_index(struct lane *lane, uint64_t handle)
{
	uint32_t number = lookup_number(SPACE_SECTION, handle, 0);
	struct lane_section *last = &lane->section;
	uint64_t life;

	last->life = LANE_NO_LIFE;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	life = entries_life(&entries[number]);
	last->shown = peek(entries[number].shown);
	last->scope = scope_of_live(number, handle);
	last->handle = handle;
	last->life_now = &entries[number].life;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	/* What was read in between holds if the life is still the same. */
	if (last->scope && entries_life(&entries[number]) == life)
		last->life = life;
	return last->scope;
}

APART uint32_t scopes_shown(uint64_t scope)
{
	return peek(entries[section_number(scope)].shown);
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
