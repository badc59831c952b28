/* SPDX-License-Identifier: MIT */
#include "viewer/profile/live.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/map.h"
#include "viewer/base/memory.h"
#include "viewer/base/sum.h"
#include "viewer/findings/finding.h"
#include "viewer/findings/findings.h"
#include "viewer/findings/fingerprint.h"
#include "viewer/model/model.h"

/* What is the same on both sides. It has no padding. */
struct key {
	uint64_t fingerprint, handle;
	uint32_t by, name; /* of package and family */
};

struct item {
	struct key key;
	size_t row;
	UT_hash_handle hh;
};

/* A backtrace of a side, and its fingerprint. */
struct place {
	uint32_t stack;
	uint8_t package, family, is_section, unused;
};

struct print {
	struct place place;
	uint64_t fingerprint;
	UT_hash_handle hh;
};

/* Texts get numbers, so that keys are short. */
struct name {
	char *text;
	uint32_t number;
	UT_hash_handle hh;
};

struct comparison {
	struct live *live;
	struct item *items;
	struct name *names;
	/* Of the side that is read: */
	unsigned side;
	const struct model *model;
	const struct findings_namer *namer;
	struct print *prints;
	uint32_t number[TRACE_PACKAGES][256]; /* of a name; 0: not asked for yet */
};

static uint32_t find_name(struct comparison *c, uint8_t package, uint8_t family)
{
	uint32_t *number = &c->number[package][family];
	const char *word = model_family(c->model, family);
	struct buffer text = { 0 };
	struct name *name;

	if (*number)
		return *number;
	model_write_package(c->model, package, &text);
	buffer_format(&text, "\n%s", word ? word : "");
	HASH_FIND_STR(c->names, text.data, name);
	if (!name) {
		name = memory_new(1, sizeof(*name));
		name->text = buffer_take(&text);
		name->number = HASH_COUNT(c->names) + 1;
		HASH_ADD_KEYPTR(hh, c->names, name->text, strlen(name->text), name);
	}
	buffer_release(&text);
	return *number = name->number;
}

/* The fingerprint that a leak would have. */
static uint64_t find_print(struct comparison *c, const struct place *place)
{
	struct print *print;
	struct model_stack room;
	struct finding finding = {
		.kind = place->is_section ? TRACE_KIND_SECTION_LEAK : TRACE_KIND_BLOCK_LEAK,
		.model = c->model,
		.family = model_family(c->model, place->family),
		.package = place->package,
	};

	HASH_FIND(hh, c->prints, place, sizeof(*place), print);
	if (!print) {
		finding.stack[place->is_section ? TRACE_STACK_CREATE : TRACE_STACK_ALLOCATE] =
			model_stack(c->model, place->stack, &room);
		print = memory_new(1, sizeof(*print));
		print->place = *place;
		print->fingerprint = fingerprint_make(&finding, c->namer).exact;
		HASH_ADD(hh, c->prints, place, sizeof(*place), print);
	}
	return print->fingerprint;
}

/* Returns the sums of this side in the row of `like`, which may be new. */
static struct live_sum *find_sum(struct comparison *c, const struct live_row *like)
{
	struct key key = { like->fingerprint, like->handle, like->by,
			   find_name(c, like->package, like->family) };
	struct live *l = c->live;
	struct live_row *row;
	struct item *item;

	HASH_FIND(hh, c->items, &key, sizeof(key), item);
	if (!item) {
		item = memory_new(1, sizeof(*item));
		item->key = key;
		item->row = l->rows;
		HASH_ADD(hh, c->items, key, sizeof(key), item);
		memory_room(l->row, l->rows, l->room);
		l->row[l->rows++] = *like;
	}
	row = &l->row[item->row];
	row->model = like->model;
	row->package = like->package;
	row->family = like->family;
	row->stack = like->stack;
	return &row->sum[c->side];
}

static void add(struct live_sum *sum, const struct model_entry *entry)
{
	bool is_section = entry->state == TRACE_ENTRY_SECTION;

	sum_add(&sum->sections, is_section);
	sum_add(&sum->blocks, !is_section);
	sum_add(&sum->bytes, is_section ? 0 : entry->size);
}

static void add_by_section(struct comparison *c, const struct model_entry *entry)
{
	struct model_entry section = *entry;
	struct place place;
	struct live_row row;

	if (entry->state == TRACE_ENTRY_BLOCK && !entry->section)
		return;
	if (entry->state == TRACE_ENTRY_BLOCK)
		section = model_entry(c->model, entry->section);
	place = (struct place){ section.stack, section.package, section.family, true, 0 };
	row = (struct live_row){ .by = LIVE_BY_SECTION,
				 .model = c->model,
				 .package = section.package,
				 .family = section.family,
				 .stack = section.stack,
				 .fingerprint = find_print(c, &place),
				 .handle = c->live->is_one_process ? section.address : 0 };
	add(find_sum(c, &row), entry);
}

static void add_entry(struct comparison *c, const struct model_entry *entry)
{
	struct place place = { entry->stack, entry->package, entry->family,
			       entry->state == TRACE_ENTRY_SECTION, 0 };
	struct live_row row = { .model = c->model,
				.package = entry->package,
				.family = entry->family };

	add(find_sum(c, &row), entry);
	row.by = LIVE_BY_STACK;
	row.stack = entry->stack;
	row.fingerprint = find_print(c, &place);
	add(find_sum(c, &row), entry);
	add_by_section(c, entry);
}

static void read_side(struct comparison *c)
{
	struct reader_cursor cursor = { 0 };
	struct model_entry entry;

	memset(c->number, 0, sizeof(c->number));
	while (model_next_entry(c->model, &cursor, &entry))
		if ((entry.state == TRACE_ENTRY_BLOCK || entry.state == TRACE_ENTRY_SECTION) &&
		    !entry.inherited)
			add_entry(c, &entry);
	map_release(c->prints, free);
	c->prints = NULL;
}

static void free_name(struct name *name)
{
	free(name->text);
	free(name);
}

static bool are_one_process(const struct model *one, const struct model *other)
{
	const struct model_process *a = model_process(one), *b = model_process(other);

	return a->pid == b->pid && a->start_ns == b->start_ns;
}

static uint64_t measure_change(const struct live_row *row)
{
	uint64_t a = row->sum[LIVE_OLD].bytes, b = row->sum[LIVE_NEW].bytes;

	return a < b ? b - a : a - b;
}

static int compare_rows(const void *left, const void *right)
{
	const struct live_row *a = left, *b = right;
	uint64_t change_a = measure_change(a), change_b = measure_change(b);

	if (a->by != b->by)
		return a->by < b->by ? -1 : 1;
	if (change_a != change_b)
		return change_a > change_b ? -1 : 1;
	if (a->fingerprint != b->fingerprint)
		return a->fingerprint < b->fingerprint ? -1 : 1;
	return a->handle < b->handle ? -1 : a->handle > b->handle;
}

void live_compare(struct live *l, const struct model *const models[LIVE_SIDES],
		  const struct findings_namer *const namers[LIVE_SIDES])
{
	struct comparison *c = memory_new(1, sizeof(*c));

	c->live = l;
	l->is_one_process = are_one_process(models[LIVE_OLD], models[LIVE_NEW]);
	for (c->side = LIVE_OLD; c->side < LIVE_SIDES; c->side++) {
		c->model = models[c->side];
		c->namer = namers[c->side];
		read_side(c);
	}
	if (l->rows)
		qsort(l->row, l->rows, sizeof(*l->row), compare_rows);
	map_release(c->items, free);
	map_release(c->names, free_name);
	free(c);
}

void live_release(struct live *l)
{
	free(l->row);
	*l = (struct live){ 0 };
}
