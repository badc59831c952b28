/* SPDX-License-Identifier: MIT */
#include "viewer/profile/curve.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "viewer/base/hash.h"
#include "viewer/base/map.h"
#include "viewer/base/memory.h"
#include "viewer/model/event.h"
#include "viewer/model/model.h"
#include "viewer/read/timeline.h"

struct section {
	uint64_t handle;
	struct curve_amount held, start;
	bool is_whole;       /* `held` is no difference */
	struct block *block; /* a list of those whose allocation is known */
	UT_hash_handle hh;
};

struct block {
	uint64_t address, size;
	struct section *section; /* NULL: none */
	struct block *prev, *next;
	struct block *chained; /* the next one of the same place */
	uint8_t package;
};

/* Blocks are made and freed together: that is most of the time of a curve of many. */
struct slab {
	struct slab *next;
	struct block block[255];
};

struct curve {
	const struct model *model;
	struct timeline *timeline;
	struct section *section;
	/* A hash table of chains, with at most as many blocks as places. uthash would take three times as long. */
	struct block **place;
	size_t places, blocks;    /* places: a power of two */
	uint64_t area, area_hash; /* what find_place() has hashed last */
	struct block *spare;      /* a chain of blocks that are not in use */
	struct slab *slabs;
	/* Blocks that were freed, and that nobody was seen to allocate, are counted as there at the start. */
	struct curve_amount package[TRACE_PACKAGES], start[TRACE_PACKAGES];
	bool is_whole; /* `package` has no differences */
};

static struct section *find_section(struct curve *c, uint64_t handle)
{
	struct section *section;

	HASH_FIND(hh, c->section, &handle, sizeof(handle), section);
	if (section)
		return section;
	section = memory_new(1, sizeof(*section));
	section->handle = handle;
	section->is_whole = c->is_whole;
	HASH_ADD(hh, c->section, handle, sizeof(handle), section);
	return section;
}

static void add_amount(struct curve_amount *a, uint64_t blocks, uint64_t bytes)
{
	a->blocks += blocks;
	a->bytes += bytes;
}

/* A difference may be negative; else not: a hostile trace may free more than it had. */
static void take_amount(struct curve_amount *a, bool is_whole, uint64_t blocks, uint64_t bytes)
{
	a->blocks -= is_whole && a->blocks < blocks ? a->blocks : blocks;
	a->bytes -= is_whole && a->bytes < bytes ? a->bytes : bytes;
}

/* Returns where the chain of an address begins. Those of neighbours are near each other, for the processor's caches. */
static struct block **find_place(struct curve *c, uint64_t address)
{
	const uint64_t area = address >> 10;

	if (area != c->area || !c->area_hash) {
		c->area = area;
		c->area_hash = hash_bytes(&area, sizeof(area));
	}
	return &c->place[(c->area_hash + (address >> 4)) & (c->places - 1)];
}

static void grow_places(struct curve *c)
{
	struct block **old = c->place, *block, *next;
	size_t places = c->places;

	c->places = places ? 2 * places : 1024;
	c->place = memory_new(c->places, sizeof(*c->place));
	for (size_t i = 0; i < places; i++)
		for (block = old[i]; block; block = next) {
			next = block->chained;
			LL_PREPEND2(*find_place(c, block->address), block, chained);
		}
	free(old);
}

/* Returns where a block is in its chain, or NULL. */
static struct block **find_block(struct curve *c, uint64_t address)
{
	struct block **at = c->blocks ? find_place(c, address) : NULL;

	while (at && *at && (*at)->address != address)
		at = &(*at)->chained;
	return at && *at ? at : NULL;
}

/* Of a block that is in no list of a section any more. */
static void forget_block(struct curve *c, struct block **at)
{
	struct block *block = *at;

	take_amount(&c->package[block->package], c->is_whole, 1, block->size);
	*at = block->chained;
	LL_PREPEND2(c->spare, block, chained);
	c->blocks--;
}

static void add_slab(struct curve *c)
{
	struct slab *slab = memory_new(1, sizeof(*slab));

	LL_PREPEND(c->slabs, slab);
	for (size_t i = 0; i < sizeof(slab->block) / sizeof(*slab->block); i++)
		LL_PREPEND2(c->spare, &slab->block[i], chained);
}

static struct block *new_block(struct curve *c, const struct trace_event *e)
{
	struct block *block, **place;

	if (!c->spare)
		add_slab(c);
	block = c->spare;
	c->spare = block->chained;
	if (c->blocks == c->places)
		grow_places(c);
	c->blocks++;
	place = find_place(c, e->address);
	*block = (struct block){
		.address = e->address, .size = e->size, .package = e->package, .chained = *place
	};
	*place = block;
	return block;
}

static struct section *drop_block(struct curve *c, struct block **at)
{
	struct section *section = (*at)->section;

	if (section) {
		take_amount(&section->held, section->is_whole, 1, (*at)->size);
		DL_DELETE(section->block, *at);
	}
	forget_block(c, at);
	return section;
}

static struct section *add_block(struct curve *c, const struct trace_event *e, enum trace_role role)
{
	struct block **at = find_block(c, e->address), *block;

	if (at)
		drop_block(c, at);
	block = new_block(c, e);
	add_amount(&c->package[e->package], 1, e->size);
	if (role == TRACE_ROLE_ALLOCATE_IN_SECTION) {
		block->section = find_section(c, e->section);
		add_amount(&block->section->held, 1, e->size);
		DL_APPEND(block->section->block, block);
	}
	return block->section;
}

/* A block that is older than the ring: its size is unknown. */
static struct section *drop_older(struct curve *c, const struct trace_event *e, enum trace_role role)
{
	struct section *section = NULL;

	if (e->verdict || !e->address)
		return NULL;
	if (role == TRACE_ROLE_FREE_IN_SECTION)
		section = find_section(c, e->section);
	add_amount(&c->start[e->package], 1, 0);
	take_amount(&c->package[e->package], c->is_whole, 1, 0);
	if (section) {
		add_amount(&section->start, 1, 0);
		take_amount(&section->held, section->is_whole, 1, 0);
	}
	return section;
}

static struct section *delete_section(struct curve *c, const struct trace_event *e)
{
	struct section *section = find_section(c, e->address);
	struct block *block = section->block, *next;

	section->block = NULL;
	for (; block; block = next) {
		next = block->next;
		forget_block(c, find_block(c, block->address));
	}
	section->held = (struct curve_amount){ 0 };
	section->is_whole = true;
	return section;
}

/* Returns the section whose amount may have changed, or NULL. */
static struct section *replay(struct curve *c, const struct trace_event *e)
{
	enum trace_role role = event_role(model_function(c->model, e->function)->role, e);
	struct block **block;

	if (role == EVENT_ROLE_RETURN)
		return NULL;
	switch (role) {
	case TRACE_ROLE_CREATE_SECTION:
		return NULL;
	case TRACE_ROLE_DELETE_SECTION:
		return e->state & TRACE_EVENT_FAILED ? NULL : delete_section(c, e);
	case TRACE_ROLE_ALLOCATE_IN_SECTION:
	case TRACE_ROLE_ALLOCATE:
	case TRACE_ROLE_ALLOCATE_FOR_CLIENT:
	case TRACE_ROLE_OBTAIN:
		return event_has_address(role, e) ? add_block(c, e, role) : NULL;
	default:
		if (e->state & TRACE_EVENT_FAILED)
			return NULL;
		block = find_block(c, e->address);
		return block ? drop_block(c, block) : drop_older(c, e, role);
	}
}

struct curve *curve_new(const struct model *model, const struct timeline_watch *watch)
{
	struct curve *c = memory_new(1, sizeof(*c));

	c->model = model;
	c->timeline = timeline_new(model_reader(model));
	timeline_show(c->timeline, watch);
	return c;
}

void curve_free(struct curve *c)
{
	struct slab *slab, *next;

	if (!c)
		return;
	LL_FOREACH_SAFE(c->slabs, slab, next)
	free(slab);
	free(c->place);
	map_release(c->section, free);
	timeline_free(c->timeline);
	free(c);
}

void curve_end(struct curve *c)
{
	struct reader_cursor cursor = { 0 };
	struct model_entry entry;

	/* Live blocks that no event allocated. */
	while (model_next_entry(c->model, &cursor, &entry)) {
		if (entry.state != TRACE_ENTRY_BLOCK || find_block(c, entry.address))
			continue;
		add_amount(&c->start[entry.package], 1, entry.size);
		if (entry.section)
			add_amount(&find_section(c, entry.section->address)->start, 1, entry.size);
	}
}

const struct curve_amount *curve_start(const struct curve *c)
{
	return c->start;
}

struct curve_amount curve_section_start(struct curve *c, uint64_t handle)
{
	return find_section(c, handle)->start;
}

/* Returns a curve that begins with what another one has found at the start. */
static struct curve *begin_whole(const struct curve *known)
{
	struct curve *c = curve_new(known->model, NULL);

	c->is_whole = true;
	memcpy(c->package, known->start, sizeof(c->package));
	for (const struct section *i = known->section; i; i = i->hh.next)
		find_section(c, i->handle)->held = i->start;
	return c;
}

struct curve *curve_new_whole(const struct model *model, struct trouble *trouble)
{
	struct curve *first = curve_new(model, NULL), *c = NULL;
	const struct trace_event *e;

	while ((e = timeline_next(first->timeline, trouble)) != NULL)
		replay(first, e);
	if (trouble->error == TROUBLE_NONE) {
		curve_end(first);
		c = begin_whole(first);
	}
	curve_free(first);
	return c;
}

const struct curve_amount *curve_packages(const struct curve *c)
{
	return c->package;
}

const struct trace_event *curve_next(struct curve *c, struct curve_change *change,
				     struct trouble *trouble)
{
	const struct trace_event *e = timeline_next(c->timeline, trouble);
	const struct section *section = e ? replay(c, e) : NULL;

	*change =
		section ? (struct curve_change){ section->handle, section->held, section->is_whole }
			: (struct curve_change){ 0 };
	return e;
}
