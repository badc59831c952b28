/* SPDX-License-Identifier: MIT */
/*
 * What the guard knows of its blocks, sections and heaps, and how long it remembers them: the pages of
 * what is gone are used again when the quarantine lets them go, its record when it is its turn. Under
 * the guard's lock, but for records_around() and records_space_around(), which a signal handler may
 * call: what they find may be changing.
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
	uint64_t size;  /* asked for */
	char *copy;     /* see guarded_note_copy() */
	uint32_t first; /* of its pages, the inaccessible one included */
	uint32_t pages;
	uint32_t space;          /* number */
	uint32_t next, previous; /* of its space; or of the free records */
	uint32_t epoch;          /* of the process that made it */
	uint8_t state;
	bool is_guarded; /* it has an inaccessible page */
	bool is_damaged; /* and that was noted */
};

/* A section or a heap. */
struct space {
	struct quarantined hold;
	struct span_row row;
	uint64_t room; /* bytes that may yet be asked for */
	uint32_t first, pages;
	uint32_t blocks; /* the first of a list: live ones, and those in quarantine */
	uint32_t next;   /* of the free records */
	uint32_t epoch;
	uint8_t family;
	uint8_t state;
	bool is_mixed; /* it has had unguarded blocks: pages may be open that are free */
};

/* False: no memory. Once. */
bool records_init(void);

struct space *space_of(const struct block *b);

/* Where a block's own pages begin and end. */
uint32_t block_first(const struct block *b);
uint32_t block_pages(const struct block *b);
char *block_begin(const struct block *b);
char *block_end(const struct block *b);

/* The block, live or gone, among whose pages an address lies; the section or heap. NULL: none's. */
struct block *records_around(uint64_t address);
struct space *records_space_around(uint64_t address);

/* The live block that begins at an address; the live section with that handle. NULL: there is none. */
struct block *records_block(const void *address);
struct space *records_section(const void *handle);

/* The next one of a list that begins with `number`; NULL: it has ended. */
struct block *records_next(uint32_t number);
/* All sections and heaps that live, one after another; NULL: begin, or there are no more. */
struct space *records_next_space(const struct space *after);

/* A record for a block of a space, zeroed but for that. NULL: none to be had. */
struct block *records_take(struct space *s);
/* It is in use: its pages are its own. Or it is not. */
void records_enter(struct block *b);
void records_drop(struct block *b);

/* A section or heap with so many pages, or half as many, and so on to `least`; its handle's page is
 * taken. NULL: none to be had. */
struct space *records_make_space(enum family family, uint32_t pages, uint32_t least);
void records_drop_space(struct space *s);

/* Pages of a space in a row, at the cost of what is in quarantine. The first, in the region; SPAN_NONE:
 * there are none. */
uint32_t records_take_pages(struct space *s, uint32_t pages);
void records_give_pages(struct space *s, uint32_t first, uint32_t pages);

/* What is gone is remembered for a while; a section with all that was in it. Or not at all. */
void records_quarantine(struct block *b);
void records_quarantine_space(struct space *s);
void records_forget(struct block *b);

#endif
