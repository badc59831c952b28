/* SPDX-License-Identifier: MIT */
/*
 * What happens to the live blocks of a section that is deleted: they go with it. The section's own
 * entry is released by release_begin() and release_finish(), like a client buffer.
 *
 *	release_begin(section), deletion_begin(section)     before the host's function runs
 *	deletion_finish(section), release_finish(section)   after it, with the host's answer
 *
 * Only entries that are blocks of the section, or were a short time ago, are looked at (scopes.h).
 *
 * A block that another thread frees meanwhile is found or not: both agree with some order of the
 * two calls. The same holds for a block that another thread allocates meanwhile; if it is entered
 * before the deletion is finished, it goes with the section.
 */
#ifndef LSATRACE_PRELOAD_LEDGER_DELETION_H
#define LSATRACE_PRELOAD_LEDGER_DELETION_H

#include "preload/file/lanes.h"
#include "preload/ledger/entries.h"

/* Its live blocks become DELETING. Returns how many. */
uint32_t deletion_begin(const struct ledger_view *section);

/* They become DELETED, or LIVE again if the host refused. Calls `left` for each one that is
 * deleted, as it was before. Returns how many there were: fewer than at the beginning if addresses
 * of some were handed out again in between. `lane` NULL: the thread has none. */
uint32_t deletion_finish(struct lane *lane, const struct ledger_view *section, bool is_gone,
			 uint32_t stack,
			 void (*left)(const struct ledger_view *block, void *context),
			 void *context);

/* No finding will be made of a live section, nor of its live blocks: that it was not deleted is nobody's
 * fault. */
void deletion_suspect(const struct ledger_view *section);

/* Both at once and without a finding, for a section whose deletion was not traced. For the modules
 * of this folder. */
void deletion_end_blocks(struct lane *lane, const struct ledger_view *section);

#endif
