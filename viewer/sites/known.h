/* SPDX-License-Identifier: MIT */
/*
 * Findings of runs of the same program, to tell which of another run are new. They are compared by the
 * frames from the innermost one to the outermost one of the package, so by lines, and not by the names of functions
 * as fingerprints are; and it does not matter how the host came to call the package.
 *
 * For one thread at a time. A zeroed struct is empty.
 */
#ifndef LSATRACE_VIEWER_SITES_KNOWN_H
#define LSATRACE_VIEWER_SITES_KNOWN_H

#include <stdint.h>

struct finding;

struct known {
	struct known_item *items;
};

/* Equal for equal findings. */
uint64_t known_key(const struct finding *f);
/* Adds occurrences. Returns how many there are now. */
uint64_t known_add(struct known *k, uint64_t key, uint64_t count);
/* Returns how many there are; 0: none is known. */
uint64_t known_count(const struct known *k, uint64_t key);
void known_release(struct known *k);

#endif
