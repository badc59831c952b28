/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "preload/file/trace.h"
#include "preload/host/maps.h"
#include "preload/host/patch.h"
#include "preload/ways_in/entry_points.h"
#include "preload/ways_in/pe_exports.h"

#include "preload/base/poison.h"

enum {
	IMAGES = 2 * WRAPPED_PACKAGES, /* that export entry points, at a time */
	STUB_BYTES = 32,
	GRANULE = 0x10000, /* Windows maps nothing at other multiples */
	ATTEMPTS = 8,
};

/* An image that exports entry points. A row is filled by the thread that maps the image, and found by the
 * numbers in its stubs. */
static struct exporter {
	uint64_t base; /* 0: the row is free */
	uint8_t *stubs;
	void *real[ENTRY_POINTS_COUNT]; /* NULL: it does not export that one */
} exporters[IMAGES];

/* Where each stub leads to. */
static void *targets[IMAGES * ENTRY_POINTS_COUNT];

static size_t page_bytes(void)
{
	return STUB_BYTES * ENTRY_POINTS_COUNT;
}

struct gap {
	uint64_t at, bytes;
	bool is_found;
};

/* Areas come in the order of their addresses. */
static void look_for_gap(const struct maps_area *area, void *data)
{
	struct gap *gap = data;

	if (gap->is_found || area->end <= gap->at)
		return;
	if (area->start >= gap->at + GRANULE)
		gap->is_found = true;
	else
		gap->at = (area->end + GRANULE - 1) & ~(uint64_t)(GRANULE - 1);
}

/* Maps memory that offsets of 32 bits from a base reach; NULL: there is none. Another thread may be faster. */
static uint8_t *map_near(uint64_t base, uint64_t end)
{
	struct gap gap = { .at = (end + GRANULE - 1) & ~(uint64_t)(GRANULE - 1) };

	for (int i = 0; i < ATTEMPTS; i++) {
		void *at;

		gap.is_found = false;
		if (!maps_visit(look_for_gap, &gap) || gap.at + page_bytes() - base > UINT32_MAX)
			return NULL;
		at = mmap((void *)(uintptr_t)gap.at, page_bytes(), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
		if (at == (void *)(uintptr_t)gap.at)
			return at;
		if (at != MAP_FAILED)
			munmap(at, page_bytes());
		gap.at += GRANULE;
	}
	return NULL;
}

extern const char pe_exports_entry[] __attribute__((visibility("hidden")));

/*
 *	mov $number, %eax
 *	movabs $&targets[number], %r11
 *	jmp *(%r11)
 *
 * No argument lies in these registers, and whoever calls a function expects them changed.
 */
static void write_stub(uint8_t *stub, uint32_t number)
{
	void *const *target = &targets[number];

	stub[0] = 0xb8;
	memcpy(stub + 1, &number, 4);
	memcpy(stub + 5, "\x49\xbb", 2);
	memcpy(stub + 7, &target, 8);
	memcpy(stub + 15, "\x41\xff\x23", 3);
}

static struct exporter *take_free(const struct pe_image *image)
{
	for (uint32_t i = 0; i < IMAGES; i++) {
		uint64_t none = 0;

		if (__atomic_compare_exchange_n(&exporters[i].base, &none, image->base, false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return &exporters[i];
	}
	return NULL;
}

static void give_back(struct exporter *e)
{
	__atomic_store_n(&e->base, 0, __ATOMIC_RELEASE);
}

/* Where the entry points are in the table of exports. Returns false if it has none of them. */
static bool find_places(const struct pe_exports *exports, pe_word **place)
{
	bool is_any = false;

	for (uint32_t i = 0; i < ENTRY_POINTS_COUNT; i++) {
		place[i] = pe_exports_find(exports, entry_points[i].name);
		is_any |= place[i] != NULL;
	}
	return is_any;
}

static void write_stubs(struct exporter *e, const struct pe_image *image, pe_word *const *place)
{
	uint32_t first = (uint32_t)(e - exporters) * ENTRY_POINTS_COUNT;

	for (uint32_t i = 0; i < ENTRY_POINTS_COUNT; i++) {
		e->real[i] = place[i] ? (void *)(uintptr_t)(image->base + *place[i]) : NULL;
		__atomic_store_n(&targets[first + i], (void *)pe_exports_entry, __ATOMIC_RELEASE);
		write_stub(e->stubs + STUB_BYTES * i, first + i);
	}
}

/* Two names may stand for one function: then its first name counts. */
static bool lead_to_stubs(const struct exporter *e, const struct pe_image *image,
			  pe_word *const *place)
{
	uint32_t stubs = (uint32_t)((uint64_t)(uintptr_t)e->stubs - image->base);
	bool are_all = true;

	for (uint32_t i = 0; i < ENTRY_POINTS_COUNT; i++)
		if (place[i] && *place[i] < image->bytes)
			are_all &= patch_word(place[i], stubs + STUB_BYTES * i);
	return are_all;
}

bool pe_exports_replace(const struct pe_image *image, uint64_t end)
{
	pe_word *place[ENTRY_POINTS_COUNT];
	struct pe_exports exports;
	struct exporter *e;

	if (!pe_image_exports(image, &exports) || !find_places(&exports, place))
		return false;
	e = take_free(image);
	if (e) {
		e->stubs = map_near(image->base, end);
		if (!e->stubs)
			give_back(e);
	}
	if (!e || !e->stubs) {
		trace_lose(TRACE_LOST_PACKAGES);
		return true;
	}
	write_stubs(e, image, place);
	if (mprotect(e->stubs, page_bytes(), PROT_READ | PROT_EXEC) != 0 ||
	    !lead_to_stubs(e, image, place))
		trace_lose(TRACE_LOST_PACKAGES);
	return true;
}

void pe_exports_forget(uint64_t start, uint64_t end)
{
	for (uint32_t i = 0; i < IMAGES; i++) {
		uint64_t base = __atomic_load_n(&exporters[i].base, __ATOMIC_ACQUIRE);

		if (base == 0 || base < start || base >= end)
			continue;
		munmap(exporters[i].stubs, page_bytes());
		give_back(&exporters[i]);
	}
}

void *pe_exports_target(uint32_t number)
{
	const struct entry_point *e = &entry_points[number % ENTRY_POINTS_COUNT];
	void *real = exporters[number / ENTRY_POINTS_COUNT].real[number % ENTRY_POINTS_COUNT];
	int saved_errno = errno;
	void *target = entry_points_stand_in(e, real, CONVENTION_MS);

	__atomic_store_n(&targets[number], target, __ATOMIC_RELEASE);
	errno = saved_errno;
	return target;
}
