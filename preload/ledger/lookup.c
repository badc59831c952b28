/* SPDX-License-Identifier: MIT */
#include "preload/ledger/lookup.h"
#include "preload/base/vm.h"
#include "preload/ledger/groups.h"

#include "preload/base/poison.h"

enum { GUESS_BITS = 20 };

struct index lookup_index;

static uint32_t *guesses;

bool lookup_init(void)
{
	guesses = vm_reserve(sizeof(*guesses) << GUESS_BITS);
	return guesses != NULL;
}

/* What is looked for, and what has been found out about it. */
struct sought {
	enum ledger_space space;
	uint64_t address, request;
	struct ledger_view *view;
	uint64_t life;
};

uint64_t lookup_hash(enum ledger_space space, uint64_t address, uint64_t request)
{
	uint64_t scope = space == SPACE_CLIENT ? index_mix(request) : 0;

	return index_mix(address + space * 0x632be59bd9b4e019u + scope);
}

void lookup_fetch(enum ledger_space space, uint64_t address, uint64_t request)
{
	index_fetch(&lookup_index, lookup_hash(space, address, request));
	if (space != SPACE_CLIENT)
		index_fetch(&lookup_index, lookup_hash(SPACE_SECTION, address, 0));
	groups_fetch_around(space, address, request);
}

static inline uint32_t find_entry(struct sought *sought, index_is_it *is_it)
{
	uint64_t hash = lookup_hash(sought->space, sought->address, sought->request);

	return index_find(&lookup_index, hash, is_it, sought);
}

static inline bool is_at(const struct ledger_entry *entry, const struct sought *sought)
{
	return lookup_is_at(entry, sought->space, sought->address, sought->request);
}

static bool is_at_and_busy(uint32_t number, void *context)
{
	return (entries_life(&entries[number]) & 0xff) == LIFE_BUSY &&
	       is_at(&entries[number], context);
}

static bool is_at_and_settled(uint32_t number, void *context)
{
	struct sought *sought = context;

	sought->life = entries_life(&entries[number]);
	return (sought->life & 0xff) > LIFE_BUSY && is_at(&entries[number], sought);
}

/* The claim is by the life that was read first: if it succeeds, what was read after that still
 * holds. A section that is being deleted stays as it is: its blocks are found by its entry. */
static inline bool is_claimed(uint32_t number, void *context)
{
	struct sought *sought = context;

	return is_at_and_settled(number, sought) &&
	       (sought->space != SPACE_SECTION || (sought->life & 0xff) != LIFE_DELETING) &&
	       entries_claim(&entries[number], sought->life);
}

/* What is being deleted is there still. */
static uint64_t last_there(const struct ledger_view *view)
{
	return ledger_life(view) <= LIFE_DELETING ? UINT64_MAX : view->entry.gone_time - 1;
}

bool lookup_is_later(const struct ledger_view *one, const struct ledger_view *other)
{
	return !other->number || last_there(one) > last_there(other);
}

/* Views each entry at the address until one is live. */
static bool is_live(uint32_t number, void *context)
{
	struct sought *sought = context;
	struct ledger_view found;

	if (!is_at(&entries[number], sought) || !entries_view(number, &found) ||
	    !is_at(&found.entry, sought))
		return false;
	if (ledger_is_live(&found) || lookup_is_later(&found, sought->view))
		*sought->view = found;
	return ledger_is_live(&found);
}

bool lookup_find(enum ledger_space space, uint64_t address, uint64_t request,
		 struct ledger_view *view)
{
	struct sought sought = { space, address, request, view, 0 };

	view->number = 0;
	find_entry(&sought, is_live);
	return view->number != 0;
}

uint32_t lookup_number(enum ledger_space space, uint64_t address, uint64_t request)
{
	struct sought sought = { .space = space, .address = address, .request = request };

	return find_entry(&sought, is_at_and_settled);
}

uint32_t lookup_busy(enum ledger_space space, uint64_t address, uint64_t request)
{
	struct sought sought = { .space = space, .address = address, .request = request };

	return find_entry(&sought, is_at_and_busy);
}

uint32_t lookup_claim(enum ledger_space space, uint64_t address, uint64_t request, uint64_t *life)
{
	struct sought sought = { .space = space, .address = address, .request = request };
	uint32_t number = find_entry(&sought, is_claimed);

	*life = sought.life;
	return number;
}

/* Neighbours in memory are neighbours here: what a thread works with stays in its cache. One factor does
 * two things: by its upper part, each 16 bytes have a guess; by its lower part, the next ones are 1.15
 * guesses away, so that heaps at a distance of 64 MiB, as those of threads, are 0.62 of the table away
 * from each other, and do not share guesses. Nor do clients, at the same addresses. */
static uint32_t *guess_for(enum ledger_space space, uint64_t address, uint64_t request)
{
	enum { LOWER = 0x278df };
	uint64_t factor = (1ull << (60 - GUESS_BITS)) + ((uint64_t)LOWER << (40 - GUESS_BITS));

	if (space == SPACE_CLIENT)
		address += index_mix(request) << 4;
	return &guesses[(address * factor) >> (64 - GUESS_BITS)];
}

struct ledger_entry *lookup_expect(enum ledger_space space, uint64_t address, uint64_t request)
{
	struct ledger_entry *entry = &entries[peek(*guess_for(space, address, request))];

	__builtin_prefetch(entry, 1);
	return entry;
}

void lookup_guess(enum ledger_space space, uint64_t address, uint64_t request, uint32_t number)
{
	poke(*guess_for(space, address, request), number);
}

APART struct lookup_entry lookup_by_index(enum ledger_space space, uint64_t address,
					  uint64_t request)
{
	struct sought sought = { .space = space, .address = address, .request = request };
	uint32_t number = find_entry(&sought, is_at_and_settled);

	if (!number)
		return (struct lookup_entry){ entries, LIFE_NONE };
	lookup_guess(space, address, request, number);
	return (struct lookup_entry){ &entries[number], sought.life };
}

/* The view is what tells: the entry may be used for something else at any moment. */
static bool is_around(uint32_t number, void *context)
{
	struct sought *sought = context;
	const struct ledger_entry *entry = &sought->view->entry;

	return entries_view(number, sought->view) && ledger_is_live(sought->view) &&
	       entry->space == sought->space && sought->address > entry->address &&
	       sought->address - entry->address < entry->size &&
	       (sought->space != SPACE_CLIENT || entry->scope == sought->request);
}

bool lookup_find_around(enum ledger_space space, uint64_t address, uint64_t request,
			struct ledger_view *view)
{
	struct sought sought = { space, address, request, view, 0 };

	if (groups_visit_around(space, address, request, is_around, &sought))
		return true;
	view->number = 0;
	return false;
}

static bool is_of_client(uint32_t number, void *context)
{
	struct sought *sought = context;
	const struct ledger_entry *entry = &sought->view->entry;

	return entries_view(number, sought->view) && ledger_is_live(sought->view) &&
	       entry->space == SPACE_CLIENT && entry->address == sought->address;
}

bool lookup_find_client(uint64_t address, struct ledger_view *view)
{
	struct sought sought = { .address = address, .view = view };

	if (groups_visit_clients(address, is_of_client, &sought))
		return true;
	view->number = 0;
	return false;
}
