/* SPDX-License-Identifier: MIT */
#include "viewer/profile/curve.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/hash.h"
#include "viewer/base/map.h"
#include "viewer/base/memory.h"
#include "viewer/model/event.h"
#include "viewer/model/model.h"
#include "viewer/read/timeline.h"

struct section {
	struct curve_section now;
	struct curve_amount start;
	uint32_t block; /* the first one of a list of those whose allocation is known */
	UT_hash_handle hh;
};

/* Blocks are known by their numbers, which are short; 0: none. */
struct block {
	uint64_t address, size;
	struct section *section; /* NULL: none */
	uint32_t prev, next;     /* in the section's list */
	uint32_t chained;        /* the next one of the same place */
	uint8_t package;
};

struct curve {
	const struct model *model;
	struct timeline *timeline;
	struct section *section;
	struct block *block; /* by number */
	size_t numbers, room;
	uint32_t spare; /* a chain of blocks that are not in use */
	/* A hash table of chains, with at least two places for a block. uthash would take three times as long. */
	uint32_t *place;
	size_t places;            /* a power of two */
	uint64_t area, area_hash; /* what find_place() has hashed last */
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
	section->now.handle = handle;
	section->now.is_whole = c->is_whole;
	HASH_ADD(hh, c->section, now.handle, sizeof(handle), section);
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
static uint32_t *find_place(struct curve *c, uint64_t address)
{
	const uint64_t area = address >> 10;

	if (area != c->area || !c->area_hash) {
		c->area = area;
		c->area_hash = hash_bytes(&area, sizeof(area));
	}
	return &c->place[(c->area_hash + (address >> 4)) & (c->places - 1)];
}

static void chain_block(struct curve *c, uint32_t number)
{
	uint32_t *place = find_place(c, c->block[number].address);

	c->block[number].chained = *place;
	*place = number;
}

/* To be called while all blocks are in use. */
static void grow_places(struct curve *c)
{
	c->places *= 2;
	free(c->place);
	c->place = memory_new(c->places, sizeof(*c->place));
	for (uint32_t i = 1; i < c->numbers; i++)
		chain_block(c, i);
}

/* Returns where the number of a block is in its chain, or else the end of that: there is 0. */
static uint32_t *find_block(struct curve *c, uint64_t address)
{
	uint32_t *at = find_place(c, address);

	while (*at && c->block[*at].address != address)
		at = &c->block[*at].chained;
	return at;
}

/* Of a block that is in no list of a section any more. */
static void forget_block(struct curve *c, uint32_t *at)
{
	uint32_t number = *at;
	struct block *block = &c->block[number];

	take_amount(&c->package[block->package], c->is_whole, 1, block->size);
	*at = block->chained;
	block->chained = c->spare;
	c->spare = number;
}

static uint32_t new_block(struct curve *c, const struct trace_event *e)
{
	uint32_t number = c->spare;

	if (number) {
		c->spare = c->block[number].chained;
	} else {
		if (c->numbers > c->places / 2)
			grow_places(c);
		memory_room(c->block, c->numbers, c->room);
		number = (uint32_t)c->numbers++;
	}
	c->block[number] =
		(struct block){ .address = e->address, .size = e->size, .package = e->package };
	chain_block(c, number);
	return number;
}

static struct section *drop_block(struct curve *c, uint32_t *at)
{
	struct block *block = &c->block[*at];
	struct section *section = block->section;

	if (section) {
		take_amount(&section->now.held, section->now.is_whole, 1, block->size);
		*(block->prev ? &c->block[block->prev].next : &section->block) = block->next;
		if (block->next)
			c->block[block->next].prev = block->prev;
	}
	forget_block(c, at);
	return section;
}

static struct section *add_block(struct curve *c, const struct trace_event *e, enum trace_role role)
{
	uint32_t *at = find_block(c, e->address), number;
	struct section *section;

	if (*at)
		drop_block(c, at);
	number = new_block(c, e);
	add_amount(&c->package[e->package], 1, e->size);
	if (role != TRACE_ROLE_ALLOCATE_IN_SECTION)
		return NULL;
	section = find_section(c, e->section);
	add_amount(&section->now.held, 1, e->size);
	c->block[number].section = section;
	c->block[number].next = section->block;
	if (section->block)
		c->block[section->block].prev = number;
	section->block = number;
	return section;
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
		take_amount(&section->now.held, section->now.is_whole, 1, 0);
	}
	return section;
}

static struct section *delete_section(struct curve *c, const struct trace_event *e)
{
	struct section *section = find_section(c, e->address);

	for (uint32_t i = section->block; i; i = c->block[i].next)
		forget_block(c, find_block(c, c->block[i].address));
	section->block = 0;
	section->now.held = (struct curve_amount){ 0 };
	section->now.is_whole = true;
	return section;
}

static const struct section *replay(struct curve *c, const struct trace_event *e)
{
	enum trace_role role = event_role(model_function(c->model, e->function)->role, e);
	uint32_t *block;

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
		return *block ? drop_block(c, block) : drop_older(c, e, role);
	}
}

struct curve *curve_new(const struct model *model, const struct timeline_watch *watch)
{
	struct curve *c = memory_new(1, sizeof(*c));

	c->model = model;
	c->timeline = timeline_new(model_reader(model));
	timeline_show(c->timeline, watch);
	c->numbers = c->room = 1;
	c->block = memory_new(c->room, sizeof(*c->block));
	c->places = 1024;
	c->place = memory_new(c->places, sizeof(*c->place));
	return c;
}

void curve_free(struct curve *c)
{
	if (!c)
		return;
	free(c->block);
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
		if (entry.state != TRACE_ENTRY_BLOCK || *find_block(c, entry.address))
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
		find_section(c, i->now.handle)->now.held = i->start;
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

const struct trace_event *curve_next(struct curve *c, struct trouble *trouble)
{
	return timeline_next(c->timeline, trouble);
}

const struct curve_section *curve_replay(struct curve *c, const struct trace_event *e)
{
	const struct section *section = replay(c, e);

	return section ? &section->now : NULL;
}
