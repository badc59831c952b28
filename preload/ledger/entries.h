/* SPDX-License-Identifier: MIT */
/*
 * The entries of the ledger: one for each section and block that is live, or was until recently.
 * They lie in one table in private memory and have numbers, from 1. An entry that has gone long ago
 * is used again for another address.
 *
 * Any thread may change an entry, without a lock. ledger.h has the table of an entry's states; this
 * is the protocol:
 *
 *   - `life` holds the state, and a version that grows with each change. All other fields belong to
 *     the thread that has set the state to BUSY. Others may look at them at any moment, so that
 *     thread writes them with poke(), and others read them with peek() (compiler.h).
 *   - entries_claim() sets BUSY, by a compare-and-swap from the exact life that the thread has
 *     seen. So it fails if anything has changed since, and what the thread has read in between
 *     still holds if it succeeds.
 *   - entries_settle() sets the next state, with release order.
 *   - entries_view() copies an entry and checks that `life` stayed the same meanwhile. A claim by
 *     a view fails if the view is out of date.
 *
 * A thread that is stopped between claim and settle, even for ever, blocks nobody: others see the
 * entry as if nothing were at the address. No function waits. Async-signal-safe.
 *
 * What begins with entries_ is for the modules of this folder only.
 */
#ifndef LSATRACE_PRELOAD_LEDGER_ENTRIES_H
#define LSATRACE_PRELOAD_LEDGER_ENTRIES_H

#include <stdbool.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "preload/base/compiler.h"
#include "preload/file/lanes.h"

/* Addresses are of three spaces, which have nothing to do with each other. */
enum ledger_space {
	SPACE_BLOCK,   /* blocks in the host's memory: of sections and of heaps */
	SPACE_SECTION, /* handles of sections */
	SPACE_CLIENT,  /* client buffers: an address means something for one client request only;
			  request 0 is that of the current call, whichever it is */
};

/* What each state means is in ledger.h. LIVE and beyond: something is entered. */
enum ledger_life { LIFE_NONE, LIFE_BUSY, LIFE_LIVE, LIFE_DELETING, LIFE_RELEASED, LIFE_DELETED };

enum ledger_flags {
	LEDGER_INHERITED = TRACE_ENTRY_INHERITED,
	LEDGER_ADOPTED = TRACE_ENTRY_ADOPTED,
	LEDGER_IGNORED = 4, /* it is meant to live for ever */
	LEDGER_OBTAINED =
		16, /* the host gave it, with its length, by a function that is no allocator */
	LEDGER_RETURNED = 32,    /* by CallPackage or its like: to be freed with FreeReturnBuffer */
	LEDGER_TRANSFERRED = 64, /* gone by changing its owner: a free of it is not judged */
	/* It was freed wrongly once, or --fail let its release fail: no finding will be made of it from
	 * now on. */
	LEDGER_SUSPECT = 128,
	/* Handed out by a function whose documentation does not say how it was allocated: nothing
	 * is claimed of it, and later frees are not judged either. */
	LEDGER_GIVEN = LEDGER_SUSPECT | LEDGER_TRANSFERRED,
};

struct ledger_entry {
	uint64_t life;    /* enum ledger_life | version << 8 */
	uint64_t address; /* of the block, or the handle of the section */
	uint64_t size;    /* bytes asked for; section: MaxSize | InitialSize << 32 */
	uint64_t scope;   /* block: its section (scopes.h), or 0; section: its serial number; client
			     buffer: the request */
	uint32_t shown; /* reference of the struct trace_entry that shows it; 0: the file had no room */
	uint32_t stack;      /* reference of the stack that made it */
	uint32_t gone_stack; /* of the one that released it */
	union {
		uint32_t era;        /* live: in which it was made (checkpoints.h) */
		uint32_t gone_epoch; /* gone: when (release.h) */
	};
	uint8_t space, family, package, flags;
	uint8_t groups; /* in which it is (groups.h) */
	union {
		struct {             /* live */
			int32_t tid; /* of the thread that made it */
			uint32_t file; /* section: as struct trace_entry has it; block: 1 + slot of the function that
					handed it out, if that is no allocator; else 0 */
		};
		uint64_t gone_time; /* gone: ticks, of the call that released it; 0: not known */
	};
};

_Static_assert(sizeof(struct ledger_entry) == 64, "a cache line");

/* An entry as it was at one moment. number 0: there is none, and `entry` is not set. */
struct ledger_view {
	uint32_t number;
	struct ledger_entry entry;
};

static inline enum ledger_life ledger_life(const struct ledger_view *view)
{
	return view->number ? (enum ledger_life)(view->entry.life & 0xff) : LIFE_NONE;
}

static inline bool ledger_is_live(const struct ledger_view *view)
{
	return ledger_life(view) == LIFE_LIVE;
}

/* By number. entries[0] is zero and stands for no entry. */
extern struct ledger_entry *entries;

/* Makes the table. Called once. Returns false if there is no address space. */
bool entries_init(void);

/* The highest number in use: entries up to it may be looked at. */
uint32_t entries_used(void);

/* The same in a forked child, which is about to write to all of them. */
uint32_t entries_inherit(void);

/* An entry that was never used, claimed. Returns its number, or 0 if the table is full. Each lane takes
 * 16 KiB of entries at a time: a processor that is about to write to a cache line fetches those around
 * it as well, across the ends of pages, and two threads that write to neighbours would take them from
 * each other all the time. */
enum { ENTRIES_RUN = 256 };
uint32_t entries_take_new(struct lane *lane);

/* Gives back what entries_take_new() has returned: nothing was entered there. */
void entries_give_back(uint32_t number);

static inline uint64_t entries_life(const struct ledger_entry *entry)
{
	return __atomic_load_n(&entry->life, __ATOMIC_ACQUIRE);
}

static inline uint64_t entries_next_life(uint64_t life, enum ledger_life next)
{
	return (life & ~0xffull) + (0x100 + next);
}

/* Claims an entry whose life was `life`. False: it has changed since. */
static inline bool entries_claim(struct ledger_entry *entry, uint64_t life)
{
	return __atomic_compare_exchange_n(&entry->life, &life, entries_next_life(life, LIFE_BUSY),
					   false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* The same, if its state was `state`. */
static inline bool entries_claim_if(struct ledger_entry *entry, uint64_t life,
				    enum ledger_life state)
{
	return likely((life & 0xff) == state) &&
	       likely(__atomic_compare_exchange_n(&entry->life, &life,
						  life + (0x100u + LIFE_BUSY - state), false,
						  __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
}

/* Under a claim. */
static inline void entries_add_flags(struct ledger_entry *entry, uint8_t flags)
{
	poke(entry->flags, entry->flags | flags);
}

/* Ends a claim. */
static inline void entries_settle(struct ledger_entry *entry, enum ledger_life next)
{
	__atomic_store_n(&entry->life, entries_next_life(peek(entry->life), next), __ATOMIC_RELEASE);
}

/* Copies an entry as it is, word by word. */
void entries_copy(uint32_t number, struct ledger_entry *copy);

/* Copies an entry. False: nothing is entered there, or it is being changed; the view is not set. */
bool entries_view(uint32_t number, struct ledger_view *view);

#endif
