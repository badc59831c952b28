/* SPDX-License-Identifier: MIT */
/*
 * Groups of entries, for the questions that an address alone does not answer: which block lies
 * around this address, which clients have a buffer at this address. No answer looks at all entries.
 * (Which blocks are in a section: scopes.h.)
 *
 * An entry is in up to two groups:
 *
 *	its range     by class of size, and by the multiple of the class's largest size in which
 *	              it begins. Classes grow by the factor 16. So the block around an address
 *	              begins in one of two ranges of each class. For client buffers, also by the
 *	              request.
 *	its list      the client buffers at one address
 *
 * An entry that has gone stays in its groups. If it is used again for a block of the same class, as
 * is usual, nothing has to be done; for another address, it leaves them.
 *
 * The groups lie in one hash index. A *node* is a hash that has up to NODE_ROOM numbers. The first
 * node of a group has the hash of the group. A new number goes there, or if it is full, to one of the
 * nodes at the group's depth, which is 0 at first. If that is full, the number takes the place of an entry that has
 * gone, and which thus leaves the group. If all are live, the group gets deeper by one: each node
 * then has 8 children. So the size of a group depends on how many of its entries were live at once,
 * and not on how many there have been.
 *
 * What holds at any moment:
 *	- Only the thread that has claimed an entry (entries.h) adds it to a group or removes it.
 *	  It may also claim another entry that has gone, to take its place.
 *	- Entries that are LIVE or DELETING are in their groups, and do not move in them. So whoever
 *	  looks through a group finds every entry that was settled before and is not released
 *	  meanwhile.
 *
 * Any thread, without a lock. Async-signal-safe. For the modules of this folder only.
 */
#ifndef LSATRACE_PRELOAD_LEDGER_GROUPS_H
#define LSATRACE_PRELOAD_LEDGER_GROUPS_H

#include "preload/base/compiler.h"
#include "preload/base/index.h"
#include "preload/ledger/entries.h"

enum {
	GROUPS_CLASS = 15, /* of entry->groups: the class of its range; 0: it is in none */
	GROUPS_LISTED =
		16, /* client buffer: it is in its list; block: it is in that of its section (scopes.h) */
	GROUPS_SMALL_BYTES = 256, /* class 1 */
};

/* For GROUPS_SMALL_BYTES and more. */
unsigned groups_class_of_large(uint64_t size);

/* entry->groups of a block or client buffer that is in the groups in which it must be. */
static inline uint8_t groups_needed(const struct ledger_entry *what)
{
	unsigned class =
		likely(what->size <= GROUPS_SMALL_BYTES) ? 1 : groups_class_of_large(what->size);

	return (uint8_t)(class | (what->scope || what->space == SPACE_CLIENT ? GROUPS_LISTED : 0));
}

/* Moves a claimed entry from its groups to those of `what`, which is about to be entered there, at the same
 * address if it is in groups. Returns false if there is no memory. */
bool groups_move(uint32_t number, const struct ledger_entry *what);

/* Removes a claimed entry from its groups. */
void groups_leave(uint32_t number);

/* What is done with an entry of a group. May claim it. Returns true to end the search. The entry is
 * perhaps not of the group: look at its fields. */
typedef bool groups_visit(uint32_t number, void *context);

/* Visits entries of space BLOCK or CLIENT of which one may lie around an address, until `visit`
 * returns true; returns what it returned last. `request` matters in SPACE_CLIENT only. */
bool groups_visit_around(enum ledger_space space, uint64_t address, uint64_t request,
			 groups_visit *visit, void *context);

/* Fetches what that reads first into the cache. */
void groups_fetch_around(enum ledger_space space, uint64_t address, uint64_t request);

/* The same for the client buffers at an address. */
bool groups_visit_clients(uint64_t address, groups_visit *visit, void *context);

#endif
