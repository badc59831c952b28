/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "preload/base/config.h"
#include "preload/base/lock.h"
#include "preload/base/process.h"
#include "preload/file/trace.h"
#include "preload/guardpage/canary.h"
#include "preload/guardpage/damage.h"
#include "preload/guardpage/guarded.h"
#include "preload/guardpage/locate.h"
#include "preload/guardpage/records.h"

#include "preload/base/poison.h"

enum {
	AREA_PAGES_MOST = 1 << 21, /* 8 GiB of addresses */
	AREA_PART = 8,             /* no area takes more of the region than one part in so many */
	AREA_SLACK = 4,            /* times the pages that all blocks of a section can need */
};

static struct area *heaps[FAMILY_COUNT]; /* NULL: not guarded */

void guarded_count_unguarded(void)
{
	if (trace_is_mine())
		__atomic_add_fetch(&trace_header->unguarded, 1, __ATOMIC_RELAXED);
}

bool guarded_owns(const void *address)
{
	return region_holds((uint64_t)(uintptr_t)address);
}

static uint64_t round_up(uint64_t size, uint64_t unit)
{
	return (size + unit - 1) / unit * unit;
}

/* What a block of `size` bytes counts. */
static uint64_t room_for(uint64_t size)
{
	return size ? round_up(size, GUARDED_ALIGNMENT) : GUARDED_ALIGNMENT;
}

/* How far before the inaccessible page a block begins that ends there. An empty one has an address in
 * its own pages as well. */
static uint64_t bytes_at_end(uint64_t size)
{
	if (config->guard_align == GUARD_ALIGN_16)
		return room_for(size);
	return size ? size : 1;
}

/* Allocating. */

static enum region_memory memory_of(const struct area *area)
{
	if (area->family != FAMILY_SHARED_MEMORY)
		return REGION_PRIVATE;
	return area->epoch == lock_epoch(LOCK_GUARDPAGE) ? REGION_SHARED : REGION_INHERITED;
}

/* Opens the pages of a block. Those of an unguarded one will stay open for good: closing one
 * page among open ones would take another mapping. */
static bool open_pages(struct area *area, struct block *b)
{
	uint32_t bar = block_first(b) == b->first ? b->first + b->pages - 1 : b->first;

	if (!region_open(block_first(b), block_pages(b), memory_of(area)))
		return false;
	if (b->is_guarded && area->is_mixed && !region_bar(bar, 1))
		return false;
	if (b->is_guarded)
		region_count_split(1);
	else
		area->is_mixed = true;
	return true;
}

static bool take_pages(struct area *area, struct block *b, bool is_guarded)
{
	b->is_guarded = is_guarded;
	b->pages = (uint32_t)(round_up(room_for(b->size), REGION_PAGE) / REGION_PAGE) + is_guarded;
	b->first = records_take_pages(area, b->pages);
	if (b->first == SPAN_NONE)
		return false;
	if (open_pages(area, b))
		return true;
	records_give_pages(area, b->first, b->pages);
	return false;
}

/* Takes pages for a block, guarded or not. A block of a heap that cannot be guarded is left to
 * the host, but a block of a section cannot come from anywhere else. */
static bool take_any_pages(struct area *area, struct block *b)
{
	if (region_may_split() && take_pages(area, b, true))
		return true;
	if (area->family != FAMILY_SHARED_MEMORY || !take_pages(area, b, false))
		return false;
	guarded_count_unguarded();
	return true;
}

static void *allocate_block(struct area *area, uint64_t size)
{
	uint64_t room = room_for(size);
	struct block *b;

	if (size > area->room || room > area->room || process_is_confined ||
	    !(b = records_new_block(area)))
		return NULL;
	b->size = size;
	if (!take_any_pages(area, b)) {
		records_drop_block(b);
		return NULL;
	}
	b->address = config->guard_side == GUARD_AFTER ? block_end(b) - bytes_at_end(size)
						       : block_begin(b);
	canary_fill(block_begin(b), b->address);
	canary_fill(b->address + b->size, block_end(b));
	area->room -= room;
	records_enter_block(b);
	return b->address;
}

void *guarded_allocate(const void *section, uint32_t size)
{
	struct area *area;
	void *block;

	if (!lock_take(LOCK_GUARDPAGE))
		return NULL;
	area = records_live_section(section);
	block = area ? allocate_block(area, size) : NULL;
	lock_release(LOCK_GUARDPAGE);
	return block;
}

void *guarded_allocate_heap(enum family family, uint64_t size)
{
	void *block;

	if (!lock_take(LOCK_GUARDPAGE))
		return NULL;
	block = heaps[family] ? allocate_block(heaps[family], size) : NULL;
	lock_release(LOCK_GUARDPAGE);
	return block;
}

/* Freeing. */

/* All of the damage in [from, to), on one side of the block. */
static void note_damage(struct block *b, char *from, char *to, enum trace_kind kind)
{
	struct location location = locate_block(b, kind);
	char *first = canary_first_damage(from, to), *last;

	if (!first)
		return;
	last = canary_last_damage(from, to);
	b->is_damaged = true;
	damage_note_canary(&location,
			   (uint64_t)(uintptr_t)(kind == TRACE_KIND_OVERFLOW ? first : last),
			   (uint64_t)(last - first + 1));
}

static void check_canaries(struct block *b)
{
	if (b->is_damaged)
		return;
	note_damage(b, block_begin(b), b->address, TRACE_KIND_UNDERFLOW);
	note_damage(b, b->address + b->size, block_end(b), TRACE_KIND_OVERFLOW);
}

/* Makes the pages of a block inaccessible. Where that is not possible, they may be used again at
 * once. */
static void free_block(struct block *b)
{
	struct area *area = area_of(b);

	check_canaries(b);
	b->state = STATE_FREED;
	area->room += room_for(b->size);
	if (process_is_confined)
		return; /* it stays accessible, and is not used again */
	if (!b->is_guarded) {
		region_clear(b->first, b->pages, memory_of(area));
		records_forget_block(b);
		return;
	}
	if (region_close(block_first(b), block_pages(b), memory_of(area)))
		region_count_split(-1);
	else
		area->is_mixed = true;
	records_quarantine_block(b);
}

void guarded_free(const void *section, void *block)
{
	struct area *area;
	struct block *b;

	if (!lock_take(LOCK_GUARDPAGE))
		return;
	area = records_live_section(section);
	b = records_live_block(block);
	if (area && b && area_of(b) == area)
		free_block(b);
	lock_release(LOCK_GUARDPAGE);
}

void guarded_free_heap(enum family family, void *block)
{
	struct block *b;

	if (!lock_take(LOCK_GUARDPAGE))
		return;
	b = records_live_block(block);
	if (b && area_of(b)->family == family)
		free_block(b);
	lock_release(LOCK_GUARDPAGE);
}

/* Sections. */

/* How many pages an area may need: for all its blocks, if they have the smallest size, and for
 * more, so that the pages of freed blocks need not be used again at once. */
static uint32_t pages_for(uint64_t room)
{
	uint64_t pages = 1 + room / REGION_PAGE + 2 * (room / GUARDED_ALIGNMENT);
	uint32_t most = region.pages / AREA_PART;

	if (most > AREA_PAGES_MOST)
		most = AREA_PAGES_MOST;
	return pages < most / AREA_SLACK ? (uint32_t)pages * AREA_SLACK : most;
}

static struct area *make_section(uint64_t room)
{
	struct area *area = records_new_area(FAMILY_SHARED_MEMORY, pages_for(room),
					     (uint32_t)(room / REGION_PAGE) + 1);

	if (!area)
		return NULL;
	if (!region_share(area->first, area->pages)) {
		records_drop_area(area);
		return NULL;
	}
	area->room = room;
	region_count_split(1);
	return area;
}

void *guarded_create(uint32_t max_size)
{
	struct area *area;

	if (max_size == 0 || process_is_confined || !lock_take(LOCK_GUARDPAGE))
		return NULL;
	area = make_section(round_up(max_size, REGION_PAGE));
	lock_release(LOCK_GUARDPAGE);
	return area ? region_at(area->first) : NULL;
}

static void delete_section(struct area *area)
{
	for (struct block *b = records_block(area->blocks); b; b = records_block(b->next)) {
		if (b->state != STATE_LIVE)
			continue;
		check_canaries(b);
		b->state = STATE_DELETED;
		if (b->is_guarded)
			region_count_split(-1);
	}
	area->state = STATE_DELETED;
	if (process_is_confined)
		return;
	region_forget(area->first, area->pages);
	region_count_split(-1);
	records_quarantine_area(area);
}

bool guarded_delete(const void *section)
{
	struct area *area;

	if (!lock_take(LOCK_GUARDPAGE))
		return false;
	area = records_live_section(section);
	if (area)
		delete_section(area);
	lock_release(LOCK_GUARDPAGE);
	return area != NULL;
}

static void check_area(const struct area *area)
{
	for (struct block *b = records_block(area->blocks); b; b = records_block(b->next))
		if (b->state == STATE_LIVE && b->epoch == lock_epoch(LOCK_GUARDPAGE))
			check_canaries(b);
}

void guarded_check(void)
{
	if (!trace_is_of_this_process() || !region.base || !lock_take(LOCK_GUARDPAGE))
		return;
	for (struct area *area = records_next_area(NULL); area; area = records_next_area(area))
		check_area(area);
	lock_release(LOCK_GUARDPAGE);
}

/* Copies. */

bool guarded_is_block(enum family family, const void *block, uint64_t *size)
{
	const struct block *b = records_live_block(block);

	if (!b || area_of(b)->family != family)
		return false;
	*size = b->size;
	return true;
}

void guarded_note_copy(const void *block, void *copy)
{
	records_live_block(block)->copy = copy;
}

void *guarded_copy_of(const void *address)
{
	const struct block *b = records_find_block((uint64_t)(uintptr_t)address);
	const char *at = address;

	if (!b || !b->copy || at < b->address || at > b->address + b->size)
		return NULL;
	return b->copy + (at - b->address);
}

/* Starting and forking. */

static bool make_heap(enum family family, const char *name)
{
	uint64_t room = (uint64_t)AREA_PAGES_MOST * REGION_PAGE;

	if (!options_list_has(config->guard_families, config->guard_families_bytes, name))
		return true;
	heaps[family] = records_new_area(family, pages_for(room), 1);
	if (heaps[family])
		heaps[family]->room = room;
	return heaps[family] != NULL;
}

bool guarded_init(void)
{
	return process_page && records_init() && make_heap(FAMILY_LSA_HEAP, "lsa-heap") &&
	       make_heap(FAMILY_PRIVATE_HEAP, "private-heap");
}

/* Of the thread that forks: several may be about to fork at once. */
static __thread bool is_held_for_fork;

void guarded_before_fork(void)
{
	is_held_for_fork = region.base && lock_take(LOCK_GUARDPAGE);
}

void guarded_after_fork(void)
{
	if (is_held_for_fork)
		lock_release(LOCK_GUARDPAGE);
	is_held_for_fork = false;
}
