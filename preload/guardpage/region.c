/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/base/kernel.h"
#include "preload/base/text.h"
#include "preload/base/vm.h"
#include "preload/guardpage/region.h"
#include "preload/host/maps.h"
#include "preload/host/own_file.h"

#include "preload/base/poison.h"

enum {
	GRAIN = 512,        /* pages: areas are taken in units of 2 MiB */
	SPLIT_MAPPINGS = 2, /* a run of open pages, and the closed ones behind it */
	MAPPINGS_DEFAULT = 65530,
};

#define REGION_BYTES_MOST (1ull << 42)
#define REGION_BYTES_LEAST (1ull << 26)

struct region region;

static struct vm_table page_bits; /* of the rows that region_take() makes */
static struct span_row grains;
static int splits, splits_most;

static void *map_nothing(void *at, size_t bytes)
{
	return mmap(at, bytes, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at ? MAP_FIXED : 0), -1, 0);
}

static size_t bytes_of(uint32_t pages)
{
	return (size_t)pages * REGION_PAGE;
}

/* How many runs of open pages may use up half of the mappings that the kernel allows. */
static int read_most_splits(void)
{
	int fd = kernel_open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC, 0);
	char digits[16];
	const char *at = digits;
	ssize_t got = fd >= 0 ? kernel_read(fd, digits, sizeof(digits)) : -1;
	uint64_t mappings = got > 0 ? text_read_number(&at, at + got) : 0;

	if (fd >= 0)
		kernel_close(fd);
	if (mappings == 0)
		mappings = MAPPINGS_DEFAULT;
	return (int)(mappings < INT32_MAX ? mappings : INT32_MAX) / 2 / SPLIT_MAPPINGS;
}

/* The tables that describe so many pages. */
static bool make_tables(uint32_t pages)
{
	grains = (struct span_row){ .bits = vm_reserve(pages / GRAIN / 8), .places = pages / GRAIN };
	if (grains.bits && vm_table_init(&region.owners, VM_TRACER, pages * sizeof(uint32_t), -1) &&
	    vm_table_init(&page_bits, VM_TRACER, pages / 8, -1))
		return true;
	vm_table_release(&region.owners);
	if (grains.bits)
		munmap(grains.bits, pages / GRAIN / 8);
	return false;
}

/* Where the host locks what it maps in future, so many addresses would be beyond its limit. */
static char *reserve_addresses(size_t bytes)
{
	void *page = map_nothing(NULL, REGION_PAGE), *base;

	if (page == MAP_FAILED)
		return NULL;
	munlock(page, REGION_PAGE);
	base = mremap(page, REGION_PAGE, bytes, MREMAP_MAYMOVE);
	if (base != MAP_FAILED)
		return base;
	munmap(page, REGION_PAGE);
	return NULL;
}

bool region_init(void)
{
	uint64_t bytes = maps_share(REGION_BYTES_MOST, 4);
	char *base = NULL;

	for (; bytes >= REGION_BYTES_LEAST; bytes /= 2) {
		base = reserve_addresses(bytes);
		if (base && make_tables((uint32_t)(bytes / REGION_PAGE)))
			break;
		if (base)
			munmap(base, bytes);
	}
	if (bytes < REGION_BYTES_LEAST)
		return false;
	splits_most = read_most_splits();
	region.base = base;
	region.pages = (uint32_t)(bytes / REGION_PAGE);
	return true;
}

uint32_t region_take(uint32_t *pages, struct span_row *row)
{
	uint32_t count = (*pages + GRAIN - 1) / GRAIN, grain = span_take(&grains, count);

	if (grain == SPAN_NONE)
		return SPAN_NONE;
	if (!vm_table_reach(&page_bits, (uint64_t)(grain + count) * GRAIN / 8) ||
	    !region_reaches(grain * GRAIN, 1)) {
		span_give(&grains, grain, count);
		return SPAN_NONE;
	}
	*pages = count * GRAIN;
	*row = (struct span_row){ .bits = (uint64_t *)page_bits.base + grain * (GRAIN / 64),
				  .places = *pages };
	return grain * GRAIN;
}

void region_give(uint32_t first, uint32_t pages)
{
	memset(page_bits.base + first / 8, 0, pages / 8);
	span_give(&grains, first / GRAIN, pages / GRAIN);
}

/* Without a descriptor, or room for a file, the memory is anonymous. */
bool region_share(uint32_t first, uint32_t pages)
{
	size_t bytes = bytes_of(pages);
	int fd = own_file_make(bytes);
	void *at =
		mmap(region_at(first), bytes, PROT_NONE,
		     MAP_SHARED | MAP_FIXED | MAP_NORESERVE | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);

	if (fd >= 0)
		kernel_close(fd);
	return at != MAP_FAILED;
}

/* A lack of memory is found here, and not by a SIGBUS in the host; except with kernels before
 * 5.14, which have no such request. */
static bool populate_pages(void *at, size_t bytes)
{
	return madvise(at, bytes, MADV_POPULATE_WRITE) == 0 || errno == EINVAL;
}

static bool map_private(void *at, size_t bytes)
{
	return mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		    0) != MAP_FAILED;
}

bool region_open(uint32_t first, uint32_t pages, enum region_memory memory)
{
	void *at = region_at(first);
	size_t bytes = bytes_of(pages);

	if (memory == REGION_INHERITED)
		return map_private(at, bytes);
	if (mprotect(at, bytes, PROT_READ | PROT_WRITE) != 0)
		return false;
	if (memory == REGION_PRIVATE || populate_pages(at, bytes))
		return true;
	region_close(first, pages, memory);
	return false;
}

/* The kernel refuses it for pages that the host has locked. */
static bool free_pages(void *at, size_t bytes, enum region_memory memory)
{
	return madvise(at, bytes, memory == REGION_SHARED ? MADV_REMOVE : MADV_DONTNEED) == 0;
}

void region_clear(uint32_t first, uint32_t pages, enum region_memory memory)
{
	void *at = region_at(first);
	size_t bytes = bytes_of(pages);

	if (memory == REGION_INHERITED && map_private(at, bytes))
		return;
	if (free_pages(at, bytes, memory) ||
	    (munlock(at, bytes) == 0 && free_pages(at, bytes, memory)))
		return;
	memset(at, 0, bytes);
}

bool region_close(uint32_t first, uint32_t pages, enum region_memory memory)
{
	/* A fresh mapping, because the kernel does not merge neighbouring mappings that once
	 * held memory. */
	if (memory != REGION_SHARED && map_nothing(region_at(first), bytes_of(pages)) != MAP_FAILED)
		return true;
	region_clear(first, pages, memory);
	return region_bar(first, pages);
}

bool region_bar(uint32_t first, uint32_t pages)
{
	return mprotect(region_at(first), bytes_of(pages), PROT_NONE) == 0;
}

void region_forget(uint32_t first, uint32_t pages)
{
	map_nothing(region_at(first), bytes_of(pages));
}

bool region_may_split(void)
{
	return splits < splits_most;
}

void region_count_split(int change)
{
	splits += change;
}
