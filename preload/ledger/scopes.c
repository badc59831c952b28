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
	uint64_t life = entries_life(number), scope = peek(section->scope) << 32 | number;

	if ((life & 0xff) != LIFE_LIVE || peek(section->address) != handle ||
	    peek(section->space) != SPACE_SECTION)
		return 0;
	/* Orders what was read before the second look at `life`. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return likely(peek(section->life) == life) ? scope : 0;
}

bool scopes_is_live(uint64_t scope, uint64_t handle)
{
	return scope && scope_of_live((uint32_t)scope, handle) == scope;
}

static APART uint64_t find_by_index(struct lane *lane, uint64_t handle)
{
	lane->section = lookup_number(SPACE_SECTION, handle, 0);
	return scope_of_live(lane->section, handle);
}

uint64_t scopes_find(struct lane *lane, uint64_t handle)
{
	uint64_t scope = scope_of_live(lane->section, handle);

	return likely(scope) ? scope : find_by_index(lane, handle);
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
