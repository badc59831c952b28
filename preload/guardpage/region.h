/* SPDX-License-Identifier: MIT */
/*
 * The address space in which guarded memory lies: reserved once, in whole, and inaccessible but for
 * the pages that are opened. So one comparison tells what is guarded, and what was closed stays
 * inaccessible until it is opened again. Pages are named by their number.
 *
 * The kernel keeps a mapping for each run of pages of one kind, and a process may have so many only.
 * Half of them are the host's: region_may_split() says whether the other half is used up.
 *
 * Under the guard's lock, but for region_holds(), region_page() and reading `owner`.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_REGION_H
#define LSATRACE_PRELOAD_GUARDPAGE_REGION_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/guardpage/span.h"

enum { REGION_PAGE = 4096 };

/* What lies behind pages that are open. */
enum region_memory {
	REGION_SHARED,  /* shared with the process's children, and with who maps the section */
	REGION_PRIVATE, /* copied for a child when it is forked */
	/* In a child, pages of a section that it shares with its parent: what it opens there is its own,
	 * and what it closes stays open for the parent. */
	REGION_INHERITED,
};

extern struct region {
	char *base;
	uint32_t pages;
	uint32_t *owner; /* of each page: a number that the guard gives it; 0: none */
} region;

/* False: no address space. Once. */
bool region_init(void);

static inline bool region_holds(uint64_t address)
{
	return address - (uint64_t)(uintptr_t)region.base < (uint64_t)region.pages * REGION_PAGE;
}

static inline uint32_t region_page(uint64_t address)
{
	return (uint32_t)((address - (uint64_t)(uintptr_t)region.base) / REGION_PAGE);
}

static inline char *region_at(uint32_t page)
{
	return region.base + (uint64_t)page * REGION_PAGE;
}

/* Takes at least so many pages for one section or heap; `*pages` becomes how many. `row` becomes the
 * row of them, in which none is taken. Returns the first; SPAN_NONE: there are not so many in a row. */
uint32_t region_take(uint32_t *pages, struct span_row *row);

/* Gives them back, closed, with nothing behind them. */
void region_give(uint32_t first, uint32_t pages);

/* Puts shared memory behind pages that were taken. False: there is none. */
bool region_share(uint32_t first, uint32_t pages);

/* Opens pages, which then hold zeroes. False: no memory, or no mapping to be had. */
bool region_open(uint32_t first, uint32_t pages, enum region_memory memory);

/* Lets the memory of open pages go: they are open still, and hold zeroes. */
void region_clear(uint32_t first, uint32_t pages, enum region_memory memory);

/* Lets the memory of open pages go, and closes them. False: they are open still. */
bool region_close(uint32_t first, uint32_t pages, enum region_memory memory);

/* Makes pages that may be open inaccessible, whatever they hold. */
bool region_bar(uint32_t first, uint32_t pages);

/* Closes all pages of a section or heap. */
void region_forget(uint32_t first, uint32_t pages);

/* May another run of open pages be made among closed ones? Counts them. */
bool region_may_split(void);
void region_count_split(int change);

#endif
