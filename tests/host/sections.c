/* SPDX-License-Identifier: MIT */
#include "sections.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <uthash.h>
#include <utlist.h>

#include "stripes.h"

enum { ALIGNMENT = 16 };

/* Where the first block starts in a section, so that no block has the address of the handle. */
enum { FIRST_BLOCK = 64 };

static const uint32_t largest_section = 1u << 30;

/* A part of a section, used or free. Two neighbours are never both free. */
struct extent {
	size_t offset;
	size_t size;
	bool used;
	struct extent *prev, *next;           /* sorted by offset */
	struct extent *free_prev, *free_next; /* if it is free */
	UT_hash_handle hh;                    /* by offset, if it is used */
};

struct section {
	unsigned char *base;
	size_t size;
	struct extent *extents;
	struct extent *free;
	struct extent *used;
	struct section *next;
};

/* The sections with handles in this stripe, protected by its lock. */
static struct section *sections[STRIPE_COUNT];
static unsigned int deletes_to_refuse;

static size_t round_up(size_t size, size_t unit)
{
	return (size + unit - 1) / unit * unit;
}

static void *map_memfd(size_t size)
{
	int fd = memfd_create("lsahost-section", MFD_CLOEXEC);
	void *base = MAP_FAILED;

	if (fd < 0)
		return MAP_FAILED;
	if (ftruncate(fd, (off_t)size) == 0)
		base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return base;
}

static struct extent *extent_new(size_t offset, size_t size)
{
	struct extent *extent = calloc(1, sizeof(*extent));

	if (extent) {
		extent->offset = offset;
		extent->size = size;
	}
	return extent;
}

static void link_free(struct section *section, struct extent *extent)
{
	extent->used = false;
	DL_PREPEND2(section->free, extent, free_prev, free_next);
}

static void unlink_free(struct section *section, struct extent *extent)
{
	DL_DELETE2(section->free, extent, free_prev, free_next);
}

static void section_free(struct section *section)
{
	HASH_CLEAR(hh, section->used);
	while (section->extents) {
		struct extent *first = section->extents;

		DL_DELETE(section->extents, first);
		free(first);
	}
	if (section->base)
		munmap(section->base, section->size);
	free(section);
}

static struct section *section_new(size_t size)
{
	struct section *section = calloc(1, sizeof(*section));
	struct extent *whole = extent_new(FIRST_BLOCK, size - FIRST_BLOCK);
	void *base = map_memfd(size);

	if (!section || !whole || base == MAP_FAILED) {
		if (base != MAP_FAILED)
			munmap(base, size);
		free(whole);
		free(section);
		return NULL;
	}
	section->base = base;
	section->size = size;
	DL_APPEND(section->extents, whole);
	link_free(section, whole);
	return section;
}

void *sections_create(uint32_t max_size, uint32_t initial_size)
{
	struct section *section;
	void *handle;
	unsigned int stripe;

	(void)initial_size; /* a memfd gets its pages when they are touched */
	if (max_size > largest_section)
		return NULL;
	section = section_new(round_up(max_size ? max_size : 1, 4096));
	if (!section)
		return NULL;
	/* As soon as the lock is released, another thread may delete the section. */
	handle = section->base;
	stripe = stripe_lock((uintptr_t)handle);
	LL_PREPEND(sections[stripe], section);
	stripe_unlock(stripe);
	return handle;
}

static struct section *find_section(unsigned int stripe, const void *handle)
{
	struct section *section;

	LL_SEARCH_SCALAR(sections[stripe], section, base, handle);
	return section;
}

static struct extent *first_fit(const struct section *section, size_t size)
{
	struct extent *extent;

	for (extent = section->free; extent; extent = extent->free_next) {
		if (extent->size >= size)
			return extent;
	}
	return NULL;
}

/* Cuts the extent to this size. The rest becomes a free extent after it. */
static bool split(struct section *section, struct extent *extent, size_t size)
{
	struct extent *rest;

	if (extent->size == size)
		return true;
	rest = extent_new(extent->offset + size, extent->size - size);
	if (!rest)
		return false;
	extent->size = size;
	DL_APPEND_ELEM(section->extents, extent, rest);
	link_free(section, rest);
	return true;
}

static void *take_extent(struct section *section, size_t size)
{
	struct extent *extent = first_fit(section, size);

	if (!extent || !split(section, extent, size))
		return NULL;
	unlink_free(section, extent);
	extent->used = true;
	HASH_ADD(hh, section->used, offset, sizeof(extent->offset), extent);
	return section->base + extent->offset;
}

void *sections_allocate(void *handle, uint32_t size)
{
	unsigned int stripe = stripe_lock((uintptr_t)handle);
	struct section *section = find_section(stripe, handle);
	void *memory = NULL;

	if (section)
		memory = take_extent(section, round_up(size ? size : 1, ALIGNMENT));
	stripe_unlock(stripe);
	return memory;
}

/* Joins an extent with the next one, which is free. */
static void absorb_next(struct section *section, struct extent *extent)
{
	struct extent *next = extent->next;

	extent->size += next->size;
	unlink_free(section, next);
	DL_DELETE(section->extents, next);
	free(next);
}

static void give_extent(struct section *section, struct extent *extent)
{
	struct extent *previous = extent == section->extents ? NULL : extent->prev;

	HASH_DELETE(hh, section->used, extent);
	link_free(section, extent);
	if (extent->next && !extent->next->used)
		absorb_next(section, extent);
	if (previous && !previous->used)
		absorb_next(section, previous);
}

static struct extent *find_block(const struct section *section, const void *memory)
{
	size_t offset = (uintptr_t)memory - (uintptr_t)section->base;
	struct extent *extent;

	HASH_FIND(hh, section->used, &offset, sizeof(offset), extent);
	return extent;
}

bool sections_free(void *handle, void *memory)
{
	unsigned int stripe = stripe_lock((uintptr_t)handle);
	struct section *section = find_section(stripe, handle);
	struct extent *extent = section ? find_block(section, memory) : NULL;

	if (extent)
		give_extent(section, extent);
	stripe_unlock(stripe);
	return extent != NULL;
}

void sections_refuse_deletes(unsigned int count)
{
	__atomic_store_n(&deletes_to_refuse, count, __ATOMIC_RELAXED);
}

static bool refuse_this_delete(void)
{
	unsigned int left = __atomic_load_n(&deletes_to_refuse, __ATOMIC_RELAXED);

	while (left) {
		if (__atomic_compare_exchange_n(&deletes_to_refuse, &left, left - 1, false,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

bool sections_delete(void *handle)
{
	unsigned int stripe = stripe_lock((uintptr_t)handle);
	struct section *section = find_section(stripe, handle);

	if (section && refuse_this_delete())
		section = NULL;
	if (section)
		LL_DELETE(sections[stripe], section);
	stripe_unlock(stripe);
	if (section)
		section_free(section);
	return section != NULL;
}
