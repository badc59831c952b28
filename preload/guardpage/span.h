/* SPDX-License-Identifier: MIT */
/*
 * A row of places, of which runs are taken and given back: one bit a place, set when it is taken.
 * What was given back last is taken again late. Places that were never taken are not looked at, so
 * that a long row costs no more than what is used of it. One thread at a time.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_SPAN_H
#define LSATRACE_PRELOAD_GUARDPAGE_SPAN_H

#include <stdint.h>

#define SPAN_NONE UINT32_MAX

struct span_row {
	uint64_t *bits; /* zeroed */
	uint32_t places;
	uint32_t reach; /* no place from here on has ever been taken */
	uint32_t idle;  /* places below `reach` that are free */
	uint32_t next;  /* where the search begins */
};

/* The first of `count` places that lie in a row; SPAN_NONE: there are none. */
uint32_t span_take(struct span_row *row, uint32_t count);

void span_give(struct span_row *row, uint32_t first, uint32_t count);

#endif
