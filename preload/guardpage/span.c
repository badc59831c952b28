/* SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "preload/guardpage/span.h"

#include "preload/base/poison.h"

static bool is_taken(const struct span_row *row, uint32_t place)
{
	return row->bits[place / 64] >> (place % 64) & 1;
}

static void mark_places(struct span_row *row, uint32_t first, uint32_t count, bool taken)
{
	for (uint32_t place = first; place < first + count; place++) {
		uint64_t bit = 1ull << (place % 64);

		if (taken)
			row->bits[place / 64] |= bit;
		else
			row->bits[place / 64] &= ~bit;
	}
}

static uint32_t find_run(const struct span_row *row, uint32_t from, uint32_t to, uint32_t count)
{
	uint32_t run = 0;

	for (uint32_t place = from; place < to; place++) {
		if (place % 64 == 0 && row->bits[place / 64] == UINT64_MAX) {
			run = 0;
			place += 63;
		} else if (is_taken(row, place)) {
			run = 0;
		} else if (++run == count) {
			return place + 1 - count;
		}
	}
	return SPAN_NONE;
}

static uint32_t take_idle(struct span_row *row, uint32_t count)
{
	uint32_t first = SPAN_NONE;

	if (row->idle < count)
		return SPAN_NONE;
	first = find_run(row, row->next, row->reach, count);
	return first != SPAN_NONE ? first : find_run(row, 0, row->reach, count);
}

/* Takes places from behind the last one that is taken. */
static uint32_t take_fresh(struct span_row *row, uint32_t count)
{
	uint32_t first = row->reach, grown;

	while (first > 0 && !is_taken(row, first - 1))
		first--;
	if (row->places - first < count)
		return SPAN_NONE;
	grown = first + count - row->reach;
	row->reach += grown;
	row->idle += grown;
	return first;
}

uint32_t span_take(struct span_row *row, uint32_t count)
{
	uint32_t first = take_idle(row, count);

	if (first == SPAN_NONE)
		first = take_fresh(row, count);
	if (first == SPAN_NONE)
		return SPAN_NONE;
	mark_places(row, first, count, true);
	row->idle -= count;
	row->next = first + count;
	return first;
}

void span_give(struct span_row *row, uint32_t first, uint32_t count)
{
	mark_places(row, first, count, false);
	row->idle += count;
}
