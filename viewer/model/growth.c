/* SPDX-License-Identifier: MIT */
#include "viewer/model/growth.h"

#include <stdlib.h>

#include "viewer/base/hash.h"
#include "viewer/base/index.h"
#include "viewer/base/memory.h"
#include "viewer/base/sum.h"
#include "viewer/model/model.h"

enum { FIRST_PART = 1, END_PART = GROWTH_PARTS - 1 }; /* the parts that count */

struct wanted {
	const struct growth *g;
	uint32_t stack;
};

static bool is_row(const void *context, uint32_t item)
{
	const struct wanted *wanted = context;

	return wanted->g->row[item].stack == wanted->stack;
}

/* Without a backtrace nobody could be told what grows. */
static bool is_counted(const struct model *m, const struct model_entry *entry)
{
	return !entry->inherited && !entry->ignored && !entry->is_excused && !entry->adopted &&
	       (entry->state == TRACE_ENTRY_BLOCK || entry->state == TRACE_ENTRY_SECTION) &&
	       entry->era >= model_first_era(m) && reader_stack(model_reader(m), entry->stack);
}

/* The eras of the run. */
struct span {
	uint32_t first;
	double eras;
};

static void add_entry(struct growth *g, struct index *index, const struct model_entry *entry,
		      const struct span *span)
{
	struct wanted wanted = { g, entry->stack };
	uint32_t number = index_add(index, hash_bytes(&entry->stack, sizeof(entry->stack)), is_row,
				    &wanted, g->rows);
	double place = (entry->era - span->first + 0.5) / span->eras; /* 0 to 1 */
	unsigned part = (unsigned)(place * GROWTH_PARTS);
	struct growth_row *row;

	if (number > g->rows)
		g->row[g->rows++] =
			(struct growth_row){ .stack = entry->stack,
					     .family = entry->family,
					     .package = entry->package,
					     .is_section = entry->state == TRACE_ENTRY_SECTION };
	row = &g->row[number - 1];
	part = part < GROWTH_PARTS ? part : GROWTH_PARTS - 1;
	row->live++;
	sum_add(&row->bytes, entry->size);
	row->part[part]++;
	if (part >= FIRST_PART && part < END_PART)
		row->moment += (2 * place - 1) * GROWTH_PARTS / (END_PART - FIRST_PART);
}

static uint64_t sum_of(const struct growth_row *row)
{
	uint64_t sum = 0;

	for (unsigned i = FIRST_PART; i < END_PART; i++)
		sum += row->part[i];
	return sum;
}

double growth_mean(const struct growth_row *row)
{
	return (double)sum_of(row) / (END_PART - FIRST_PART);
}

void growth_range(const struct growth_row *row, uint64_t *least, uint64_t *most)
{
	*least = UINT64_MAX;
	*most = 0;
	for (unsigned i = FIRST_PART; i < END_PART; i++) {
		*least = row->part[i] < *least ? row->part[i] : *least;
		*most = row->part[i] > *most ? row->part[i] : *most;
	}
}

double growth_per(const struct growth_row *row, double count)
{
	return count > 0 ? growth_mean(row) * GROWTH_PARTS / count : 0;
}

double growth_straightness(const struct growth_row *row)
{
	const double n = END_PART - FIRST_PART + 1;
	double live = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0, across;

	for (unsigned i = FIRST_PART; i <= END_PART; i++) {
		x += i;
		y += live;
		xx += (double)i * i;
		yy += live * live;
		xy += i * live;
		live += (double)row->part[i];
	}
	across = (n * xx - x * x) * (n * yy - y * y);
	return across > 0 ? (n * xy - x * y) * (n * xy - x * y) / across : 0;
}

bool growth_is_certain(const struct growth_row *row)
{
	return sum_of(row) >= GROWTH_MANY;
}

/*
 * Is it growth? Chance spreads a number of blocks about their mean by its square root, so that three
 * times that is allowed, or half of the mean. Of places that are spread evenly from -1 to 1, the sum
 * of n has a variance of n / 3: beyond 1.5 deviations there is a trend. These are squares, without
 * the mathematical library.
 */
static bool is_growing(const struct growth_row *row)
{
	double sum = (double)sum_of(row), mean = growth_mean(row);

	if (sum < GROWTH_LEAST || row->moment * row->moment > 1.5 * 1.5 * sum / 3)
		return false;
	for (unsigned i = FIRST_PART; i < END_PART; i++) {
		double off = (double)row->part[i] - mean;

		if (row->part[i] == 0 || (off * off > 9 * mean && off * off > mean * mean / 4))
			return false;
	}
	return true;
}

static int compare_rows(const void *left, const void *right)
{
	const struct growth_row *a = left, *b = right;
	uint64_t first = sum_of(a), second = sum_of(b);

	if (first != second)
		return first > second ? -1 : 1;
	return a->stack < b->stack ? -1 : a->stack > b->stack;
}

/* The last era, which a trace in motion may not yet say. */
static struct span measure(const struct model *m)
{
	struct span span = { .first = model_first_era(m) };
	uint32_t last = model_last_era(m);
	struct reader_cursor c = { 0 };
	struct model_entry entry;

	while (model_next_entry(m, &c, &entry))
		last = entry.era > last ? entry.era : last;
	span.eras = last < span.first ? 0 : (double)(last - span.first) + 1;
	return span;
}

void growth_find(struct growth *g, const struct model *m)
{
	size_t stacks = (size_t)model_process(m)->stacks, kept = 0;
	struct span span = measure(m);
	struct reader_cursor c = { 0 };
	struct model_entry entry;
	struct index index;

	g->is_long_enough = span.eras >= GROWTH_ERAS_LEAST;
	g->row = memory_new(stacks, sizeof(*g->row));
	index_init(&index, stacks);
	while (g->is_long_enough && model_next_entry(m, &c, &entry))
		if (is_counted(m, &entry))
			add_entry(g, &index, &entry, &span);
	index_release(&index);
	g->stacks = g->rows;
	for (size_t i = 0; i < g->rows; i++)
		if (is_growing(&g->row[i]))
			g->row[kept++] = g->row[i];
	g->rows = kept;
	if (kept)
		qsort(g->row, kept, sizeof(*g->row), compare_rows);
}

uint64_t growth_calls(const struct model *m)
{
	uint64_t calls = 0;

	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++)
		sum_add(&calls, model_calls(m, i));
	return calls;
}

double growth_minutes(const struct model *m)
{
	return (double)model_span_ns(m) / 60e9;
}

bool growth_is_entry_point(const struct model *m, uint32_t function)
{
	return model_function(m, function)->name &&
	       model_function(m, function)->role == TRACE_ROLE_TRANSFER &&
	       model_returns(m, function) > GROWTH_PARTS;
}

void growth_release(struct growth *g)
{
	free(g->row);
	*g = (struct growth){ 0 };
}
