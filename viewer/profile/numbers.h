/* SPDX-License-Identifier: MIT */
/*
 * Gives numbers to texts, in 14 to 20 bytes a text: only the hash of a text is kept. The hash has 64
 * bits and a secret key (hash.h), so that two texts of a report with the same hash are less likely than
 * a fault of the memory.
 *
 * A zeroed struct is empty. For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_PROFILE_NUMBERS_H
#define LSATRACE_VIEWER_PROFILE_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "viewer/base/index.h"

struct numbers {
	struct index index; /* of hash[] */
	uint64_t *hash;     /* of the text with the number 1, 2 and so on */
	uint32_t count, room;
};

/* Returns the number of some bytes, from 1 on, in the order in which they were first given. */
uint32_t numbers_give(struct numbers *n, const void *bytes, size_t count, bool *is_new);
/* Returns the number that they have, or 0 if they were not given. */
uint32_t numbers_find(const struct numbers *n, const void *bytes, size_t count);
void numbers_release(struct numbers *n);

#endif
