/* SPDX-License-Identifier: MIT */
#include "preload/reach/extents.h"

#include "preload/base/poison.h"

enum { DIGIT_BITS = 8, ADDRESS_BITS = 64 };

/* By one digit after the other, from the lowest on. */
void extents_sort(struct extents *e, struct extent *room)
{
	struct extent *from = e->all, *to = room;

	for (unsigned shift = 0; shift < ADDRESS_BITS; shift += DIGIT_BITS) {
		size_t place[1 << DIGIT_BITS] = { 0 }, sum = 0;
		struct extent *other = from;

		for (size_t i = 0; i < e->count; i++)
			place[(uint8_t)(from[i].start >> shift)]++;
		for (unsigned digit = 0; digit < 1u << DIGIT_BITS; digit++) {
			size_t count = place[digit];

			place[digit] = sum;
			sum += count;
		}
		for (size_t i = 0; i < e->count; i++)
			to[place[(uint8_t)(from[i].start >> shift)]++] = from[i];
		from = to;
		to = other;
	}
}

/* How many begin at an address or before it. */
static size_t count_before(const struct extents *e, uint64_t address)
{
	size_t low = 0, high = e->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (e->all[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct extent *extents_find(const struct extents *e, uint64_t address)
{
	size_t before = count_before(e, address);

	return before && address < e->all[before - 1].end ? &e->all[before - 1] : NULL;
}

void extents_split(const struct extents *e, uint64_t start, uint64_t end, extents_visit *outside,
		   extents_visit *inside, void *context)
{
	size_t i = count_before(e, start);

	for (i -= i > 0; i < e->count && e->all[i].start < end && start < end; i++) {
		const struct extent *extent = &e->all[i];
		uint64_t to = extent->end < end ? extent->end : end;

		if (to <= start)
			continue;
		if (extent->start > start) {
			outside(start, extent->start, context);
			start = extent->start;
		}
		if (inside)
			inside(start, to, context);
		start = to;
	}
	if (start < end)
		outside(start, end, context);
}
