/* SPDX-License-Identifier: MIT */
#include "viewer/findings/order.h"

#include <stdlib.h>

#include "viewer/base/memory.h"
#include "viewer/findings/rows.h"

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* Wrong accesses, which end the process, come first; then wrong calls, then leaks; then other levels. */
static unsigned rank_of(const struct rows *r, const struct row *row)
{
	enum trace_level level = rows_level(r, row);

	if (level != TRACE_LEVEL_ERROR)
		return level == TRACE_LEVEL_WARNING ? 3 : 4;
	switch (row->identity.kind) {
	case TRACE_KIND_OVERFLOW:
	case TRACE_KIND_UNDERFLOW:
	case TRACE_KIND_USE_AFTER_FREE:
	case TRACE_KIND_USE_AFTER_DELETE:
		return 0;
	case TRACE_KIND_BLOCK_LEAK:
	case TRACE_KIND_SECTION_LEAK:
		return 2;
	default:
		return 1;
	}
}

/* Ties are broken by what is the same in each run, and last by the order of the file. */
static int compare_rows(const void *left, const void *right, void *rows)
{
	const struct rows *r = rows;
	uint32_t first = *(const uint32_t *)left, second = *(const uint32_t *)right;
	const struct row *a = &r->row[first], *b = &r->row[second];
	int order = compare_numbers(rank_of(r, a), rank_of(r, b));

	if (!order)
		order = compare_numbers(b->bytes, a->bytes);
	if (!order)
		order = compare_numbers(b->count, a->count);
	if (!order)
		order = compare_numbers(a->identity.kind, b->identity.kind);
	if (!order)
		order = compare_numbers(a->identity.reason, b->identity.reason);
	return order ? order : compare_numbers(first, second);
}

/* A block leak of a failed call. */
struct on_path {
	const struct path *path;
	uint32_t row;
};

static int compare_on_path(const void *left, const void *right, void *rows)
{
	const struct on_path *a = left, *b = right;

	if (a->path != b->path)
		return a->path < b->path ? -1 : 1;
	return compare_rows(&a->row, &b->row, rows);
}

/* Block leaks of one call are shown under the most costly one of them. */
static void follow_calls(struct rows *r)
{
	struct on_path *list = memory_new(r->count, sizeof(*list));
	size_t count = 0;

	for (size_t i = 0; i < r->count; i++) {
		const struct row *row = &r->row[i];
		const struct path *path = rows_path(r, row);

		if (path && row->identity.kind == TRACE_KIND_BLOCK_LEAK && row->lead == i)
			list[count++] = (struct on_path){ path, (uint32_t)i };
	}
	if (count)
		qsort_r(list, count, sizeof(*list), compare_on_path, r);
	for (size_t i = 1; i < count; i++)
		if (list[i].path == list[i - 1].path)
			r->row[list[i].row].lead = r->row[list[i - 1].row].lead;
	free(list);
}

/* What is shown under another row follows it. */
static int compare_places(const void *left, const void *right, void *rows)
{
	const struct rows *r = rows;
	uint32_t first = *(const uint32_t *)left, second = *(const uint32_t *)right;
	uint32_t lead = r->row[first].lead, other = r->row[second].lead;

	if (lead != other)
		return compare_rows(&lead, &other, rows);
	if (first == lead || second == lead)
		return first == second ? 0 : first == lead ? -1 : 1;
	return compare_rows(left, right, rows);
}

uint32_t *order_rows(struct rows *r)
{
	uint32_t *order = memory_new(r->count, sizeof(*order));

	follow_calls(r);
	for (size_t i = 0; i < r->count; i++)
		order[i] = (uint32_t)i;
	if (r->count)
		qsort_r(order, r->count, sizeof(*order), compare_places, r);
	return order;
}
