/* SPDX-License-Identifier: MIT */
#include "preload/ledger/entries.h"
#include "preload/base/compiler.h"
#include "preload/base/free_list.h"
#include "preload/base/vm.h"
#include "preload/host/maps.h"

#include "preload/base/poison.h"

enum {
	ENTRIES_MOST = 1 << 24,
	ENTRIES_LEAST = 1 << 18, /* where address space is limited */
	VIEW_TRIES = 64,
};

struct ledger_entry *entries;

static struct vm_table table;
static uint32_t used;
static struct free_list given_back; /* they stay claimed; linked by `stack` */

bool entries_init(void)
{
	uint64_t most = maps_share(ENTRIES_MOST * sizeof(*entries), 16) / sizeof(*entries);

	if (most < ENTRIES_LEAST)
		most = ENTRIES_LEAST;
	if (!vm_table_init(&table, VM_TRACER, most * sizeof(*entries), -1))
		return false;
	entries = (struct ledger_entry *)table.base;
	return true;
}

uint32_t entries_used(void)
{
	return __atomic_load_n(&used, __ATOMIC_ACQUIRE);
}

uint32_t entries_inherit(void)
{
	vm_table_copy(&table, (used + 1) * sizeof(*entries));
	return used;
}

static uint32_t *link_of(uint32_t number)
{
	return &entries[number].stack;
}

void entries_give_back(uint32_t number)
{
	free_list_add(&given_back, number, link_of(number));
}

/* Returns the first number of a run that is no other lane's; 0: the table is full. */
static APART uint32_t take_run(void)
{
	uint32_t last = peek(used), first;

	do {
		first = last / ENTRIES_RUN * ENTRIES_RUN + ENTRIES_RUN;
		if (!vm_table_reach(&table, (first + ENTRIES_RUN) * sizeof(*entries)))
			return 0;
	} while (!__atomic_compare_exchange_n(&used, &last, first + ENTRIES_RUN - 1, false,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	return first;
}

uint32_t entries_take_new(struct lane *lane)
{
	uint32_t number = free_list_take(&given_back, link_of);

	if (number) {
		/* A fork may have ended the claim. */
		poke(entries[number].life, entries_next_life(entries[number].life, LIFE_BUSY));
		return number;
	}
	number = lane->entry;
	if (number % ENTRIES_RUN == 0 && !(number = take_run()))
		return 0;
	lane->entry = number + 1;
	/* A thread that is cancelled here loses an entry; the lane's next one must not get it again. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	poke(entries[number].life, LIFE_BUSY);
	return number;
}

void entries_copy(uint32_t number, struct ledger_entry *copy)
{
	typedef uint64_t __attribute__((may_alias)) word;
	const word *from = (const word *)&entries[number];

	for (size_t i = 0; i < sizeof(*copy) / sizeof(word); i++)
		((word *)copy)[i] = peek(from[i]);
}

bool entries_view(uint32_t number, struct ledger_view *view)
{
	const struct ledger_entry *entry = &entries[number];

	for (int i = 0; i < VIEW_TRIES; i++) {
		uint64_t life = entries_life(&entries[number]);

		if ((life & 0xff) == LIFE_BUSY)
			continue;
		if ((life & 0xff) == LIFE_NONE)
			return false;
		entries_copy(number, &view->entry);
		/* Orders the copy before the second look at `life`. */
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (peek(entry->life) != life)
			continue;
		view->entry.life = life;
		view->number = number;
		return true;
	}
	return false;
}
