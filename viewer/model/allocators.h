/* SPDX-License-Identifier: MIT */
/*
 * Describes which packages have functions that are not the host's: lsatrace has shared memory and
 * heaps of its own, for hosts without.
 *
 * Pure functions.
 */
#ifndef LSATRACE_VIEWER_MODEL_ALLOCATORS_H
#define LSATRACE_VIEWER_MODEL_ALLOCATORS_H

#include <stdbool.h>
#include <stdint.h>

struct buffer;
struct model;

/* Appends one line for each family and reason, with the packages, and one for each package whose
 * table was not traced as a whole; nothing if all were the host's. Of a family that the host does not have,
 * only packages that called one of its functions are named. */
void allocators_write(struct buffer *to, const struct model *m);

/* Has the package any family whose functions are not the host's? */
bool allocators_are_embedded(const struct model *m, uint32_t package);

#endif
