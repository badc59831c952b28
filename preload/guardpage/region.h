/* SPDX-License-Identifier: MIT */
/*
 * The address space of guarded memory: reserved once, in whole, and inaccessible except for the
 * pages that are open. So one comparison tells whether an address is guarded, and a page that was
 * closed stays inaccessible until it is opened again. Pages are named by their number.
 *
 * The kernel needs one mapping for each run of pages of one kind, and limits how many a process may
 * have. Half of them are left to the host; region_may_split() says whether the other half is used
 * up.
 *
 * The caller holds LOCK_GUARDPAGE, except for region_holds(), region_page() and region_owner().
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_REGION_H
#define LSATRACE_PRELOAD_GUARDPAGE_REGION_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/base/vm.h"
#include "preload/guardpage/span.h"

enum { REGION_PAGE = 4096 };

/* What lies behind pages that are open. */
enum region_memory {
	REGION_SHARED,  /* shared with the children of this process */
	REGION_PRIVATE, /* a forked child gets a copy */
	/* In a child: pages of a section of its parent. What the child opens there is its own,
	 * and what it closes stays open for the parent. */
	REGION_INHERITED,
};

extern struct region {
	char *base;
	uint32_t pages;
	struct vm_table owners; /* of each page that was ever in use: a number of records.c; 0: none */
} region;

/* Called once. Returns false if there is no address space. */
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

/* The owner of a page. */
static inline uint32_t region_owner(uint32_t page)
{
	const uint32_t *owner = (const uint32_t *)region.owners.base;

	if (page >= __atomic_load_n(&region.owners.bytes, __ATOMIC_ACQUIRE) / sizeof(*owner))
		return 0;
	return __atomic_load_n(&owner[page], __ATOMIC_ACQUIRE);
}

/* May these pages have an owner? False: there is no memory for it. */
static inline bool region_reaches(uint32_t first, uint32_t pages)
{
	return vm_table_reach(&region.owners, ((uint64_t)first + pages) * sizeof(uint32_t));
}

/* After that. */
static inline void region_set_owner(uint32_t page, uint32_t owner)
{
	__atomic_store_n((uint32_t *)region.owners.base + page, owner, __ATOMIC_RELEASE);
}

/* Takes at least `*pages` pages for one area, and stores how many in `*pages`. Makes `row` a row
 * of as many places, all free. Returns the first page; SPAN_NONE if there are not so many side by
 * side. */
uint32_t region_take(uint32_t *pages, struct span_row *row);

/* Gives the pages of an area back, which are closed and have no memory. */
void region_give(uint32_t first, uint32_t pages);

/* Puts shared memory behind the pages of an area. Returns false if there is none. */
bool region_share(uint32_t first, uint32_t pages);

/* Makes pages accessible, all zero. Returns false if there is no memory or no mapping left. */
bool region_open(uint32_t first, uint32_t pages, enum region_memory memory);

/* Frees the memory of open pages, which stay accessible and become zero. */
void region_clear(uint32_t first, uint32_t pages, enum region_memory memory);

/* Frees the memory of open pages, and makes them inaccessible. Returns false if they are still
 * open. */
bool region_close(uint32_t first, uint32_t pages, enum region_memory memory);

/* Makes pages inaccessible that may be open, and keeps their memory. Returns false if they are
 * still open. */
bool region_bar(uint32_t first, uint32_t pages);

/* Closes all pages of an area, and frees their memory. */
void region_forget(uint32_t first, uint32_t pages);

/* Whether there are mappings for one more run of open pages among closed ones. The caller counts
 * these. */
bool region_may_split(void);
void region_count_split(int change);

#endif
