/* SPDX-License-Identifier: MIT */
/*
 * Which section a block belongs to, and which blocks belong to a section.
 *
 * A block names its section by a *scope*: the number of the section's entry | the section's serial
 * number << 32. Serial numbers are never used again. So a block never belongs to a later section
 * that has the same entry or the same handle.
 *
 * Each section has a list of its blocks. Its entry leads there, by the upper half of entry->scope;
 * the lower half is the serial number. A list is made of *levels*, each twice as large as the one
 * before:
 *
 *	section ──▶ level 2   4 lines ──▶ level 1   2 lines ──▶ level 0   1 line
 *
 * A line has eight places. A number has two lines in each level, and joins one of those in the newest level.
 * An entry that goes to another section joins the list of that one, and stays in the old list until
 * its place there is wanted: a place is free if its entry has gone, or is in another section. If
 * all places of both lines are in use, the list gets another level. So the size of a list depends on
 * how many of its blocks were live at once, and not on how many there have been.
 *
 * What holds at any moment:
 *	- A block that is LIVE or DELETING is in the list of its section, and does not move there. So
 *	  whoever visits the list finds each one that was settled before and is not released meanwhile.
 *	- A place has the number of an entry, and the version of its life when it joined. That word is
 *	  never the same again. So nobody takes the place of an entry that has joined anew since he
 *	  has seen it elsewhere, not even if he stops in between, however long.
 *	- GROUPS_LISTED of a block says that it is in the list of the section in which it is, or was
 *	  last. If it has gone, its place there is taken only under a claim of it, which ends that.
 *	- The section has ended before its levels are used for another one. So whoever reads a place, and
 *	  finds then that the section has not ended, has read a place of that section.
 *
 * Any thread, without a lock. Async-signal-safe.
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
uint64_t scopes_find_another(struct lane *lane, uint64_t handle);
static inline uint64_t scopes_find(struct lane *lane, uint64_t handle)
{
	return likely(lane->section.handle == handle) && scopes_last_lives(lane)
		       ? lane->section.scope
		       : scopes_find_another(lane, handle);
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

/* Returns false if there is no memory. Once. */
bool scopes_init(void);

/* entry->scope of a section that is new. */
uint64_t scopes_new_section(void);

/* Puts a claimed entry into the list of a section. Returns false if there is no memory. */
bool scopes_join(uint32_t number, uint64_t scope);

/* Calls `visit` for all numbers in the list of a section, perhaps twice. Most are its blocks: look at the
 * fields of the entry. */
void scopes_visit_blocks(uint64_t scope, void (*visit)(uint32_t number, void *context),
			 void *context);

/* The section is gone: so is its list. */
void scopes_end(uint64_t scope);

#endif
