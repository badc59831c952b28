/* SPDX-License-Identifier: MIT */
/*
 * The records of guarded memory: blocks, and areas. An area is the address range of one section or
 * of one heap; the pages of its blocks lie in it.
 *
 * What is gone is remembered for a while, in quarantine: its pages stay inaccessible, and an access
 * to them can be named. When the quarantine exceeds its budget, or pages or records run out, the
 * oldest is forgotten.
 *
 *	block   free record ─new─▶ (being made) ─enter─▶ LIVE ─free──────────▶ FREED ───┐
 *	             ▲                  │drop              └─section deleted─▶ DELETED ─┤
 *	             └──────────────────┴───────────────── forgotten ◀──────────────────┘
 *
 *	area    NONE ─new─▶ LIVE ─section deleted─▶ DELETED ─forgotten, with its blocks─▶ NONE
 *
 * The caller holds LOCK_GUARDPAGE, except for records_find_block() and records_find_area(), which a
 * signal handler may call at any moment: what they return may be changing.
 */
#ifndef LSATRACE_PRELOAD_GUARDPAGE_RECORDS_H
#define LSATRACE_PRELOAD_GUARDPAGE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/slots.h"
#include "preload/base/config.h"
#include "preload/guardpage/quarantine.h"
#include "preload/guardpage/region.h"

enum record_state { STATE_NONE, STATE_LIVE, STATE_FREED, STATE_DELETED };

struct block {
	struct quarantined hold;
	char *address;
	uint64_t size;  /* as requested, in bytes */
	char *copy;     /* see guarded_note_copy() */
	uint32_t first; /* of its pages, the inaccessible one included */
	uint32_t pages;
	uint32_t area;           /* its number */
	uint32_t next, previous; /* in the list of its area, or of free records; 0: none */
	uint32_t epoch;          /* lock_epoch() of the process that made it */
	uint8_t state;
	bool is_guarded; /* it has an inaccessible page */
	bool is_damaged; /* its canary bytes were overwritten, and that was noted */
};

struct area {
	struct quarantined hold;
	struct span_row row;   /* its pages */
	uint64_t room;         /* bytes that may still be requested */
	uint32_t first, pages; /* in the region */
	uint32_t blocks;       /* the first of its list: live ones and those in quarantine */
	uint32_t next_free;    /* in the list of free records */
	uint32_t epoch;        /* lock_epoch() of the process that made it */
	uint8_t family;
	uint8_t state;
	bool is_mixed; /* it has had unguarded blocks: some pages that are free may be open */
};

/* Called once. Returns false if there is no memory. */
bool records_init(void);

struct area *area_of(const struct block *b);

/* The pages of a block without its inaccessible one: numbers in the region, and addresses. */
uint32_t block_first(const struct block *b);
uint32_t block_pages(const struct block *b);
char *block_begin(const struct block *b);
char *block_end(const struct block *b);

/* The block, or the area, live or gone, among whose pages an address lies; NULL if there is
 * none. */
struct block *records_find_block(uint64_t address);
struct area *records_find_area(uint64_t address);

/* The live block that begins at an address; the live section with that handle. NULL if there is
 * none. */
struct block *records_live_block(const void *address);
struct area *records_live_section(const void *handle);

/* The block with that number; NULL for 0. */
struct block *records_block(uint32_t number);

/* The live area after `after`, or the first one if that is NULL; NULL if there are no more. */
struct area *records_next_area(const struct area *after);

/* Takes a record for a block of an area. All else in it is zero. Returns NULL if there is none
 * left. */
struct block *records_new_block(struct area *area);

/* Makes a block LIVE that has its pages; or gives its record back, if it got none. */
void records_enter_block(struct block *b);
void records_drop_block(struct block *b);

/* Makes an area of `pages` pages, or of half as many, and so on down to `least`. The first one,
 * whose address is the handle of a section, belongs to no block. Returns NULL if there is no room.
 * */
struct area *records_new_area(enum family family, uint32_t pages, uint32_t least);

/* Gives back an area that has no blocks. */
void records_drop_area(struct area *area);

/* Takes pages of an area that lie side by side, and forgets what is in quarantine if it must.
 * Returns the number of the first in the region; SPAN_NONE if there are not so many. */
uint32_t records_take_pages(struct area *area, uint32_t pages);
void records_give_pages(struct area *area, uint32_t first, uint32_t pages);

/* Puts a block, or a section with all of its blocks, into quarantine. */
void records_quarantine_block(struct block *b);
void records_quarantine_area(struct area *area);

/* Forgets a block at once: its pages and its record are free. */
void records_forget_block(struct block *b);

#endif
