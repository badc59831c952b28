/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/base/lock.h"
#include "preload/base/process.h"
#include "preload/base/vm.h"

#include "preload/base/poison.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

enum {
	STEP = 1 << 18,              /* bytes by which a table grows */
	STEP_LARGE = VM_LARGE_BYTES, /* once it has so many */
	FILLED_BYTES = VM_LARGE_BYTES,
};

/* Where the tables lie. */
#define RANGE_BEGIN 0x100000000000u
#define RANGE_BYTES 0x100000000000u
#define RANGE_UNIT (1ull << 30)   /* of address space, for one table */
#define PLACES_BYTES (1ull << 40) /* for all that is no table */

#ifdef __SANITIZE_THREAD__
static bool avoids_range = true;
#else
static bool avoids_range;
#endif

void vm_avoid_range(void)
{
	avoids_range = true;
}

static bool has_strays;

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static int flags_of(enum vm_kind kind)
{
	return MAP_NORESERVE | (kind == VM_FILE ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS);
}

/*
 * Maps one page, and makes it longer. Where the host locks what it maps in future, a mapping is
 * locked, counted against the host's limit (RLIMIT_MEMLOCK) and filled at once. One that has been
 * unlocked stays so when it grows. The host's data is locked as the host wants it.
 */
static void *map_page(void *at, int protection, enum vm_kind kind, int flags, int fd)
{
	size_t page = page_bytes();
	void *base = mmap(at, page, protection, flags | flags_of(kind), fd, 0);

	if (base != MAP_FAILED && kind != VM_HOST)
		munlock(base, page);
	return base;
}

static void *lengthen(void *base, size_t bytes, int flags)
{
	return bytes > page_bytes() ? mremap(base, page_bytes(), bytes, flags) : base;
}

/* Not the same addresses in each process: nobody should be able to guess where the tables lie. */
static uint64_t first_address(void)
{
	uint64_t random = (uintptr_t)process_page ^ (uintptr_t)&sysconf << 16 ^
			  (uintptr_t)__builtin_frame_address(0) << 8;

	return (random * 0x9e3779b97f4a7c15u >> 32) % (RANGE_BYTES / RANGE_UNIT) * RANGE_UNIT;
}

static void *next_address(size_t bytes)
{
	static uint64_t next;
	uint64_t none = 0, units = bytes / RANGE_UNIT + 2;

	__atomic_compare_exchange_n(&next, &none, first_address(), false, __ATOMIC_RELAXED,
				    __ATOMIC_RELAXED);
	none = __atomic_fetch_add(&next, units * RANGE_UNIT, __ATOMIC_RELAXED);
	return (void *)(uintptr_t)(RANGE_BEGIN + none % RANGE_BYTES);
}

/* Where a mapping cannot grow in place, there is no use in it. */
static void *map_at(void *at, size_t bytes, enum vm_kind kind, int fd)
{
	void *base = map_page(at, PROT_READ | PROT_WRITE, kind, MAP_FIXED_NOREPLACE, fd);

	/* Old kernels take the address for a wish. */
	if (base == MAP_FAILED || (base == at && lengthen(at, bytes, 0) != MAP_FAILED))
		return base;
	munmap(base, page_bytes());
	return MAP_FAILED;
}

static size_t round_up(size_t bytes, size_t unit)
{
	return (bytes + unit - 1) / unit * unit;
}

/* What has one size for good lies side by side: each table has page tables of its own. */
static void *next_place(size_t bytes)
{
	static uint64_t begin, used;
	uint64_t none = 0, place = __atomic_fetch_add(&used, bytes, __ATOMIC_RELAXED);

	if (__atomic_load_n(&begin, __ATOMIC_RELAXED) == 0)
		__atomic_compare_exchange_n(&begin, &none, (uintptr_t)next_address(PLACES_BYTES),
					    false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	return (void *)(uintptr_t)(__atomic_load_n(&begin, __ATOMIC_RELAXED) + place % PLACES_BYTES);
}

static void *map_anywhere(size_t bytes)
{
	void *page = map_page(NULL, PROT_READ | PROT_WRITE, VM_TRACER, 0, -1);
	void *base = page == MAP_FAILED ? page : lengthen(page, bytes, MREMAP_MAYMOVE);

	if (base == MAP_FAILED && page != MAP_FAILED)
		munmap(page, page_bytes());
	__atomic_store_n(&has_strays, true, __ATOMIC_RELAXED);
	return base;
}

static void fill(void *memory, size_t bytes)
{
	/* Kernels before 5.14 do not know it: then the faults do it. */
	madvise(memory, round_up(bytes, page_bytes()), MADV_POPULATE_WRITE);
}

/* Maps what is filled. The kernel takes a large page for the first byte of it that is touched. */
static void *map_filled(void)
{
	void *base = avoids_range ? MAP_FAILED
				  : map_at(next_address(FILLED_BYTES), FILLED_BYTES, VM_TRACER, -1);

	if (base != MAP_FAILED) {
		madvise(base, FILLED_BYTES, MADV_DONTDUMP);
		madvise(base, FILLED_BYTES, MADV_HUGEPAGE);
	}
	return base;
}

/* Returns NULL if there is no more of it. */
static void *next_filled(size_t bytes)
{
	static char *begin;
	static size_t used;
	char *base = __atomic_load_n(&begin, __ATOMIC_ACQUIRE), *none = NULL;
	size_t place = __atomic_load_n(&used, __ATOMIC_RELAXED);

	while (place + bytes <= FILLED_BYTES &&
	       !__atomic_compare_exchange_n(&used, &place, place + bytes, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED))
		;
	if (place + bytes > FILLED_BYTES)
		return NULL;
	if (!base) {
		base = map_filled();
		if (!__atomic_compare_exchange_n(&begin, &none, base, false, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE)) {
			if (base != MAP_FAILED)
				munmap(base, FILLED_BYTES);
			base = none;
		}
	}
	return base == MAP_FAILED ? NULL : base + place;
}

void *vm_reserve_filled(size_t bytes)
{
	void *base = process_is_confined ? NULL : next_filled(round_up(bytes, page_bytes()));

	if (!base)
		base = vm_reserve(bytes);
	if (base)
		fill(base, bytes);
	return base;
}

void *vm_reserve(size_t bytes)
{
	void *base = MAP_FAILED;

	if (process_is_confined)
		return NULL;
	bytes = round_up(bytes, page_bytes());
	if (!avoids_range)
		base = map_at(next_place(bytes), bytes, VM_TRACER, -1);
	if (base == MAP_FAILED)
		base = map_anywhere(bytes);
	if (base == MAP_FAILED)
		return NULL;
	madvise(base, bytes, MADV_DONTDUMP);
	return base;
}

static bool reserve_in_whole(struct vm_table *table, int fd)
{
	void *base;

	table->is_reserved = true;
	__atomic_store_n(&has_strays, true, __ATOMIC_RELAXED);
	table->base = map_page(NULL, PROT_NONE, table->kind, 0, fd);
	if (table->base == MAP_FAILED)
		return false;
	base = lengthen(table->base, table->bytes_most, MREMAP_MAYMOVE);
	if (base == MAP_FAILED)
		munmap(table->base, page_bytes());
	table->base = base;
	return base != MAP_FAILED &&
	       mprotect(table->base, table->bytes, PROT_READ | PROT_WRITE) == 0;
}

/*
 * By how much a table of so many bytes grows. A file is mapped further than it has grown, which costs nothing:
 * when a page is touched, the kernel maps all that it holds in one piece, but only if that is mapped whole.
 */
static size_t step_of(enum vm_kind kind, size_t bytes)
{
	return kind != VM_FILE && bytes < STEP_LARGE ? STEP : STEP_LARGE;
}

bool vm_table_init(struct vm_table *table, enum vm_kind kind, size_t bytes_most, int fd)
{
	*table = (struct vm_table){ .bytes_most = round_up(bytes_most, page_bytes()), .kind = kind };
	table->bytes = step_of(kind, 0);
	if (table->bytes > table->bytes_most)
		table->bytes = table->bytes_most;
	table->base = avoids_range ? MAP_FAILED
				   : map_at(next_address(table->bytes_most), table->bytes, kind, fd);
	if (table->base == MAP_FAILED && !reserve_in_whole(table, fd)) {
		if (table->base != MAP_FAILED)
			munmap(table->base, table->bytes_most);
		*table = (struct vm_table){ 0 };
		return false;
	}
	if (kind != VM_HOST)
		madvise(table->base, table->is_reserved ? table->bytes_most : table->bytes,
			MADV_DONTDUMP);
	return true;
}

/* Under LOCK_MEMORY. */
static bool extend(struct vm_table *table, size_t bytes)
{
	char *end = table->base + table->bytes;

	if (bytes > table->bytes_most)
		bytes = table->bytes_most;
	/* The host may have locked it since. */
	if (table->kind != VM_HOST)
		munlock(table->base, table->bytes);
	if (table->is_reserved ? mprotect(end, bytes - table->bytes, PROT_READ | PROT_WRITE) != 0
			       : mremap(table->base, table->bytes, bytes, 0) == MAP_FAILED)
		return false;
	__atomic_store_n(&table->bytes, bytes, __ATOMIC_RELEASE);
	return true;
}

APART bool vm_table_grow(struct vm_table *table, size_t bytes)
{
	size_t step = step_of(table->kind, peek(table->bytes));
	bool has_grown;

	if (bytes > table->bytes_most || process_is_confined || !lock_take(LOCK_MEMORY))
		return false;
	has_grown = bytes <= table->bytes || extend(table, round_up(bytes, step)) ||
		    extend(table, round_up(bytes, page_bytes()));
	lock_release(LOCK_MEMORY);
	return has_grown;
}

bool vm_table_make_large(struct vm_table *table, size_t from)
{
	return vm_table_reach(table, from + VM_LARGE_BYTES) &&
	       madvise(table->base + from, VM_LARGE_BYTES, MADV_COLLAPSE) == 0;
}

void vm_table_copy(const struct vm_table *table, size_t bytes)
{
	fill(table->base, bytes);
}

bool vm_table_replace(const struct vm_table *table)
{
	size_t bytes = __atomic_load_n(&table->bytes, __ATOMIC_ACQUIRE);
	void *page = map_page(NULL, PROT_READ | PROT_WRITE, VM_TRACER, 0, -1);

	if (page == MAP_FAILED)
		return false;
	if (mremap(page, page_bytes(), bytes, MREMAP_MAYMOVE | MREMAP_FIXED, table->base) ==
	    MAP_FAILED) {
		munmap(page, page_bytes());
		return false;
	}
	madvise(table->base, bytes, MADV_DONTDUMP);
	return true;
}

bool vm_is_in_range(uint64_t address)
{
	return address - RANGE_BEGIN < RANGE_BYTES;
}

bool vm_has_strays(void)
{
	return __atomic_load_n(&has_strays, __ATOMIC_RELAXED);
}

void vm_table_release(struct vm_table *table)
{
	if (table->base)
		munmap(table->base, table->is_reserved ? table->bytes_most : table->bytes);
	*table = (struct vm_table){ 0 };
}
