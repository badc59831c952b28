/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "preload/base/kernel.h"
#include "preload/base/vm.h"
#include "preload/file/clock.h"
#include "preload/host/elf_image.h"
#include "preload/host/maps.h"
#include "preload/host/real.h"
#include "preload/ledger/ledger.h"
#include "preload/reach/extents.h"
#include "preload/reach/memory.h"
#include "preload/reach/search.h"

#include "preload/base/poison.h"

enum {
	MORE_AREAS = 64, /* than were counted a moment ago */
	HOLES = 3,       /* extents that are no blocks */
	PAGE_BITS = 22,  /* of the filter */
};

/* What is mapped in one piece, and larger, is the shadow memory of a sanitizer. */
#define AREA_BYTES_MOST (64ull << 30)

struct search {
	struct memory memory;
	struct maps_area *areas;
	size_t areas_most;
	struct extents live, gone;
	size_t live_count, gone_count;
	uint64_t *pages; /* as bits, by a part of its number: whether a page may hold a block */
	uint64_t own, own_bytes;      /* the memory of the search */
	const struct extent *scanned; /* NULL: it is no block */
	struct elf_image c_library;
	uint32_t todo;          /* 1 + index of the first extent to be scanned; 0: none */
	enum trace_reach reach; /* of what is found */
	bool is_unsure;
};

static bool is_gone(const struct ledger_view *view)
{
	return ledger_life(view) >= LIFE_RELEASED;
}

/* Client buffers lie in another process, or count as if they did. What has a new owner is in use. */
static bool concerns(const struct ledger_view *view)
{
	return view->entry.space != SPACE_CLIENT && ledger_life(view) != LIFE_DELETING &&
	       !(is_gone(view) &&
		 (view->entry.flags & LEDGER_TRANSFERRED || view->entry.space == SPACE_SECTION));
}

static void count_entry(const struct ledger_view *view, void *context)
{
	struct search *s = context;

	if (concerns(view))
		++*(is_gone(view) ? &s->gone_count : &s->live_count);
}

/* Of a section, only its handle points to it. */
static void add_entry(const struct ledger_view *view, void *context)
{
	const struct ledger_entry *entry = &view->entry;
	uint64_t bytes = entry->space == SPACE_SECTION || entry->size == 0 ? 1 : entry->size;
	struct search *s = context;

	if (!concerns(view) || entry->address + bytes < entry->address)
		return;
	extents_add(is_gone(view) ? &s->gone : &s->live,
		    (struct extent){ .start = entry->address,
				     .end = entry->address + bytes,
				     .number = view->number,
				     .is_kept = (entry->flags & LEDGER_IGNORED) != 0 });
}

static void count_area(const struct maps_area *area, void *context)
{
	(void)area;
	((struct search *)context)->areas_most++;
}

static void add_area(const struct maps_area *area, void *context)
{
	struct search *s = context;

	if (s->memory.areas < s->areas_most)
		s->areas[s->memory.areas++] = *area;
	else
		s->is_unsure = true;
}

/* All memory of the search is one piece. */
static bool reserve(struct search *s)
{
	size_t areas = (s->areas_most += MORE_AREAS) * sizeof(*s->areas);
	size_t live = (s->live_count + HOLES) * sizeof(struct extent);
	size_t gone = (s->gone_count + 1) * sizeof(struct extent);
	size_t larger = live > gone ? live : gone, pages = (1 << PAGE_BITS) / 8;
	char *at;

	s->own_bytes = sizeof(*s->memory.room) + areas + live + gone + larger + pages;
	at = vm_reserve(s->own_bytes);
	s->own = (uintptr_t)at;
	if (!at)
		return false;
	s->memory.room = (struct memory_room *)at;
	at += sizeof(*s->memory.room);
	s->pages = (uint64_t *)at;
	at += pages;
	s->memory.area = s->areas = (struct maps_area *)at;
	at += areas;
	s->live.all = (struct extent *)at;
	at += live;
	s->gone.all = (struct extent *)at;
	return true;
}

/* The room behind the two lists. */
static void sort(struct search *s)
{
	struct extent *room = s->gone.all + s->gone_count + 1;

	extents_sort(&s->live, room);
	extents_sort(&s->gone, room);
}

static uint64_t page_of(const struct search *s, uint64_t address)
{
	return address / s->memory.page_bytes % (1 << PAGE_BITS);
}

static void note_page(struct search *s, uint64_t address)
{
	uint64_t page = page_of(s, address);

	s->pages[page / 64] |= 1ull << page % 64;
}

static void note_pages(struct search *s)
{
	uint64_t last = 0;

	s->memory.low = s->live.count ? s->live.all[0].start : 0;
	for (size_t i = 0; i < s->live.count; i++) {
		const struct extent *e = &s->live.all[i];
		uint64_t pages =
			(e->end - 1) / s->memory.page_bytes - e->start / s->memory.page_bytes;

		last = e->end > last ? e->end : last;
		for (uint64_t j = 0; j <= pages && j < 1 << PAGE_BITS; j++)
			note_page(s, e->start + j * s->memory.page_bytes);
	}
	s->memory.high = last;
}

/* Finds the block that an address is of. `*is_worth_little`: it is of the last bytes. */
static struct extent *find_block(struct search *s, uint64_t address, bool *is_worth_little)
{
	uint64_t page = page_of(s, address);
	struct extent *e =
		s->pages[page / 64] >> page % 64 & 1 ? extents_find(&s->live, address) : NULL;

	if (!e || !e->number || e == s->scanned)
		return NULL;
	*is_worth_little = address > e->start && e->end - address <= sizeof(uint64_t);
	return e;
}

static void rate(struct search *s, struct extent *e)
{
	e->reach = (uint8_t)s->reach;
	e->next = s->todo;
	s->todo = 1 + (uint32_t)(e - s->live.all);
}

static void take_word(uint64_t word, void *context)
{
	struct search *s = context;
	bool is_worth_little;
	struct extent *e = find_block(s, word, &is_worth_little);

	if (!e || e->reach != TRACE_REACH_UNKNOWN)
		return;
	if (is_worth_little && s->reach == TRACE_REACH_REACHABLE)
		e->is_hinted = true;
	else
		rate(s, e);
}

/* In the C library's own data, an address of the last bytes is that of the chunk that comes next: no hint. */
static void take_certain(uint64_t word, void *context)
{
	struct search *s = context;
	bool is_worth_little;
	struct extent *e = find_block(s, word, &is_worth_little);

	if (e && !is_worth_little && e->reach == TRACE_REACH_UNKNOWN)
		rate(s, e);
}

static void take_hint(uint64_t word, void *context)
{
	bool is_worth_little;
	struct extent *e = find_block(context, word, &is_worth_little);

	if (e)
		e->is_hinted = true;
}

static void note_pointer(uint64_t word, void *context)
{
	bool is_worth_little;
	struct extent *e = find_block(context, word, &is_worth_little);

	if (e)
		e->is_pointed_at = true;
}

static void scan_block(struct search *s, const struct extent *e, memory_visit *visit)
{
	s->scanned = e;
	memory_scan(&s->memory, e->start, e->end, visit, s);
	s->scanned = NULL;
}

/* Scans what was found, and what is found by that. */
static void follow(struct search *s)
{
	while (s->todo && !s->memory.is_late) {
		struct extent *e = &s->live.all[s->todo - 1];

		s->todo = e->next;
		scan_block(s, e, take_word);
	}
}

static void scan_used(uint64_t start, uint64_t end, void *search)
{
	struct search *s = search;
	bool is_library = start >= s->c_library.start && start < s->c_library.end;

	memory_scan(&s->memory, start, end, is_library ? take_certain : take_word, s);
}

static void scan_freed(uint64_t start, uint64_t end, void *search)
{
	memory_scan(&((struct search *)search)->memory, start, end, take_hint, search);
}

static void scan_outside(uint64_t start, uint64_t end, void *search)
{
	extents_split(&((struct search *)search)->gone, start, end, scan_used, scan_freed, search);
}

static void find_reachable(struct search *s, const struct search_start *start)
{
	s->reach = TRACE_REACH_REACHABLE;
	for (size_t i = 0; i < s->live.count; i++)
		if (s->live.all[i].is_kept)
			rate(s, &s->live.all[i]);
	for (size_t i = 0; i < s->memory.areas; i++) {
		const struct maps_area *area = &s->areas[i];

		if (!area->is_writable || vm_is_in_range(area->start))
			continue;
		if (area->end - area->start > AREA_BYTES_MOST)
			s->is_unsure = true;
		else
			extents_split(&s->live, area->start, area->end, scan_outside, NULL, s);
	}
	scan_used((uintptr_t)start->innermost, (uintptr_t)start->innermost + start->innermost_bytes,
		  s);
	follow(s);
}

static void find_possible(struct search *s)
{
	s->reach = TRACE_REACH_POSSIBLE;
	for (size_t i = 0; i < s->live.count; i++)
		if (s->live.all[i].reach == TRACE_REACH_UNKNOWN && s->live.all[i].is_hinted)
			rate(s, &s->live.all[i]);
	follow(s);
}

/* Those to which nothing points, and then one of each circle. A circle may hang on another one, whose
 * turn comes later: then its own is no longer lost, but indirectly so. */
static void find_lost(struct search *s, bool in_circles)
{
	s->reach = TRACE_REACH_INDIRECT;
	for (size_t i = 0; i < s->live.count; i++) {
		struct extent *e = &s->live.all[i];

		if (e->reach != TRACE_REACH_UNKNOWN || e->is_pointed_at != in_circles || !e->number)
			continue;
		e->reach = TRACE_REACH_LOST;
		scan_block(s, e, take_word);
		follow(s);
	}
}

static void show(struct search *s)
{
	for (size_t i = 0; i < s->live.count; i++) {
		const struct extent *e = &s->live.all[i];
		enum trace_reach reach = (enum trace_reach)e->reach;

		if (reach == TRACE_REACH_LOST && s->is_unsure)
			reach = TRACE_REACH_POSSIBLE;
		if (e->number)
			ledger_show_reach(e->number, reach);
	}
}

/* What is no block and holds addresses all the same: the tracer's own data, the memory of the search, and
 * the part of the first thread's stack that is not in use, or was written over since. Of other stacks nobody
 * knows for certain what else lies there. */
static void add_holes(struct search *s, const struct search_start *start)
{
	uint64_t first_stack = getauxval(AT_RANDOM), stack = start->stack;
	struct elf_image image;

	if (!elf_image_at((const void *)real_exit, &s->c_library))
		s->c_library.end = s->c_library.start = 0;
	if (elf_image_at((const void *)search_all, &image))
		extents_add(&s->live, (struct extent){ .start = image.start, .end = image.end });
	extents_add(&s->live, (struct extent){ .start = s->own, .end = s->own + s->own_bytes });
	for (size_t i = 0; i < s->memory.areas; i++) {
		const struct maps_area *area = &s->areas[i];
		uint64_t other = start->windows_stack;
		struct extent unused = { .start = other > area->start && other <= stack
							  ? other
							  : area->start,
					 .end = stack + start->innermost_bytes };

		if (stack <= area->start || stack >= area->end)
			continue;
		extents_add(first_stack >= stack && first_stack < area->end ? &s->live : &s->gone,
			    unused);
	}
}

enum trace_search search_all(const struct search_start *start)
{
	static struct search s; /* static, for stacks may be small */

	s.is_unsure = start->is_unsure;
	s.memory.deadline_ns = clock_monotonic_ns() + TRACE_SEARCH_SECONDS * 1000000000ull;
	s.memory.page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	s.memory.pagemap = kernel_open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC, 0);
	ledger_visit(count_entry, &s);
	if (!maps_visit(count_area, &s))
		return TRACE_SEARCH_NO_PROC;
	if (!reserve(&s))
		return TRACE_SEARCH_NO_MEMORY;
	if (!maps_visit(add_area, &s))
		return TRACE_SEARCH_NO_PROC;
	ledger_visit(add_entry, &s);
	add_holes(&s, start);
	sort(&s);
	note_pages(&s);
	find_reachable(&s, start);
	find_possible(&s);
	for (size_t i = 0; i < s.live.count && !s.memory.is_late; i++)
		if (s.live.all[i].reach == TRACE_REACH_UNKNOWN && s.live.all[i].number)
			scan_block(&s, &s.live.all[i], note_pointer);
	find_lost(&s, false);
	find_lost(&s, true);
	if (s.memory.is_late)
		return TRACE_SEARCH_NO_TIME;
	s.is_unsure |= s.memory.has_unread;
	show(&s);
	return TRACE_SEARCH_DONE;
}
