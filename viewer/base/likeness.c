/* SPDX-License-Identifier: MIT */
#include "viewer/base/likeness.h"

#include <string.h>

enum { LONGEST = 40 }; /* longer words are like none */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The optimal string alignment distance, by rows: row[i][j] is that of the first i and j letters. */
static size_t count_slips(const char *a, const char *b)
{
	size_t lengths[2] = { strlen(a), strlen(b) }, row[LONGEST + 1][LONGEST + 1];

	if (lengths[0] > LONGEST || lengths[1] > LONGEST)
		return LONGEST;
	for (size_t i = 0; i <= lengths[0]; i++) {
		for (size_t j = 0; j <= lengths[1]; j++) {
			row[i][j] = i + j;
			if (i == 0 || j == 0)
				continue;
			row[i][j] = least(least(row[i - 1][j], row[i][j - 1]) + 1,
					  row[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[i][j] = least(row[i][j], row[i - 2][j - 2] + 1);
		}
	}
	return row[lengths[0]][lengths[1]];
}

const char *likeness_find(const char *typed, const char *const *words, size_t count)
{
	size_t fewest = (strlen(typed) + 2) / 3 + 1;
	const char *found = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t slips = count_slips(typed, words[i]);

		if (slips < fewest) {
			fewest = slips;
			found = words[i];
		}
	}
	return found;
}
