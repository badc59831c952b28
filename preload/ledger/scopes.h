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

#include "preload/file/lanes.h"
#include "preload/ledger/entries.h"

/* The scope of the blocks of a section; 0 if the view holds none. */
static inline uint64_t scopes_of(const struct ledger_view *section)
{
	return section->number ? section->entry.scope << 32 | section->number : 0;
}

/* The scope of the live section with a handle; 0: there is none, or a thread is changing it right
 * now. A lane most often names the section that it named last. */
uint64_t scopes_find(struct lane *lane, uint64_t handle);

/* Does a scope name the live section that has this handle? */
bool scopes_is_live(uint64_t scope, uint64_t handle);

/* The section of a block, as it is now: it may be deleted. False: the block belongs to none, or the
 * section is no longer remembered; section->number is 0. */
bool scopes_find_section(const struct ledger_view *block, struct ledger_view *section);

/* The rest is for the modules of this folder. */

/* The number of the entry of a block's section; 0: as above, and for what is no block. */
uint32_t scopes_section_number(const struct ledger_entry *block);

/* A serial number for a section. */
uint32_t scopes_new_serial(void);

#endif
