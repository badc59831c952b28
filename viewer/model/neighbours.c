/* SPDX-License-Identifier: MIT */
#include "viewer/model/neighbours.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/memory.h"
#include "viewer/model/model.h"

/* A block beside which nothing lies: it is not live, or its section is gone. */
static bool is_alone(const struct model_entry *entry)
{
	return (entry->state != TRACE_ENTRY_BLOCK && entry->state != TRACE_ENTRY_SUSPECT) ||
	       (entry->in_section && !entry->section);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static struct neighbours_place place_of(const struct model *model, const struct trace_entry *t)
{
	struct model_entry entry = model_entry(model, t);

	return (struct neighbours_place){ entry.family, entry.in_section,
					  entry.section ? entry.section->address : 0,
					  entry.address };
}

static int compare_places(const struct neighbours_place *a, const struct neighbours_place *b)
{
	int order = compare_numbers(a->family, b->family);

	if (!order)
		order = compare_numbers(a->in_section, b->in_section);
	if (!order)
		order = compare_numbers(a->section, b->section);
	return order ? order : compare_numbers(a->address, b->address);
}

/* Blocks at one address are ordered by all that they hold, so that each run finds the same one. */
static int compare_blocks(const void *left, const void *right, void *model)
{
	const struct trace_entry *a = *(const struct trace_entry *const *)left;
	const struct trace_entry *b = *(const struct trace_entry *const *)right;
	struct neighbours_place place_a = place_of(model, a), place_b = place_of(model, b);
	int order = compare_places(&place_a, &place_b);

	return order ? order : memcmp(a, b, sizeof(*a));
}

static void sort_blocks(struct neighbours *n, const struct model *model)
{
	struct reader_cursor count = { 0 }, c = { 0 };
	struct model_entry entry;
	size_t room = 0;

	while (model_next_entry(model, &count, &entry))
		room += !is_alone(&entry);
	n->block = memory_new(room, sizeof(*n->block));
	while (model_next_entry(model, &c, &entry))
		if (!is_alone(&entry))
			n->block[n->blocks++] = entry.source;
	qsort_r(n->block, n->blocks, sizeof(*n->block), compare_blocks, (void *)(uintptr_t)model);
}

/* Returns how many blocks lie below the place, or at it too. */
static size_t count_below(const struct neighbours *n, const struct model *model,
			  const struct neighbours_place *place, bool is_included)
{
	size_t low = 0, high = n->blocks;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct neighbours_place other = place_of(model, n->block[middle]);

		if (compare_places(&other, place) < (is_included ? 1 : 0))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_beside(const struct model *model, const struct trace_entry *block,
		      const struct neighbours_place *place)
{
	struct neighbours_place other = place_of(model, block);

	return other.family == place->family && other.in_section == place->in_section &&
	       other.section == place->section;
}

void neighbours_find(struct neighbours *n, const struct model *model,
		     const struct neighbours_place *place, const struct trace_entry **before,
		     const struct trace_entry **after)
{
	size_t below, above;

	if (!n->block)
		sort_blocks(n, model);
	below = count_below(n, model, place, false);
	above = count_below(n, model, place, true);
	*before = below && is_beside(model, n->block[below - 1], place) ? n->block[below - 1] : NULL;
	*after = above < n->blocks && is_beside(model, n->block[above], place) ? n->block[above]
									       : NULL;
}

void neighbours_release(struct neighbours *n)
{
	free(n->block);
	*n = (struct neighbours){ 0 };
}
