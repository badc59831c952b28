/* SPDX-License-Identifier: MIT */
#include <sys/mman.h>

#include "preload/base/lock.h"
#include "preload/base/vm.h"
#include "preload/guardpage/records.h"
#include "preload/host/maps.h"

#include "preload/base/poison.h"

enum {
	BLOCKS_MOST = 1 << 22,
	BLOCKS_LEAST = 1 << 14,
	SPACES_MOST = 1 << 16,
};

/* What owner[] says of a section's or heap's first page: its number with this. */
#define IS_SPACE (1u << 31)

static struct block *blocks; /* by number, from 1 */
static struct space *spaces;
static uint32_t blocks_used, blocks_most, spaces_used;
static uint32_t free_first, free_last; /* blocks' records, in the order in which they came free */
static uint32_t free_spaces;
static struct quarantine quarantine;

struct space *space_of(const struct block *b)
{
	return &spaces[b->space];
}

uint32_t block_first(const struct block *b)
{
	return b->first + (b->is_guarded && config->guard_side == GUARD_BEFORE);
}

uint32_t block_pages(const struct block *b)
{
	return b->pages - b->is_guarded;
}

char *block_begin(const struct block *b)
{
	return region_at(block_first(b));
}

char *block_end(const struct block *b)
{
	return region_at(block_first(b) + block_pages(b));
}

struct block *records_around(uint64_t address)
{
	uint32_t at, number;

	if (!region_holds(address))
		return NULL;
	at = region_page(address);
	number = __atomic_load_n(&region.owner[at], __ATOMIC_RELAXED);
	if (number == 0 || number & IS_SPACE)
		return NULL;
	return at - blocks[number].first < blocks[number].pages ? &blocks[number] : NULL;
}

struct space *records_space_around(uint64_t address)
{
	uint32_t at = region_page(address);

	for (uint32_t number = 1; region_holds(address) && number <= spaces_used; number++)
		if (spaces[number].state != STATE_NONE &&
		    at - spaces[number].first < spaces[number].pages)
			return &spaces[number];
	return NULL;
}

struct block *records_block(const void *address)
{
	struct block *b = records_around((uint64_t)(uintptr_t)address);

	return b && b->state == STATE_LIVE && b->address == address ? b : NULL;
}

struct space *records_section(const void *handle)
{
	uint64_t address = (uint64_t)(uintptr_t)handle;
	uint32_t number;

	if (!region_holds(address) || address % REGION_PAGE != 0)
		return NULL;
	number = region.owner[region_page(address)];
	if (!(number & IS_SPACE) || spaces[number & ~IS_SPACE].state != STATE_LIVE ||
	    spaces[number & ~IS_SPACE].family != FAMILY_SHARED_MEMORY)
		return NULL;
	return &spaces[number & ~IS_SPACE];
}

static uint32_t number_of(const struct block *b)
{
	return (uint32_t)(b - blocks);
}

static uint32_t space_number(const struct space *s)
{
	return (uint32_t)(s - spaces);
}

struct block *records_next(uint32_t number)
{
	return number ? &blocks[number] : NULL;
}

struct space *records_next_space(const struct space *after)
{
	uint32_t number = after ? space_number(after) + 1 : 1;

	while (number <= spaces_used && spaces[number].state != STATE_LIVE)
		number++;
	return number <= spaces_used ? &spaces[number] : NULL;
}

static void link_to_space(struct block *b)
{
	struct space *s = &spaces[b->space];

	b->previous = 0;
	b->next = s->blocks;
	if (b->next)
		blocks[b->next].previous = number_of(b);
	s->blocks = number_of(b);
}

static void unlink_from_space(struct block *b)
{
	*(b->previous ? &blocks[b->previous].next : &spaces[b->space].blocks) = b->next;
	if (b->next)
		blocks[b->next].previous = b->previous;
}

void records_drop(struct block *b)
{
	b->next = 0;
	*(free_first ? &blocks[free_last].next : &free_first) = number_of(b);
	free_last = number_of(b);
}

void records_give_pages(struct space *s, uint32_t first, uint32_t pages)
{
	span_give(&s->row, first - s->first, pages);
}

void records_forget(struct block *b)
{
	quarantine_remove(&quarantine, &b->hold);
	unlink_from_space(b);
	records_give_pages(space_of(b), b->first, b->pages);
	records_drop(b);
}

static void free_space(struct space *s)
{
	s->state = STATE_NONE;
	s->next = free_spaces;
	free_spaces = space_number(s);
}

void records_drop_space(struct space *s)
{
	region.owner[s->first] = 0;
	region_give(s->first, s->pages);
	free_space(s);
}

static void forget_space(struct space *s)
{
	uint32_t number = s->blocks;

	quarantine_remove(&quarantine, &s->hold);
	while (number) {
		struct block *b = &blocks[number];

		number = b->next;
		records_drop(b);
	}
	records_drop_space(s);
}

static void forget_oldest(void)
{
	uint32_t what = quarantine.oldest->what;

	if (what & IS_SPACE)
		forget_space(&spaces[what & ~IS_SPACE]);
	else
		records_forget(&blocks[what]);
}

static void hold(struct quarantined *item, uint32_t what, uint32_t pages)
{
	item->what = what;
	quarantine_add(&quarantine, item, (uint64_t)pages * REGION_PAGE);
	/* What came last is worth most: it stays, whatever it costs. */
	while (quarantine.bytes > config->guard_quarantine_bytes && quarantine.oldest != item)
		forget_oldest();
}

void records_quarantine(struct block *b)
{
	hold(&b->hold, number_of(b), b->pages);
}

/* What was freed before is no longer held for itself: it is in the section's cost. */
void records_quarantine_space(struct space *s)
{
	for (struct block *b = records_next(s->blocks); b; b = records_next(b->next))
		quarantine_remove(&quarantine, &b->hold);
	hold(&s->hold, space_number(s) | IS_SPACE, s->row.reach);
}

static struct block *take_record(void)
{
	uint32_t number = free_first;

	if (!number && blocks_used + 1 < blocks_most)
		return &blocks[++blocks_used];
	while (!free_first && quarantine.oldest)
		forget_oldest();
	number = free_first;
	free_first = number ? blocks[number].next : 0;
	return number ? &blocks[number] : NULL;
}

struct block *records_take(struct space *s)
{
	struct block *b = take_record();

	if (b)
		*b = (struct block){ .space = space_number(s), .epoch = lock_epoch(LOCK_GUARDPAGE) };
	return b;
}

void records_enter(struct block *b)
{
	link_to_space(b);
	b->state = STATE_LIVE;
	for (uint32_t i = 0; i < b->pages; i++)
		__atomic_store_n(&region.owner[b->first + i], number_of(b), __ATOMIC_RELAXED);
}

uint32_t records_take_pages(struct space *s, uint32_t pages)
{
	uint32_t first = span_take(&s->row, pages);

	while (first == SPAN_NONE && quarantine.oldest) {
		forget_oldest();
		first = span_take(&s->row, pages);
	}
	return first == SPAN_NONE ? SPAN_NONE : s->first + first;
}

static bool take_space(struct space *s, uint32_t pages, uint32_t least)
{
	for (; pages && pages >= least; pages /= 2) {
		s->pages = pages;
		s->first = region_take(&s->pages, &s->row);
		if (s->first != SPAN_NONE)
			return true;
		while (quarantine.oldest)
			forget_oldest();
	}
	return false;
}

static struct space *new_space(void)
{
	uint32_t number = free_spaces;

	while (!number && spaces_used + 1 == SPACES_MOST && quarantine.oldest) {
		forget_oldest();
		number = free_spaces;
	}
	if (!number)
		return spaces_used + 1 < SPACES_MOST ? &spaces[++spaces_used] : NULL;
	free_spaces = spaces[number].next;
	return &spaces[number];
}

struct space *records_make_space(enum family family, uint32_t pages, uint32_t least)
{
	struct space *s = new_space();

	if (!s)
		return NULL;
	*s = (struct space){ .family = (uint8_t)family, .epoch = lock_epoch(LOCK_GUARDPAGE) };
	if (!take_space(s, pages, least)) {
		free_space(s);
		return NULL;
	}
	span_take(&s->row, 1);
	s->state = STATE_LIVE;
	__atomic_store_n(&region.owner[s->first], space_number(s) | IS_SPACE, __ATOMIC_RELEASE);
	return s;
}

bool records_init(void)
{
	uint64_t bytes = maps_share(BLOCKS_MOST * sizeof(*blocks), 16);

	for (; !blocks && bytes >= BLOCKS_LEAST * sizeof(*blocks); bytes /= 2)
		blocks = vm_reserve(bytes);
	blocks_most = (uint32_t)(bytes * 2 / sizeof(*blocks));
	if (blocks && (spaces = vm_reserve(SPACES_MOST * sizeof(*spaces))) != NULL && region_init())
		return true;
	if (blocks)
		munmap(blocks, bytes * 2);
	if (spaces)
		munmap(spaces, SPACES_MOST * sizeof(*spaces));
	return false;
}
