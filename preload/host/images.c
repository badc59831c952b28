/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "preload/base/compiler.h"
#include "preload/base/lock.h"
#include "preload/base/vm.h"
#include "preload/host/images.h"
#include "preload/host/maps.h"
#include "preload/host/pe_list.h"

#include "preload/base/poison.h"

/* The counts in the epoch. */
#define UNLOADING (1ull << 32)
#define OTHER_REASON (1ull << 16)
#define UNDER_WAY 1ull

/* Added to any offset within an image this is no address of user space. */
#define BASE_OF_UNLOADED (1ull << 63)

enum { HEADER_BYTES = 16 }; /* of any .eh_frame_hdr and what follows it */

enum state { STATE_NONE, STATE_LOADED, STATE_UNLOADED };

/* By number. A row is written under the lock, before its state is. */
static struct {
	struct vm_table table;
	struct image *image; /* they lie in `table` */
	uint8_t *state;
	uint32_t count;  /* the highest number */
	uint32_t latest; /* the number that was found last: questions about one image come in runs */
} known;

uint64_t *images_base;
uint64_t images_epoch_word = UNLOADING;

/* How many calls of dlclose() the thread itself is in: a destructor may call it again. */
static __thread uint32_t unloading_here;

bool images_init(void)
{
	uint64_t *base;

	if (known.image)
		return true;
	base = vm_reserve(IMAGES_MAX * (sizeof(*base) + sizeof(*known.state)));
	if (!base || !vm_table_init(&known.table, VM_TRACER, IMAGES_MAX * sizeof(struct image), -1))
		return false;
	known.image = (struct image *)known.table.base;
	known.state = (uint8_t *)(base + IMAGES_MAX);
	__atomic_store_n(&images_base, base, __ATOMIC_RELEASE);
	return true;
}

uint32_t images_count(void)
{
	return __atomic_load_n(&known.count, __ATOMIC_ACQUIRE);
}

const struct image *images_get(uint32_t number)
{
	return &known.image[number];
}

bool images_is_loaded(uint32_t number)
{
	return number && __atomic_load_n(&known.state[number], __ATOMIC_ACQUIRE) == STATE_LOADED;
}

static bool is_same_place(const struct elf_image *a, const struct elf_image *b)
{
	return a->map == b->map && a->start == b->start && a->end == b->end &&
	       a->eh_frame_hdr == b->eh_frame_hdr;
}

static bool is_it(const struct image *image, const struct elf_image *place)
{
	return is_same_place(&image->place, place) &&
	       (image->mark_bytes == 0 ||
		memcmp(image->mark_at, image->mark, image->mark_bytes) == 0);
}

/* The number by which the image at a place is known. Another one may have lain there before, in the
 * same length and by the same description of the loader: only the mark tells. */
static uint32_t find_number(const struct elf_image *place)
{
	uint32_t count = images_count();
	uint32_t latest = __atomic_load_n(&known.latest, __ATOMIC_RELAXED);

	for (uint32_t i = 0; i <= count; i++) {
		uint32_t number = i == 0 ? latest : count + 1 - i;

		if (!images_is_loaded(number) || !is_it(&known.image[number], place))
			continue;
		__atomic_store_n(&known.latest, number, __ATOMIC_RELAXED);
		return number;
	}
	return 0;
}

static void note_unloaded(uint32_t number)
{
	__atomic_store_n(&images_base[number], BASE_OF_UNLOADED, __ATOMIC_RELAXED);
	__atomic_store_n(&known.state[number], STATE_UNLOADED, __ATOMIC_RELEASE);
}

/* What lay where an image lies now is gone, though nobody has told us: its dlclose() is under way,
 * or the C library unloaded it by itself. */
static void note_replaced(const struct elf_image *place)
{
	bool is_any = false;

	for (uint32_t number = 1; number <= known.count; number++) {
		const struct elf_image *old = &known.image[number].place;

		if (!images_is_loaded(number) || old->start >= place->end ||
		    place->start >= old->end)
			continue;
		note_unloaded(number);
		is_any = true;
	}
	if (is_any)
		__atomic_add_fetch(&images_epoch_word, UNLOADING, __ATOMIC_SEQ_CST);
}

static void describe(struct image *image, const struct elf_image *place)
{
	image->kind = TRACE_MODULE_ELF;
	image->place = *place;
	image->base = place->map->l_addr;
	image->mark_bytes = (uint32_t)elf_image_build_id(place, image->mark, sizeof(image->mark),
							 &image->mark_at);
	image->has_build_id = image->mark_bytes != 0;
	if (image->has_build_id || !place->eh_frame_hdr)
		return;
	image->mark_at = place->eh_frame_hdr;
	image->mark_bytes = HEADER_BYTES;
	memcpy(image->mark, image->mark_at, image->mark_bytes);
}

/* The number for a new image, whose row can be written; 0: there is none. Under the lock. */
static uint32_t make_number(void)
{
	uint32_t number = known.count + 1;

	return vm_table_reach(&known.table, (number + 1) * sizeof(struct image)) ? number : 0;
}

/* Its row has been written. Under the lock. */
static void note_loaded(uint32_t number)
{
	__atomic_store_n(&images_base[number], known.image[number].base, __ATOMIC_RELAXED);
	__atomic_store_n(&known.state[number], STATE_LOADED, __ATOMIC_RELEASE);
	__atomic_store_n(&known.count, number, __ATOMIC_RELEASE);
}

/* Under the lock. */
static uint32_t add(const struct elf_image *place)
{
	uint32_t number = make_number();

	note_replaced(place);
	if (!number)
		return 0;
	describe(&known.image[number], place);
	note_loaded(number);
	return number;
}

static APART uint32_t find_or_add(const struct elf_image *place)
{
	uint32_t number = 0;

	if (!lock_take(LOCK_IMAGES))
		return 0;
	if (images_init()) {
		number = find_number(place);
		if (!number)
			number = add(place);
	}
	lock_release(LOCK_IMAGES);
	return number;
}

static void describe_pe(struct image *image, const struct pe_image *pe)
{
	*image = (struct image){
		.kind = TRACE_MODULE_PE,
		.place = { .start = pe->base, .end = pe->base + pe->bytes },
		.pe = *pe,
		.base = pe->base,
		.mark_bytes = sizeof(pe->id),
		.has_build_id = true,
	};
	memcpy(image->mark, &pe->id, sizeof(pe->id));
}

/* Under the lock. An image that goes meanwhile does not learn its number: then it is gone by it, too. */
static uint32_t add_pe(const struct pe_listed *listed)
{
	uint32_t number = make_number();
	struct pe_image pe;

	if (!number || !pe_list_copy(listed, &pe))
		return 0;
	describe_pe(&known.image[number], &pe);
	note_replaced(&known.image[number].place);
	note_loaded(number);
	if (pe_list_give_number(listed, number))
		return number;
	note_unloaded(number);
	return 0;
}

static APART uint32_t find_or_add_pe(uint64_t address)
{
	struct pe_listed listed;
	uint32_t number = 0;

	if (!lock_take(LOCK_IMAGES))
		return 0;
	if (images_init() && pe_list_find(address, &listed)) {
		number = pe_list_number(&listed);
		if (!number)
			number = add_pe(&listed);
	}
	lock_release(LOCK_IMAGES);
	return number;
}

static uint32_t find_pe(uint64_t address)
{
	struct pe_listed listed;
	uint32_t number;

	if (!pe_list_find(address, &listed))
		return 0;
	number = pe_list_number(&listed);
	return likely(number) ? number : find_or_add_pe(address);
}

uint32_t images_number(const void *address)
{
	struct elf_image place;
	uint32_t number;

	if (!elf_image_at(address, &place))
		return find_pe((uint64_t)(uintptr_t)address);
	number = find_number(&place);
	return likely(number) ? number : find_or_add(&place);
}

bool images_find_unloaded(void)
{
	uint32_t count = images_count();
	bool is_any = false;

	for (uint32_t number = 1; number <= count; number++) {
		const struct image *image = &known.image[number];
		struct elf_image now;

		if (!images_is_loaded(number) || image->kind == TRACE_MODULE_PE ||
		    (elf_image_at((const void *)image->place.start, &now) &&
		     is_same_place(&image->place, &now) &&
		     maps_are_equal(image->mark_at, image->mark, image->mark_bytes)))
			continue;
		note_unloaded(number);
		is_any = true;
	}
	return is_any;
}

bool images_map_pe(const struct pe_image *image)
{
	return pe_list_add(image);
}

bool images_unmap_pe(uint64_t start, uint64_t end)
{
	bool is_any = false;
	uint32_t number;

	while (pe_list_remove(start, end, &number))
		if (number) {
			note_unloaded(number);
			is_any = true;
		}
	return is_any;
}

void images_new_epoch(void)
{
	__atomic_add_fetch(&images_epoch_word, OTHER_REASON, __ATOMIC_SEQ_CST);
}

void images_unload_begins(void)
{
	unloading_here++;
	__atomic_add_fetch(&images_epoch_word, UNDER_WAY, __ATOMIC_SEQ_CST);
}

void images_unload_ends(bool has_unloaded)
{
	unloading_here--;
	__atomic_add_fetch(&images_epoch_word, (has_unloaded ? UNLOADING : 0) - UNDER_WAY,
			   __ATOMIC_SEQ_CST);
}

void images_after_fork(void)
{
	uint64_t epoch = images_epoch();
	uint64_t others = (uint16_t)epoch - unloading_here;

	if (others == 0)
		return;
	images_find_unloaded();
	__atomic_store_n(&images_epoch_word, epoch + UNLOADING - others * UNDER_WAY,
			 __ATOMIC_SEQ_CST);
}
