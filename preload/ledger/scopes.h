/* SPDX-License-Identifier: MIT */
/*
 * Which section a block belongs to.
 *
 * A block names its section by a *scope*: the number of the section's entry | the section's serial
 * number << 32. Serial numbers are never used again. So a block never belongs to a later section
 * that has the same entry or the same handle.
 *
 * Any thread, without a lock.
 */
#ifndef LSATRACE_PRELOAD_LEDGER_SCOPES_H
#define LSATRACE_PRELOAD_LEDGER_SCOPES_H

#include "preload/base/compiler.h"
#include "preload/file/lanes.h"
#include "preload/ledger/entries.h"

/* The scope of the blocks of a section; 0 if the view holds none. */
static inline uint64_t scopes_of(const struct ledger_view *section)
{
	return section->number ? section->entry.scope << 32 | section->number : 0;
}

/*
 * A lane most often names the section that it named last. What it knows of that holds as long as the
 * entry's life is the same: a life never comes back.
 */
static inline bool scopes_last_lives(const struct lane *lane)
{
	return likely(__atomic_load_n(lane->section.life_now, __ATOMIC_ACQUIRE) ==
		      lane->section.life);
}

/* The scope of the live section with a handle; 0: there is none, or a thread is changing it right
 * now. */
uint64_t scopes_find_by_index(struct lane *lane, uint64_t handle);
static inline uint64_t scopes_find(struct lane *lane, uint64_t handle)
{
	return likely(lane->section.handle == handle) && scopes_last_lives(lane)
		       ? lane->section.scope
		       : scopes_find_by_index(lane, handle);
}

/* Does a scope name the live section that has this handle? */
bool scopes_is_live(uint64_t scope, uint64_t handle);

/* The same, if the lane has perhaps named it last. */
static inline bool scopes_is_named(const struct lane *lane, uint64_t scope, uint64_t handle)
{
	return (likely(lane->section.scope == scope) && likely(lane->section.handle == handle) &&
		scopes_last_lives(lane)) ||
	       scopes_is_live(scope, handle);
}

/* The place in the file of the section of a scope, as it is now; 0: there is none. */
uint32_t scopes_shown(uint64_t scope);
static inline uint32_t scopes_shown_to(const struct lane *lane, uint64_t scope)
{
	return likely(lane->section.scope == scope) && scopes_last_lives(lane) ? lane->section.shown
									       : scopes_shown(scope);
}

/* The section of a block, as it is now: it may be deleted. False: the block belongs to none, or the
 * section is no longer remembered; section->number is 0. */
bool scopes_find_section(const struct ledger_view *block, struct ledger_view *section);

/* The rest is for the modules of this folder. */

/* The number of the entry of a block's section; 0: as above, and for what is no block. */
uint32_t scopes_section_number(const struct ledger_entry *block);

/* A serial number for a section. */
uint32_t scopes_new_serial(void);

#endif
