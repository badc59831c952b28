/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "preload/base/compiler.h"
#include "preload/base/lock.h"
#include "preload/base/vm.h"
#include "preload/host/images.h"
#include "preload/host/maps.h"

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
	uint8_t *state;

	if (known.image)
		return true;
	base = vm_reserve(IMAGES_MAX * sizeof(*base));
	state = vm_reserve(IMAGES_MAX * sizeof(*state));
	if (!base || !state ||
	    !vm_table_init(&known.table, VM_TRACER, IMAGES_MAX * sizeof(struct image), -1))
		return false;
	known.image = (struct image *)known.table.base;
	known.state = state;
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

/* Under the lock. */
static uint32_t add(const struct elf_image *place)
{
	uint32_t number = known.count + 1;

	note_replaced(place);
	if (!vm_table_reach(&known.table, (number + 1) * sizeof(struct image)))
		return 0;
	describe(&known.image[number], place);
	__atomic_store_n(&images_base[number], known.image[number].base, __ATOMIC_RELAXED);
	__atomic_store_n(&known.state[number], STATE_LOADED, __ATOMIC_RELEASE);
	__atomic_store_n(&known.count, number, __ATOMIC_RELEASE);
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

uint32_t images_number(const void *address)
{
	struct elf_image place;
	uint32_t number;

	if (!elf_image_at(address, &place))
		return 0;
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

		if (!images_is_loaded(number) ||
		    (elf_image_at((const void *)image->place.start, &now) &&
		     is_same_place(&image->place, &now) &&
		     maps_are_equal(image->mark_at, image->mark, image->mark_bytes)))
			continue;
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
