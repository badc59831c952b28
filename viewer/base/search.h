/* SPDX-License-Identifier: MIT */
/*
 * Binary search in an array that is sorted by start addresses. Pure.
 */
#ifndef LSATRACE_VIEWER_BASE_SEARCH_H
#define LSATRACE_VIEWER_BASE_SEARCH_H

#include <stddef.h>
#include <stdint.h>

/*
 * Returns how many of the first items start at or below `address`. The first member of an item is
 * its start, an uint64_t; items have `size` bytes.
 */
size_t search_starts(const void *items, size_t count, size_t size, uint64_t address);

#endif
