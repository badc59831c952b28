/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "preload/base/compiler.h"
#include "preload/base/vm.h"
#include "preload/sharedmem/arena.h"

#include "preload/base/poison.h"

enum {
	SECOND_BITS = 4,
	SECONDS = 1 << SECOND_BITS, /* lists for the sizes from one power of two to the next */
	FIRSTS = 32 - SECOND_BITS,  /* powers of two */
	TRIES = 64,                 /* blocks of one list whose size is looked at */
	KEPT_GRANULES = 64,         /* the largest size that is kept: 1 KiB */
	KEPT_MOST = 255,            /* blocks kept of one size */
	SPARES = 4,                 /* arenas that are kept */
	SPARE_BYTES_MOST = 1 << 20,
};

/* A granule's byte is the size of its block in granules, at most LARGE, times STATES, plus one
 * of these. */
enum {
	LAST, /* a free block of several granules ends here; with size 0: nothing is here */
	USED,
	FREE,
	KEPT, /* freed, and not yet merged */
	STATES,
	LARGE = 256 / STATES - 1, /* the size is in struct extra */
};

/* What does not fit into a granule's byte. */
struct extra {
	uint32_t next, previous; /* free blocks of one list; 0: none */
	uint32_t size;           /* of a LARGE block, in granules */
};

struct arena {
	uint32_t granules;             /* of the range; one more behind the last is never free */
	uint8_t *byte;                 /* by granule */
	struct extra *extra;           /* by granule */
	struct vm_table bytes, extras; /* where both lie, if the range can grow */
	uint64_t mapped_bytes;
	uint32_t granules_most;      /* for which there is room, if it cannot grow */
	uint32_t first_map;          /* bits: which words of second_map are not 0 */
	uint16_t second_map[FIRSTS]; /* bits: which lists are not empty */
	uint32_t list[FIRSTS][SECONDS];
	uint32_t kept_total;
	uint8_t kept_count[KEPT_GRANULES + 1];
	uint32_t kept[KEPT_GRANULES + 1][KEPT_MOST];
};

/* Which list. */
struct place {
	uint32_t first, second;
};

static uint32_t size_of(const struct arena *a, uint32_t granule)
{
	uint32_t size = a->byte[granule] / STATES;

	return likely(size < LARGE) ? size : a->extra[granule].size;
}

static uint32_t state_of(const struct arena *a, uint32_t granule)
{
	return a->byte[granule] % STATES;
}

static void set_granule(struct arena *a, uint32_t granule, uint32_t size, uint32_t state)
{
	if (size >= LARGE) {
		a->extra[granule].size = size;
		size = LARGE;
	}
	a->byte[granule] = (uint8_t)(size * STATES + state);
}

static uint32_t log_of(uint32_t size)
{
	return 31 - (uint32_t)__builtin_clz(size);
}

/* The list of the blocks of a size. */
static struct place place_of(uint32_t size)
{
	uint32_t log = log_of(size);

	if (size < SECONDS)
		return (struct place){ 0, size };
	return (struct place){ log - SECOND_BITS + 1, size >> (log - SECOND_BITS) & (SECONDS - 1) };
}

/* The list of the smallest blocks of which each is large enough. */
static struct place place_for(uint32_t size)
{
	uint32_t step = size < SECONDS ? 1 : 1u << (log_of(size) - SECOND_BITS);

	return place_of(size + step - 1);
}

static void link_block(struct arena *a, uint32_t granule, uint32_t size)
{
	struct place p = place_of(size);
	uint32_t *list = &a->list[p.first][p.second];

	a->extra[granule].next = *list;
	a->extra[granule].previous = 0;
	if (*list)
		a->extra[*list].previous = granule;
	*list = granule;
	a->second_map[p.first] |= (uint16_t)(1u << p.second);
	a->first_map |= 1u << p.first;
}

static void unlink_block(struct arena *a, uint32_t granule, uint32_t size)
{
	struct extra link = a->extra[granule];
	struct place p;

	if (link.next)
		a->extra[link.next].previous = link.previous;
	if (link.previous) {
		a->extra[link.previous].next = link.next;
		return;
	}
	p = place_of(size);
	a->list[p.first][p.second] = link.next;
	if (link.next)
		return;
	a->second_map[p.first] &= (uint16_t) ~(1u << p.second);
	if (!a->second_map[p.first])
		a->first_map &= ~(1u << p.first);
}

static void make_free(struct arena *a, uint32_t granule, uint32_t size)
{
	set_granule(a, granule, size, FREE);
	if (size > 1)
		set_granule(a, granule + size - 1, size, LAST);
	link_block(a, granule, size);
}

/* Takes a free block out of its list. Its granules are then as if nothing began or ended there. */
static void unmake_free(struct arena *a, uint32_t granule, uint32_t size)
{
	unlink_block(a, granule, size);
	a->byte[granule] = 0;
	a->byte[granule + size - 1] = 0;
}

/* The size of the free block that ends just before a granule; 0: none does. */
static uint32_t free_before(const struct arena *a, uint32_t granule)
{
	uint32_t state = state_of(a, granule - 1), size = size_of(a, granule - 1);

	return state == LAST || (state == FREE && size == 1) ? size : 0;
}

static void merge_free(struct arena *a, uint32_t granule, uint32_t size)
{
	uint32_t next = granule + size, before = free_before(a, granule);

	a->byte[granule] = 0;
	if (state_of(a, next) == FREE) {
		uint32_t behind = size_of(a, next);

		unmake_free(a, next, behind);
		size += behind;
	}
	if (before) {
		granule -= before;
		unmake_free(a, granule, before);
		size += before;
	}
	make_free(a, granule, size);
}

static uint32_t find_large_enough(const struct arena *a, struct place p)
{
	uint32_t seconds = a->second_map[p.first] & (~0u << p.second), firsts;

	if (!seconds) {
		firsts = a->first_map & (~0u << p.first << 1);
		if (!firsts)
			return 0;
		p.first = (uint32_t)__builtin_ctz(firsts);
		seconds = a->second_map[p.first];
	}
	return a->list[p.first][__builtin_ctz(seconds)];
}

/* The list of a size holds smaller blocks as well, which place_for() leaves out. Looks at the
 * first of them. */
static uint32_t find_among_smaller(const struct arena *a, uint32_t size)
{
	struct place p = place_of(size);
	uint32_t granule = a->list[p.first][p.second];

	for (int i = 0; i < TRIES && granule; i++, granule = a->extra[granule].next)
		if (size_of(a, granule) >= size)
			return granule;
	return 0;
}

/* Cuts a block off the front of a free one. Returns 0 if none that is large enough was found. */
static uint32_t cut_block(struct arena *a, uint32_t size)
{
	uint32_t granule = find_large_enough(a, place_for(size)), found;

	if (!granule)
		granule = find_among_smaller(a, size);
	if (!granule)
		return 0;
	found = size_of(a, granule);
	unmake_free(a, granule, found);
	if (found > size)
		make_free(a, granule + size, found - size);
	return granule;
}

/* Merges all kept blocks, whose number has a bound that does not depend on the range. */
static void merge_kept(struct arena *a)
{
	for (uint32_t size = 1; size <= KEPT_GRANULES; size++)
		while (a->kept_count[size])
			merge_free(a, a->kept[size][--a->kept_count[size]], size);
	a->kept_total = 0;
}

static uint32_t take_kept(struct arena *a, uint32_t size)
{
	if (size > KEPT_GRANULES || !a->kept_count[size])
		return 0;
	a->kept_total--;
	return a->kept[size][--a->kept_count[size]];
}

static bool keep_block(struct arena *a, uint32_t granule, uint32_t size)
{
	if (size > KEPT_GRANULES || a->kept_count[size] == KEPT_MOST)
		return false;
	set_granule(a, granule, size, KEPT);
	a->kept[size][a->kept_count[size]++] = granule;
	a->kept_total++;
	return true;
}

uint64_t arena_allocate(struct arena *a, uint64_t bytes)
{
	uint64_t granules = arena_round(bytes) / ARENA_GRANULE;
	uint32_t size = (uint32_t)granules, granule;

	if (bytes > ARENA_BYTES_MOST || granules >= a->granules)
		return 0;
	granule = take_kept(a, size);
	if (unlikely(!granule))
		granule = cut_block(a, size);
	if (unlikely(!granule) && a->kept_total) {
		merge_kept(a);
		granule = cut_block(a, size);
	}
	if (likely(granule))
		set_granule(a, granule, size, USED);
	return (uint64_t)granule * ARENA_GRANULE;
}

uint64_t arena_free(struct arena *a, uint64_t offset)
{
	uint64_t granule = offset / ARENA_GRANULE;
	uint32_t size;

	if (offset % ARENA_GRANULE || granule == 0 || granule >= a->granules ||
	    state_of(a, (uint32_t)granule) != USED)
		return 0;
	size = size_of(a, (uint32_t)granule);
	if (!keep_block(a, (uint32_t)granule, size))
		merge_free(a, (uint32_t)granule, size);
	return (uint64_t)size * ARENA_GRANULE;
}

/* Makes granules, from the first one that is not in use to the end, one free block. */
static void set_range(struct arena *a, uint32_t first, uint32_t granules)
{
	a->granules = granules;
	set_granule(a, granules, 1, USED);
	if (granules > first)
		merge_free(a, first, granules - first);
}

/* Deleted sections leave their bookkeeping here, so that the next ones need not ask the system. */
static struct arena *spare[SPARES];

/* Takes one that has room for so many granules, all unused; NULL: there is none. */
static struct arena *take_spare(uint64_t granules)
{
	struct arena *a = NULL;

	for (int i = 0; i < SPARES && !a; i++) {
		a = __atomic_exchange_n(&spare[i], NULL, __ATOMIC_ACQUIRE);
		if (a && a->granules_most < granules) {
			arena_release(a);
			a = NULL;
		}
	}
	if (!a)
		return NULL;
	memset(a->byte, 0, a->granules + 1);
	a->first_map = a->kept_total = 0;
	memset(a->second_map, 0, sizeof(a->second_map));
	memset(a->list, 0, sizeof(a->list));
	memset(a->kept_count, 0, sizeof(a->kept_count));
	return a;
}

static bool make_spare(struct arena *a)
{
	if (a->mapped_bytes > SPARE_BYTES_MOST)
		return false;
	for (int i = 0; i < SPARES; i++) {
		struct arena *none = NULL;

		if (__atomic_compare_exchange_n(&spare[i], &none, a, false, __ATOMIC_RELEASE,
						__ATOMIC_RELAXED))
			return true;
	}
	return false;
}

struct arena *arena_new(uint64_t bytes)
{
	uint64_t granules = bytes / ARENA_GRANULE + 1;
	uint64_t extra_bytes = granules * sizeof(struct extra);
	uint64_t mapped = sizeof(struct arena) + extra_bytes + granules + 1;
	struct arena *a = take_spare(granules);

	if (!a) {
		a = vm_reserve(mapped);
		if (!a)
			return NULL;
		a->mapped_bytes = mapped;
		a->granules_most = (uint32_t)granules;
		a->extra = (struct extra *)(a + 1);
		a->byte = (uint8_t *)a->extra + extra_bytes;
	}
	set_granule(a, 0, 1, USED);
	set_range(a, 1, (uint32_t)granules);
	return a;
}

struct arena *arena_new_growing(uint64_t bytes_most)
{
	uint64_t granules = bytes_most / ARENA_GRANULE + 2;
	struct arena *a = vm_reserve(sizeof(*a));

	if (!a)
		return NULL;
	a->mapped_bytes = sizeof(*a);
	if (!vm_table_init(&a->extras, VM_TRACER, granules * sizeof(struct extra), -1) ||
	    !vm_table_init(&a->bytes, VM_TRACER, granules, -1)) {
		arena_release(a);
		return NULL;
	}
	a->extra = (struct extra *)a->extras.base;
	a->byte = (uint8_t *)a->bytes.base;
	set_granule(a, 0, 1, USED);
	set_range(a, 1, 1);
	return a;
}

bool arena_grow(struct arena *a, uint64_t bytes)
{
	uint64_t granules = bytes / ARENA_GRANULE + 1;
	uint32_t before = a->granules;

	if (!vm_table_reach(&a->extras, (granules + 1) * sizeof(struct extra)) ||
	    !vm_table_reach(&a->bytes, granules + 1))
		return false;
	set_range(a, before, (uint32_t)granules);
	return true;
}

void arena_release(struct arena *a)
{
	vm_table_release(&a->extras);
	vm_table_release(&a->bytes);
	if (!make_spare(a))
		munmap(a, a->mapped_bytes);
}
