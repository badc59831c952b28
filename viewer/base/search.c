/* SPDX-License-Identifier: MIT */
#include "viewer/base/search.h"

size_t search_starts(const void *items, size_t count, size_t size, uint64_t address)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const uint64_t *start = (const void *)((const char *)items + middle * size);

		if (*start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
