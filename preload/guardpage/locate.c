/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stddef.h>

#include "preload/guardpage/locate.h"

#include "preload/base/poison.h"

enum { NEAREST_PAGES = 4096 }; /* how far a block may be from an access to be named with it */

static uint64_t handle_of(const struct space *s)
{
	return s->family == FAMILY_SHARED_MEMORY ? (uint64_t)(uintptr_t)region_at(s->first) : 0;
}

struct location locate_block(const struct block *b, enum trace_kind kind)
{
	const struct space *s = space_of(b);

	return (struct location){
		.kind = kind,
		.family = s->family,
		.block = (uint64_t)(uintptr_t)b->address,
		.size = b->size,
		.section = handle_of(s),
	};
}

static struct location sight_of_space(const struct space *s)
{
	bool is_gone = s->state == STATE_DELETED;

	return (struct location){
		.kind = is_gone ? TRACE_KIND_USE_AFTER_DELETE : TRACE_KIND_OVERFLOW,
		.family = s->family,
		.section = handle_of(s),
	};
}

/* How far an address lies from a block; 0: inside. */
static uint64_t distance(const struct block *b, uint64_t address)
{
	uint64_t begin = (uint64_t)(uintptr_t)b->address, end = begin + b->size;

	if (address < begin)
		return begin - address;
	return address < end ? 0 : address - end + 1;
}

static const struct block *nearer(const struct block *a, const struct block *b, uint64_t address)
{
	if (!a || !b)
		return a ? a : b;
	return distance(b, address) < distance(a, address) ? b : a;
}

/* The nearest block below, or above, an address in pages that are no block's. */
static const struct block *seek(uint64_t address, int direction)
{
	const struct block *b = NULL;

	for (int i = 1; !b && i <= NEAREST_PAGES; i++)
		b = records_around(address + (uint64_t)((int64_t)i * direction * REGION_PAGE));
	return b;
}

static bool is_data(const struct block *b, uint64_t address)
{
	return address >= (uint64_t)(uintptr_t)block_begin(b) &&
	       address < (uint64_t)(uintptr_t)block_end(b);
}

/* The page between two blocks is the one's, but may have been reached from the other. */
static const struct block *block_meant(uint64_t address)
{
	const struct block *own = records_around(address);

	if (own && is_data(own, address))
		return own;
	if (own)
		return nearer(own,
			      nearer(records_around(address - REGION_PAGE),
				     records_around(address + REGION_PAGE), address),
			      address);
	return nearer(seek(address, -1), seek(address, 1), address);
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
	static const struct location nothing = { .kind = TRACE_KIND_NONE };
	const struct space *s = records_space_around(address);
	const struct block *b;

	if (!s)
		return nothing;
	b = block_meant(address);
	if (b && is_data(b, address))
		return b->state == STATE_LIVE ? nothing : locate_block(b, kind_of(b, address));
	if (b && space_of(b) == s && s->state == STATE_LIVE)
		return locate_block(b, kind_of(b, address));
	return sight_of_space(s);
}
