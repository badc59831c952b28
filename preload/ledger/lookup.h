/* SPDX-License-Identifier: MIT */
/*
 * Finds entries of the ledger by address.
 *
 * A hash index leads from (space, address, request) to entries. An address usually has one entry.
 * If an address is handed out again while a thread is still changing the old entry, it has two for
 * a while. Only one of them is live, and it is the one that is found; when both have gone, the last.
 *
 * In front of the index is a table of guesses: for some bits of an address, the number of the entry
 * that was found there last. A guess is always checked. Nearly every call finds its entry by the
 * guess.
 *
 * Any thread, without a lock. Async-signal-safe.
 */
#ifndef LSATRACE_PRELOAD_LEDGER_LOOKUP_H
#define LSATRACE_PRELOAD_LEDGER_LOOKUP_H

#include "preload/base/compiler.h"
#include "preload/base/index.h"
#include "preload/ledger/entries.h"

/* Fetches what the questions below read first into the cache. */
void lookup_fetch(enum ledger_space space, uint64_t address, uint64_t request);

/* What is at an address: the live entry, else the last one that is still remembered. `request` is the client
 * request and matters in SPACE_CLIENT only. False: nothing is known there; view->number is 0. */
bool lookup_find(enum ledger_space space, uint64_t address, uint64_t request,
		 struct ledger_view *view);

/* The live block that contains an address, but does not begin there. */
bool lookup_find_around(enum ledger_space space, uint64_t address, uint64_t request,
			struct ledger_view *view);

/* Of two that are not live: has one gone later than the other, or is there no other? Where the time is not
 * known, it is late. */
bool lookup_is_later(const struct ledger_view *one, const struct ledger_view *other);

/* A live client buffer at an address, of whichever request. */
bool lookup_find_client(uint64_t address, struct ledger_view *view);

/* Guesses which entry an address has, and fetches that into the cache. Call it as early as the
 * address is known. Pass it to who needs the entry. */
struct ledger_entry *lookup_expect(enum ledger_space space, uint64_t address, uint64_t request);

/* The rest is for the modules of this folder. */

/* Returns false if there is no memory. Once. */
bool lookup_init(void);

/* The index itself, for ledger_enter(), which adds to it. */
extern struct index lookup_index;
uint64_t lookup_hash(enum ledger_space space, uint64_t address, uint64_t request);

/* The number of an entry at an address that nobody is changing, in whichever state; 0: there is
 * none. */
uint32_t lookup_number(enum ledger_space space, uint64_t address, uint64_t request);

/* The number of one that somebody is changing. */
uint32_t lookup_busy(enum ledger_space space, uint64_t address, uint64_t request);

/* As lookup_number(), but claimed: `life` becomes what its life was. */
uint32_t lookup_claim(enum ledger_space space, uint64_t address, uint64_t request, uint64_t *life);

static inline bool lookup_is_at(const struct ledger_entry *entry, enum ledger_space space,
				uint64_t address, uint64_t request)
{
	return peek(entry->address) == address && peek(entry->space) == space &&
	       (space != SPACE_CLIENT || peek(entry->scope) == request);
}

/* The entry at an address is another one than before: makes it the guess. */
void lookup_guess(enum ledger_space space, uint64_t address, uint64_t request, uint32_t number);

/* An entry, or entries[0], and its life, read before its address: what a caller reads after that holds as
 * well, if it can claim the entry by this life. */
struct lookup_entry {
	struct ledger_entry *entry;
	uint64_t life;
};

/* As lookup_number(), and makes that the guess. */
struct lookup_entry lookup_by_index(enum ledger_space space, uint64_t address, uint64_t request);

/* The same; `expected` is what lookup_expect() returned, and is right nearly always. */
static inline struct lookup_entry lookup_at(enum ledger_space space, uint64_t address,
					    uint64_t request, struct ledger_entry *expected)
{
	uint64_t life = entries_life(expected);

	return likely(lookup_is_at(expected, space, address, request))
		       ? (struct lookup_entry){ expected, life }
		       : lookup_by_index(space, address, request);
}

#endif
