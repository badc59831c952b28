/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stddef.h>

#include "preload/guardpage/locate.h"

#include "preload/base/poison.h"

enum { NEAREST_PAGES = 4096 }; /* a block that is further away is not the one that was meant */

static uint64_t handle_of(const struct area *area)
{
	return area->family == FAMILY_SHARED_MEMORY ? (uint64_t)(uintptr_t)region_at(area->first)
						    : 0;
}

struct location locate_block(const struct block *b, enum trace_kind kind)
{
	const struct area *area = area_of(b);

	return (struct location){
		.kind = kind,
		.family = area->family,
		.block = (uint64_t)(uintptr_t)b->address,
		.size = b->size,
		.section = handle_of(area),
	};
}

/* How many bytes an address lies from a block; 0: inside. */
static uint64_t distance_from(const struct block *b, uint64_t address)
{
	uint64_t begin = (uint64_t)(uintptr_t)b->address, end = begin + b->size;

	if (address < begin)
		return begin - address;
	return address < end ? 0 : address - end + 1;
}

static const struct block *nearer_block(const struct block *a, const struct block *b,
					uint64_t address)
{
	if (!a || !b)
		return a ? a : b;
	return distance_from(b, address) < distance_from(a, address) ? b : a;
}

/* For an address in no block's pages: the nearest block below it (direction -1) or above it (1). */
static const struct block *find_neighbour(uint64_t address, int direction)
{
	const struct block *b = NULL;

	for (int i = 1; !b && i <= NEAREST_PAGES; i++)
		b = records_find_block(address + (uint64_t)((int64_t)i * direction * REGION_PAGE));
	return b;
}

/* Whether an address lies in a block's pages, but not in its inaccessible one. */
static bool is_in_own_pages(const struct block *b, uint64_t address)
{
	return address >= (uint64_t)(uintptr_t)block_begin(b) &&
	       address < (uint64_t)(uintptr_t)block_end(b);
}

/* The inaccessible page between two blocks belongs to one, but may have been reached from the
 * other. */
static const struct block *find_block_meant(uint64_t address)
{
	const struct block *own = records_find_block(address), *neighbour;

	if (own && is_in_own_pages(own, address))
		return own;
	if (!own)
		return nearer_block(find_neighbour(address, -1), find_neighbour(address, 1),
				    address);
	neighbour = nearer_block(records_find_block(address - REGION_PAGE),
				 records_find_block(address + REGION_PAGE), address);
	return nearer_block(own, neighbour, address);
}

static enum trace_kind kind_of(const struct block *b, uint64_t address)
{
	if (b->state == STATE_FREED)
		return TRACE_KIND_USE_AFTER_FREE;
	if (b->state == STATE_DELETED)
		return TRACE_KIND_USE_AFTER_DELETE;
	return address < (uint64_t)(uintptr_t)b->address ? TRACE_KIND_UNDERFLOW
							 : TRACE_KIND_OVERFLOW;
}

struct location locate_address(uint64_t address)
{
	const struct area *area = records_find_area(address);
	const struct block *b = area ? find_block_meant(address) : NULL;
	bool is_inside = b && is_in_own_pages(b, address);

	if (!area || (is_inside && b->state == STATE_LIVE))
		return (struct location){ .kind = TRACE_KIND_NONE };
	if (is_inside || (b && area_of(b) == area && area->state == STATE_LIVE))
		return locate_block(b, kind_of(b, address));
	return (struct location){
		.kind = area->state == STATE_DELETED ? TRACE_KIND_USE_AFTER_DELETE
						     : TRACE_KIND_OVERFLOW,
		.family = area->family,
		.section = handle_of(area),
	};
}
