/* SPDX-License-Identifier: MIT */
/*
 * Ends the life of an entry, and remembers for a while what it was.
 *
 * A call that cannot fail releases at once. A call that the host may refuse (FreeClientBuffer,
 * DeleteSharedMemory) releases in two steps, before and after the host's function runs. An address
 * that was handed out again in between belongs to its new block: the second step then changes
 * nothing. A section that was created again has another entry, because that of the old one leads to
 * its blocks (scopes.h).
 *
 * What has gone is remembered until at least LEDGER_REMEMBERED more have gone. Time is counted in
 * epochs: one ends whenever a lane has made EPOCH_RELEASES releases. The first epoch of each lane
 * after a release may have begun before it; each lane is allowed one more for that. No counter is
 * shared by all releases.
 *
 * All take a view, and return false if the entry has changed since: view it again. Any thread, no
 * lock.
 */
#ifndef LSATRACE_PRELOAD_LEDGER_RELEASE_H
#define LSATRACE_PRELOAD_LEDGER_RELEASE_H

#include "preload/file/lanes.h"
#include "preload/ledger/entries.h"

enum { LEDGER_REMEMBERED = 65536 };

/* LIVE to RELEASED. `stack` is that of the call. */
bool release_now(struct lane *lane, const struct ledger_view *view, uint32_t stack);

/* The same for a block that gets another owner: what that one does with it is not judged. `lane`
 * NULL: the thread has none. */
bool release_to_new_owner(struct lane *lane, const struct ledger_view *view);

/* LIVE to DELETING. */
bool release_begin(const struct ledger_view *view);

/* DELETING to RELEASED, or back to LIVE if the host refused. `view` is that of release_begin(). */
void release_finish(struct lane *lane, const struct ledger_view *view, bool is_gone, uint32_t stack);

/* LIVE stays LIVE, but no finding will be made of it from now on. */
bool release_suspect(const struct ledger_view *view);

/* The rest is for the modules of this folder. */

/* Ends a claim: the entry goes, and its place in the file is free. `how`: RELEASED or DELETED.
 * `lane` NULL: the thread has none. */
void release_claimed(struct lane *lane, struct ledger_entry *entry, enum ledger_life how,
		     uint32_t stack);

/* Ends a claim: the entry is live as before. */
void release_undo(struct ledger_entry *entry);

/* Has so much gone since this entry went that it need not be remembered? */
bool release_is_forgotten(const struct ledger_entry *entry);

/* Can that be so of any entry? Not in a process that is young. */
bool release_has_forgotten(void);

#endif
