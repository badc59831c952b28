/* SPDX-License-Identifier: MIT */
/*
 * A row of places, from which runs of neighbours are taken and given back. One bit a place, set
 * while it is taken. Places that were given back last are taken again late. Places that were never
 * taken are not looked at, so that a long row costs only what was used of it. One thread at a time.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_SPAN_H
#define LSATRACE_PRELOAD_GUARDPAGE_SPAN_H

#include <stdint.h>

#define SPAN_NONE UINT32_MAX

struct span_row {
	uint64_t *bits; /* zeroed at first, one bit a place */
	uint32_t places;
	uint32_t reach; /* no place from here on has ever been taken */
	uint32_t idle;  /* places below `reach` that are free */
	uint32_t next;  /* where the search begins */
};

/* Takes `count` places that lie side by side. Returns the first; SPAN_NONE if there are not so
 * many. */
uint32_t span_take(struct span_row *row, uint32_t count);

/* Gives places back that were taken, whether or not all at once. */
void span_give(struct span_row *row, uint32_t first, uint32_t count);

#endif
