/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "preload/base/config.h"
#include "preload/base/lock.h"
#include "preload/base/process.h"
#include "preload/file/trace.h"
#include "preload/guardpage/canary.h"
#include "preload/guardpage/damage.h"
#include "preload/guardpage/guarded.h"
#include "preload/guardpage/locate.h"
#include "preload/guardpage/records.h"

#include "preload/base/poison.h"

enum {
	SPACE_PAGES_MOST = 1 << 22, /* 16 GiB of addresses */
	SPACE_PART = 8,             /* no section or heap has more of the region than this part */
	SPACE_SLACK = 4,            /* times the pages that all blocks of a section can need */
};

static struct space *heaps[FAMILY_COUNT]; /* NULL: not guarded */

void guarded_count_unguarded(void)
{
	if (trace_is_mine())
		__atomic_add_fetch(&trace_header->unguarded, 1, __ATOMIC_RELAXED);
}

bool guarded_owns(const void *address)
{
	return region_holds((uint64_t)(uintptr_t)address);
}

static enum region_memory memory_of(const struct space *s)
{
	if (s->family != FAMILY_SHARED_MEMORY)
		return REGION_PRIVATE;
	return s->epoch == lock_epoch(LOCK_GUARDPAGE) ? REGION_SHARED : REGION_INHERITED;
}

static uint64_t rounded(uint64_t size)
{
	return size ? (size + GUARDED_ALIGNMENT - 1) & ~(uint64_t)(GUARDED_ALIGNMENT - 1)
		    : GUARDED_ALIGNMENT;
}

/* Opens a block's pages. Those of an unguarded one stay open for good: to close one among others
 * would take another mapping. */
static bool open_pages(struct space *s, struct block *b)
{
	uint32_t bar = block_first(b) == b->first ? b->first + b->pages - 1 : b->first;

	if (!region_open(block_first(b), block_pages(b), memory_of(s)))
		return false;
	if (b->is_guarded && s->is_mixed && !region_bar(bar, 1))
		return false;
	if (b->is_guarded)
		region_count_split(1);
	else
		s->is_mixed = true;
	return true;
}

static bool place(struct space *s, struct block *b, bool is_guarded)
{
	b->is_guarded = is_guarded;
	b->pages = (uint32_t)((rounded(b->size) + REGION_PAGE - 1) / REGION_PAGE) + is_guarded;
	b->first = records_take_pages(s, b->pages);
	if (b->first == SPAN_NONE)
		return false;
	if (open_pages(s, b))
		return true;
	records_give_pages(s, b->first, b->pages);
	return false;
}

/* A heap's block that cannot be guarded is left to the host; a section's must be ours. */
static bool place_somehow(struct space *s, struct block *b)
{
	if (region_may_split() && place(s, b, true))
		return true;
	if (s->family != FAMILY_SHARED_MEMORY || !place(s, b, false))
		return false;
	guarded_count_unguarded();
	return true;
}

static void fill(struct block *b)
{
	uint64_t bytes = rounded(b->size);

	b->address = config->guard_side == GUARD_AFTER ? block_end(b) - bytes : block_begin(b);
	canary_fill(block_begin(b), b->address);
	canary_fill(b->address + b->size, block_end(b));
}

static void *allocate(struct space *s, uint64_t size)
{
	struct block *b;

	if (size > s->room || rounded(size) > s->room || !(b = records_take(s)))
		return NULL;
	b->size = size;
	if (!place_somehow(s, b)) {
		records_drop(b);
		return NULL;
	}
	fill(b);
	s->room -= rounded(size);
	records_enter(b);
	return b->address;
}

void *guarded_allocate(const void *section, uint32_t size)
{
	struct space *s;
	void *made = NULL;

	if (!lock_take(LOCK_GUARDPAGE))
		return NULL;
	s = records_section(section);
	if (s)
		made = allocate(s, size);
	lock_release(LOCK_GUARDPAGE);
	return made;
}

void *guarded_allocate_heap(enum family family, uint64_t size)
{
	void *made = NULL;

	if (!lock_take(LOCK_GUARDPAGE))
		return NULL;
	if (heaps[family])
		made = allocate(heaps[family], size);
	lock_release(LOCK_GUARDPAGE);
	return made;
}

static void check_side(struct block *b, const char *damage, enum trace_kind kind)
{
	struct location location = locate_block(b, kind);

	if (!damage)
		return;
	b->is_damaged = true;
	damage_note_canary(&location, (uint64_t)(uintptr_t)damage);
}

static void check(struct block *b)
{
	if (b->is_damaged)
		return;
	check_side(b, canary_last_damage(block_begin(b), b->address), TRACE_KIND_UNDERFLOW);
	check_side(b, canary_first_damage(b->address + b->size, block_end(b)), TRACE_KIND_OVERFLOW);
}

/* Its pages become inaccessible. Where they cannot, they may be used again at once. */
static void release(struct block *b)
{
	struct space *s = space_of(b);

	check(b);
	b->state = STATE_FREED;
	s->room += rounded(b->size);
	if (!b->is_guarded) {
		region_clear(b->first, b->pages, memory_of(s));
		records_forget(b);
		return;
	}
	if (region_close(block_first(b), block_pages(b), memory_of(s)))
		region_count_split(-1);
	else
		s->is_mixed = true;
	records_quarantine(b);
}

void guarded_free(const void *section, void *block)
{
	struct space *s;
	struct block *b;

	if (!lock_take(LOCK_GUARDPAGE))
		return;
	s = records_section(section);
	b = records_block(block);
	if (s && b && space_of(b) == s)
		release(b);
	lock_release(LOCK_GUARDPAGE);
}

void guarded_free_heap(enum family family, void *block)
{
	struct block *b;

	if (!lock_take(LOCK_GUARDPAGE))
		return;
	b = records_block(block);
	if (b && space_of(b)->family == family)
		release(b);
	lock_release(LOCK_GUARDPAGE);
}

/* How many pages a section may need, with all its blocks of the smallest size, and more, so that
 * what is freed need not be used again at once. */
static uint32_t pages_for(uint64_t room)
{
	uint64_t pages = 1 + room / REGION_PAGE + 2 * (room / GUARDED_ALIGNMENT);
	uint32_t most = region.pages / SPACE_PART;

	if (most > SPACE_PAGES_MOST)
		most = SPACE_PAGES_MOST;
	return pages < most / SPACE_SLACK ? (uint32_t)pages * SPACE_SLACK : most;
}

static struct space *make_section(uint64_t room)
{
	struct space *s = records_make_space(FAMILY_SHARED_MEMORY, pages_for(room),
					     (uint32_t)(room / REGION_PAGE) + 1);

	if (!s)
		return NULL;
	if (!region_share(s->first, s->pages)) {
		records_drop_space(s);
		return NULL;
	}
	s->room = room;
	region_count_split(1);
	return s;
}

void *guarded_create(uint32_t max_size)
{
	uint64_t room = ((uint64_t)max_size + REGION_PAGE - 1) / REGION_PAGE * REGION_PAGE;
	struct space *s;

	if (max_size == 0 || !lock_take(LOCK_GUARDPAGE))
		return NULL;
	s = make_section(room);
	lock_release(LOCK_GUARDPAGE);
	return s ? region_at(s->first) : NULL;
}

static void end_block(struct block *b)
{
	if (b->state != STATE_LIVE)
		return;
	check(b);
	b->state = STATE_DELETED;
	if (b->is_guarded)
		region_count_split(-1);
}

static void end_section(struct space *s)
{
	for (struct block *b = records_next(s->blocks); b; b = records_next(b->next))
		end_block(b);
	s->state = STATE_DELETED;
	region_forget(s->first, s->pages);
	region_count_split(-1);
	records_quarantine_space(s);
}

bool guarded_delete(const void *section)
{
	struct space *s;

	if (!lock_take(LOCK_GUARDPAGE))
		return false;
	s = records_section(section);
	if (s)
		end_section(s);
	lock_release(LOCK_GUARDPAGE);
	return s != NULL;
}

static void check_space(const struct space *s)
{
	for (struct block *b = records_next(s->blocks); b; b = records_next(b->next))
		if (b->state == STATE_LIVE && b->epoch == lock_epoch(LOCK_GUARDPAGE))
			check(b);
}

void guarded_check(void)
{

	if (!trace_is_of_this_process() || !lock_take(LOCK_GUARDPAGE))
		return;
	for (struct space *s = records_next_space(NULL); s; s = records_next_space(s))
		check_space(s);
	lock_release(LOCK_GUARDPAGE);
}

bool guarded_is_block(enum family family, const void *block, uint64_t *size)
{
	const struct block *b = records_block(block);

	if (!b || space_of(b)->family != family)
		return false;
	*size = b->size;
	return true;
}

void guarded_note_copy(const void *block, void *copy)
{
	records_block(block)->copy = copy;
}

void *guarded_copy_of(const void *address)
{
	const struct block *b = records_around((uint64_t)(uintptr_t)address);
	const char *at = address;

	if (!b || !b->copy || at < b->address || at > b->address + b->size)
		return NULL;
	return b->copy + (at - b->address);
}

static bool make_heap(enum family family, const char *name)
{
	uint64_t room = (uint64_t)SPACE_PAGES_MOST * REGION_PAGE;

	if (!options_list_has(config->guard_families, config->guard_families_bytes, name))
		return true;
	heaps[family] = records_make_space(family, pages_for(room), 1);
	if (heaps[family])
		heaps[family]->room = room;
	return heaps[family] != NULL;
}

bool guarded_init(void)
{
	return process_page && records_init() && make_heap(FAMILY_LSA_HEAP, "lsa-heap") &&
	       make_heap(FAMILY_PRIVATE_HEAP, "private-heap");
}

/* Of the thread that forks: several may be about to fork at once. */
static __thread bool is_held_for_fork;

void guarded_before_fork(void)
{
	is_held_for_fork = region.base && lock_take(LOCK_GUARDPAGE);
}

void guarded_after_fork(void)
{
	if (is_held_for_fork)
		lock_release(LOCK_GUARDPAGE);
	is_held_for_fork = false;
}
