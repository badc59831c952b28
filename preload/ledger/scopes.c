/* SPDX-License-Identifier: MIT */
#include "preload/ledger/scopes.h"
#include "preload/base/free_list.h"
#include "preload/base/vm.h"
#include "preload/host/maps.h"
#include "preload/ledger/groups.h"
#include "preload/ledger/lookup.h"

#include "preload/base/poison.h"

static uint32_t last_serial;

/* Is the entry still that of the section? It may be used for something else by now. */
static uint32_t section_number(uint64_t scope)
{
	uint32_t number = (uint32_t)scope;

	return number && (uint32_t)peek(entries[number].scope) == scope >> 32 &&
			       peek(entries[number].space) == SPACE_SECTION
		       ? number
		       : 0;
}

uint32_t scopes_section_number(const struct ledger_entry *block)
{
	return block->space == SPACE_BLOCK ? section_number(block->scope) : 0;
}

/* The scope of an entry, if that is the live section with a handle; else 0. */
static inline uint64_t scope_of_live(uint32_t number, uint64_t handle)
{
	const struct ledger_entry *section = &entries[number];
	uint64_t life = entries_life(&entries[number]), scope = peek(section->scope) << 32 | number;

	if ((life & 0xff) != LIFE_LIVE || peek(section->address) != handle ||
	    peek(section->space) != SPACE_SECTION)
		return 0;
	/* Orders what was read before the second look at `life`. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return likely(peek(section->life) == life) ? scope : 0;
}

APART bool scopes_is_live(uint64_t scope, uint64_t handle)
{
	return scope && scope_of_live((uint32_t)scope, handle) == scope;
}

/* Returns the number of the live section with a handle; 0: there is none. */
static APART uint32_t find_by_index(uint64_t handle)
{
	struct ledger_view view;

	if (!lookup_find(SPACE_SECTION, handle, 0, &view) || !ledger_is_live(&view))
		return 0;
	lookup_guess(SPACE_SECTION, handle, 0, view.number);
	return view.number;
}

/* A signal handler may leave this by longjmp(): then the lane knows of no section. */
APART uint64_t scopes_find_another(struct lane *lane, uint64_t handle)
{
	uint32_t number = (uint32_t)(lookup_expect(SPACE_SECTION, handle, 0) - entries);
	struct lane_section *last = &lane->section;
	uint64_t life;

	if (unlikely(!scope_of_live(number, handle)))
		number = find_by_index(handle);
	last->life = LANE_NO_LIFE;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	life = entries_life(&entries[number]);
	last->shown = peek(entries[number].shown);
	last->scope = scope_of_live(number, handle);
	last->handle = handle;
	last->life_now = &entries[number].life;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	/* What was read in between holds if the life is still the same. */
	if (last->scope && entries_life(&entries[number]) == life)
		last->life = life;
	return last->scope;
}

APART uint32_t scopes_shown(uint64_t scope)
{
	return peek(entries[section_number(scope)].shown);
}

bool scopes_find_section(const struct ledger_view *block, struct ledger_view *section)
{
	uint32_t number = scopes_section_number(&block->entry);

	if (number && entries_view(number, section) &&
	    (uint32_t)section->entry.scope == block->entry.scope >> 32)
		return true;
	section->number = 0;
	return false;
}

enum {
	WAYS = 8, /* places of a line. Of a level's first line, the first one is no place but its header */
	LINE_BYTES = WAYS * sizeof(uint64_t),
	LEVELS = 23, /* the last has more places than there are entries */
	LINES_MOST = 1 << 24,
	LINES_LEAST = 1 << 16, /* where address space is limited */
	NUMBER_BITS = 24,      /* of a place; the rest is the version of a life */
};

/*
 * A reference to a level, as it lies in entry->scope: MARK | which level of its list it is | its first line.
 * No serial number gets as large as MARK: so no scope of a block looks like that of a section.
 */
enum { LINE_BITS = 26 };
#define MARK (1u << 31)
#define NO_LEVEL (MARK | 30u << LINE_BITS)
#define ENDED (MARK | 31u << LINE_BITS)

static struct vm_table lines;
static uint32_t lines_used;
static struct free_list free_levels[LEVELS];

struct header {
	uint32_t older; /* reference */
	uint32_t link;  /* of a level that is free */
};

bool scopes_init(void)
{
	uint64_t bytes = maps_share((uint64_t)LINES_MOST * LINE_BYTES, 16);

	return vm_table_init(&lines, VM_TRACER,
			     bytes < LINES_LEAST * LINE_BYTES ? LINES_LEAST * LINE_BYTES : bytes,
			     -1);
}

static unsigned level_of(uint32_t reference)
{
	return (reference & ~MARK) >> LINE_BITS;
}

static uint64_t *line_at(uint32_t reference, uint32_t which)
{
	uint32_t first = reference & ((1u << LINE_BITS) - 1);

	return (uint64_t *)(lines.base + (uint64_t)(first + which) * LINE_BYTES);
}

static struct header *header_of(uint32_t reference)
{
	return (struct header *)line_at(reference, 0);
}

static uint32_t *link_of(uint32_t reference)
{
	return &header_of(reference)->link;
}

uint64_t scopes_new_section(void)
{
	uint32_t serial = __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);

	return (uint64_t)NO_LEVEL << 32 | serial;
}

static uint32_t make_level(unsigned level)
{
	uint32_t used = peek(lines_used), count = 1u << level;

	do {
		if (!vm_table_reach(&lines, (uint64_t)(used + 1 + count) * LINE_BYTES))
			return 0;
	} while (!__atomic_compare_exchange_n(&lines_used, &used, used + count, false,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	return MARK | (uint32_t)level << LINE_BITS | (used + 1);
}

/* Returns a reference of a level that has nothing in its places; 0: there is no memory. */
static uint32_t take_level(unsigned level)
{
	uint32_t reference = free_list_take(&free_levels[level], link_of);

	if (!reference)
		return make_level(level);
	for (uint64_t i = 1; i < (uint64_t)WAYS << level; i++)
		poke(line_at(reference, 0)[i], 0);
	return reference;
}

static void give_level(uint32_t reference)
{
	free_list_add(&free_levels[level_of(reference)], reference, link_of(reference));
}

/* Returns the newest level of a section's list, or NO_LEVEL, or ENDED. */
static uint32_t newest_level(uint64_t scope)
{
	uint64_t list = __atomic_load_n(&entries[(uint32_t)scope].scope, __ATOMIC_ACQUIRE);

	return list >> 63 && (uint32_t)list == scope >> 32 ? (uint32_t)(list >> 32) : ENDED;
}

static bool change_newest(uint64_t scope, uint32_t level, uint32_t next)
{
	uint64_t list = (uint64_t)level << 32 | scope >> 32;

	return __atomic_compare_exchange_n(&entries[(uint32_t)scope].scope, &list,
					   (uint64_t)next << 32 | scope >> 32, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static uint32_t number_in(uint64_t place)
{
	return (uint32_t)place & ((1u << NUMBER_BITS) - 1);
}

/* Whether the entry of a place still wants it. */
enum wants { WANTS_IT, MAY_WANT_IT, WANTS_IT_NO_MORE };

/* MAY: it has gone, but if it is used again in this section it will believe that it is in the list. Then
 * `life` is its life. */
static enum wants wants_place(const struct ledger_entry *entry, uint64_t scope, uint64_t *life)
{
	bool is_here;

	*life = entries_life(entry);
	if ((*life & 0xff) <= LIFE_BUSY)
		return WANTS_IT;
	is_here = peek(entry->scope) == scope && peek(entry->space) == SPACE_BLOCK;
	/* Orders what was read before the second look at `life`. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (peek(entry->life) != *life)
		return WANTS_IT;
	if (!is_here)
		return WANTS_IT_NO_MORE;
	return (*life & 0xff) >= LIFE_RELEASED ? MAY_WANT_IT : WANTS_IT;
}

static bool put(uint64_t *place, uint64_t was, uint64_t word)
{
	return __atomic_compare_exchange_n(place, &was, word, false, __ATOMIC_RELEASE,
					   __ATOMIC_RELAXED);
}

/* Takes the place of an entry that has gone from this section, and tells it. */
static APART bool put_for_gone(uint64_t *place, uint64_t was, uint64_t word, uint64_t life)
{
	struct ledger_entry *gone = &entries[number_in(was)];
	bool is_taken;

	if (!entries_claim(gone, life))
		return false;
	poke(gone->groups, gone->groups & ~GROUPS_LISTED);
	is_taken = put(place, was, word);
	entries_settle(gone, life & 0xff);
	return is_taken;
}

static bool take_place(uint64_t *place, uint64_t word, uint64_t scope, enum wants most)
{
	uint64_t was = __atomic_load_n(place, __ATOMIC_ACQUIRE), life;
	enum wants wants;

	if (was == 0 || number_in(was) == number_in(word))
		return put(place, was, word);
	/* Is what has just been read a place of this section? */
	if (unlikely(newest_level(scope) == ENDED))
		return false;
	wants = wants_place(&entries[number_in(was)], scope, &life);
	if (likely(wants == WANTS_IT_NO_MORE))
		return put(place, was, word);
	return wants == most && put_for_gone(place, was, word, life);
}

/* Places that are empty, or the number's own, come first. */
static APART bool join_line(uint64_t *line, unsigned first, uint64_t word, uint64_t scope)
{
	for (unsigned way = first; way < WAYS; way++) {
		uint64_t was = __atomic_load_n(&line[way], __ATOMIC_ACQUIRE);

		if ((was == 0 || number_in(was) == number_in(word)) && put(&line[way], was, word))
			return true;
	}
	for (enum wants most = WANTS_IT_NO_MORE; most >= MAY_WANT_IT; most--)
		for (unsigned way = first; way < WAYS; way++)
			if (take_place(&line[way], word, scope, most))
				return true;
	return false;
}

/* Each number has a place that it tries first. */
static inline bool join_level(uint32_t level, uint64_t word, uint64_t scope)
{
	uint64_t hash = number_in(word) * 0x9e3779b97f4a7c15u;
	uint32_t mask = (1u << level_of(level)) - 1, which = (uint32_t)(hash >> 32) & mask;
	uint32_t other = which ^ (((uint32_t)hash & mask) | 1);
	uint64_t *line = line_at(level, which);

	return take_place(&line[hash >> 61 | !which], word, scope, WANTS_IT_NO_MORE) ||
	       join_line(line, which == 0, word, scope) ||
	       (mask && join_line(line_at(level, other), other == 0, word, scope));
}

/* Returns false if there is no memory. */
static APART bool add_level(uint64_t scope, uint32_t newest)
{
	unsigned which = newest == NO_LEVEL ? 0 : level_of(newest) + 1;
	uint32_t level = which < LEVELS ? take_level(which) : 0;

	if (!level)
		return false;
	poke(header_of(level)->older, newest);
	if (!change_newest(scope, newest, level))
		give_level(level);
	return true;
}

APART __attribute__((flatten)) bool scopes_join(uint32_t number, uint64_t scope)
{
	uint64_t word = peek(entries[number].life) >> 8 << NUMBER_BITS | number;
	uint32_t newest;

	/* Once a section has ended, nobody looks there any more. */
	while ((newest = newest_level(scope)) != ENDED) {
		if (newest != NO_LEVEL && join_level(newest, word, scope))
			return true;
		if (!add_level(scope, newest))
			return false;
	}
	return true;
}

/* Returns NO_LEVEL after the last one. The levels of a list may be used for others meanwhile, and lead into
 * those. Also then, an older level is a smaller one. */
static uint32_t older_level(uint32_t level)
{
	return peek(header_of(level)->older);
}

static void visit_line(const uint64_t *line, unsigned first,
		       void (*visit)(uint32_t number, void *context), void *context)
{
	uint32_t number[WAYS];

	/* Entries lie anywhere in memory: all misses at once. */
	for (unsigned way = first; way < WAYS; way++) {
		number[way] = number_in(__atomic_load_n(&line[way], __ATOMIC_ACQUIRE));
		__builtin_prefetch(&entries[number[way]]);
	}
	for (unsigned way = first; way < WAYS; way++)
		if (number[way])
			visit(number[way], context);
}

void scopes_visit_blocks(uint64_t scope, void (*visit)(uint32_t number, void *context),
			 void *context)
{
	uint32_t level = newest_level(scope);

	if (level == ENDED)
		return;
	for (; level != NO_LEVEL; level = older_level(level))
		for (uint32_t which = 0; which >> level_of(level) == 0; which++)
			visit_line(line_at(level, which), which == 0, visit, context);
}

void scopes_end(uint64_t scope)
{
	uint32_t level, older;

	do {
		level = newest_level(scope);
		if (level == ENDED)
			return;
	} while (!change_newest(scope, level, ENDED));
	for (; level != NO_LEVEL; level = older) {
		older = older_level(level);
		give_level(level);
	}
}
