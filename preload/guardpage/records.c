/* SPDX-License-Identifier: MIT */
#include "preload/guardpage/records.h"
#include "preload/base/free_list.h"
#include "preload/base/lock.h"
#include "preload/base/vm.h"
#include "preload/host/maps.h"

#include "preload/base/poison.h"

enum {
	BLOCKS_MOST = 1 << 22,
	BLOCKS_LEAST = 1 << 14,
	AREAS_MOST = 1 << 16,
};

/* region_owner() tells, for each page of a block, the block's number, and for the first page of
 * an area the area's number with this bit. */
#define IS_AREA (1u << 31)

static struct vm_table block_table, area_table;
static struct block *blocks; /* by number, from 1 */
static struct area *areas;   /* by number, from 1 */
static uint32_t blocks_used, blocks_most, areas_used;
static struct free_list free_areas;
/* A queue: a record is used again as late as possible, for a signal handler may be reading it. */
static uint32_t first_free_block, last_free_block;
static struct quarantine quarantine;

struct area *area_of(const struct block *b)
{
	return &areas[b->area];
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

struct block *records_find_block(uint64_t address)
{
	uint32_t page, number;

	if (!region_holds(address))
		return NULL;
	page = region_page(address);
	number = region_owner(page);
	if (number == 0 || number & IS_AREA)
		return NULL;
	return page - blocks[number].first < blocks[number].pages ? &blocks[number] : NULL;
}

struct area *records_find_area(uint64_t address)
{
	uint32_t page = region_page(address);

	for (uint32_t number = 1; region_holds(address) && number <= areas_used; number++)
		if (areas[number].state != STATE_NONE &&
		    page - areas[number].first < areas[number].pages)
			return &areas[number];
	return NULL;
}

struct block *records_live_block(const void *address)
{
	struct block *b = records_find_block((uint64_t)(uintptr_t)address);

	return b && b->state == STATE_LIVE && b->address == address ? b : NULL;
}

struct area *records_live_section(const void *handle)
{
	uint64_t address = (uint64_t)(uintptr_t)handle;
	struct area *area;
	uint32_t number;

	if (!region_holds(address) || address % REGION_PAGE != 0)
		return NULL;
	number = region_owner(region_page(address));
	if (!(number & IS_AREA))
		return NULL;
	area = &areas[number & ~IS_AREA];
	return area->state == STATE_LIVE && area->family == FAMILY_SHARED_MEMORY ? area : NULL;
}

static uint32_t number_of(const struct block *b)
{
	return (uint32_t)(b - blocks);
}

static uint32_t area_number(const struct area *area)
{
	return (uint32_t)(area - areas);
}

struct block *records_block(uint32_t number)
{
	return number ? &blocks[number] : NULL;
}

struct area *records_next_area(const struct area *after)
{
	uint32_t number = after ? area_number(after) + 1 : 1;

	while (number <= areas_used && areas[number].state != STATE_LIVE)
		number++;
	return number <= areas_used ? &areas[number] : NULL;
}

/* Forgetting. */

void records_drop_block(struct block *b)
{
	b->next = 0;
	*(first_free_block ? &blocks[last_free_block].next : &first_free_block) = number_of(b);
	last_free_block = number_of(b);
}

void records_give_pages(struct area *area, uint32_t first, uint32_t pages)
{
	span_give(&area->row, first - area->first, pages);
}

void records_forget_block(struct block *b)
{
	quarantine_remove(&quarantine, &b->hold);
	*(b->previous ? &blocks[b->previous].next : &area_of(b)->blocks) = b->next;
	if (b->next)
		blocks[b->next].previous = b->previous;
	records_give_pages(area_of(b), b->first, b->pages);
	records_drop_block(b);
}

static void free_area_record(struct area *area)
{
	area->state = STATE_NONE;
	free_list_add(&free_areas, area_number(area), &area->next_free);
}

void records_drop_area(struct area *area)
{
	region_set_owner(area->first, 0);
	region_give(area->first, area->pages);
	free_area_record(area);
}

static void forget_area(struct area *area)
{
	uint32_t number = area->blocks;

	quarantine_remove(&quarantine, &area->hold);
	while (number) {
		struct block *b = &blocks[number];

		number = b->next;
		records_drop_block(b);
	}
	records_drop_area(area);
}

static void forget_oldest(void)
{
	uint32_t what = quarantine.oldest->what;

	if (what & IS_AREA)
		forget_area(&areas[what & ~IS_AREA]);
	else
		records_forget_block(&blocks[what]);
}

static void add_to_quarantine(struct quarantined *item, uint32_t what, uint32_t pages)
{
	item->what = what;
	quarantine_add(&quarantine, item, (uint64_t)pages * REGION_PAGE);
	/* The newest one is worth most: it stays, whatever it costs. */
	while (quarantine.bytes > config->guard_quarantine_bytes && quarantine.oldest != item)
		forget_oldest();
}

void records_quarantine_block(struct block *b)
{
	add_to_quarantine(&b->hold, number_of(b), b->pages);
}

/* Its blocks that were in quarantine are part of its cost from now on. */
void records_quarantine_area(struct area *area)
{
	for (struct block *b = records_block(area->blocks); b; b = records_block(b->next))
		quarantine_remove(&quarantine, &b->hold);
	add_to_quarantine(&area->hold, area_number(area) | IS_AREA, area->row.reach);
}

/* Making. */

static struct block *take_block_record(void)
{
	uint32_t number = first_free_block;

	if (!number && blocks_used + 1 < blocks_most &&
	    vm_table_reach(&block_table, (blocks_used + 2) * sizeof(*blocks)))
		return &blocks[++blocks_used];
	while (!first_free_block && quarantine.oldest)
		forget_oldest();
	number = first_free_block;
	first_free_block = number ? blocks[number].next : 0;
	return records_block(number);
}

struct block *records_new_block(struct area *area)
{
	struct block *b = take_block_record();

	if (b)
		*b = (struct block){ .area = area_number(area),
				     .epoch = lock_epoch(LOCK_GUARDPAGE) };
	return b;
}

void records_enter_block(struct block *b)
{
	struct area *area = area_of(b);
	uint32_t number = number_of(b);

	b->previous = 0;
	b->next = area->blocks;
	if (b->next)
		blocks[b->next].previous = number;
	area->blocks = number;
	b->state = STATE_LIVE;
	for (uint32_t i = 0; i < b->pages; i++)
		region_set_owner(b->first + i, number);
}

uint32_t records_take_pages(struct area *area, uint32_t pages)
{
	uint32_t first = span_take(&area->row, pages);

	while (first == SPAN_NONE && quarantine.oldest) {
		forget_oldest();
		first = span_take(&area->row, pages);
	}
	if (first == SPAN_NONE)
		return SPAN_NONE;
	if (region_reaches(area->first + first, pages))
		return area->first + first;
	span_give(&area->row, first, pages);
	return SPAN_NONE;
}

static uint32_t *next_free_of(uint32_t number)
{
	return &areas[number].next_free;
}

static struct area *take_area_record(void)
{
	uint32_t number = free_list_take(&free_areas, next_free_of);

	while (!number && areas_used + 1 == AREAS_MOST && quarantine.oldest) {
		forget_oldest();
		number = free_list_take(&free_areas, next_free_of);
	}
	if (number)
		return &areas[number];
	if (areas_used + 1 == AREAS_MOST ||
	    !vm_table_reach(&area_table, (areas_used + 2) * sizeof(*areas)))
		return NULL;
	return &areas[++areas_used];
}

/* Takes pages of the region for an area, as records_new_area() says. */
static bool take_region(struct area *area, uint32_t pages, uint32_t least)
{
	for (; pages && pages >= least; pages /= 2) {
		area->pages = pages;
		area->first = region_take(&area->pages, &area->row);
		if (area->first != SPAN_NONE)
			return true;
		while (quarantine.oldest)
			forget_oldest();
	}
	return false;
}

struct area *records_new_area(enum family family, uint32_t pages, uint32_t least)
{
	struct area *area = take_area_record();

	if (!area)
		return NULL;
	*area = (struct area){ .family = (uint8_t)family, .epoch = lock_epoch(LOCK_GUARDPAGE) };
	if (!take_region(area, pages, least)) {
		free_area_record(area);
		return NULL;
	}
	span_take(&area->row, 1);
	area->state = STATE_LIVE;
	region_set_owner(area->first, area_number(area) | IS_AREA);
	return area;
}

bool records_init(void)
{
	uint64_t bytes = maps_share(BLOCKS_MOST * sizeof(*blocks), 16);

	if (bytes < BLOCKS_LEAST * sizeof(*blocks))
		bytes = BLOCKS_LEAST * sizeof(*blocks);
	blocks_most = (uint32_t)(bytes / sizeof(*blocks));
	if (!vm_table_init(&block_table, VM_TRACER, bytes, -1) ||
	    !vm_table_init(&area_table, VM_TRACER, AREAS_MOST * sizeof(*areas), -1) ||
	    !region_init()) {
		vm_table_release(&block_table);
		vm_table_release(&area_table);
		return false;
	}
	blocks = (struct block *)block_table.base;
	areas = (struct area *)area_table.base;
	return true;
}
