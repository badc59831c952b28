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

bool scopes_is_live(uint64_t scope, uint64_t handle)
{
	uint32_t number = section_number(scope);
	const struct ledger_entry *section = &entries[number];
	uint64_t life = entries_life(number);
	bool is_it = number && (life & 0xff) == LIFE_LIVE && peek(section->address) == handle;

	/* Orders the look at the address before the second one at `life`. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return is_it && peek(section->life) == life;
}

uint64_t scopes_find(uint64_t handle)
{
	uint32_t number = lookup_number(SPACE_SECTION, handle, 0);
	uint64_t scope = peek(entries[number].scope) << 32 | number;

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
