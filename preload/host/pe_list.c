/* SPDX-License-Identifier: MIT */
#include "preload/host/pe_list.h"
#include "preload/base/compiler.h"

#include "preload/base/poison.h"

/*
 * The word of a row, from below: its state, 2 bits; the number of its image, 22 bits; how often the row was
 * filled, 40 bits.
 *
 *	FREE ── pe_list_add() ── WRITING ── HELD ── pe_list_remove() ── FREE
 */
enum { STATE_FREE, STATE_WRITING, STATE_HELD, STATE_MASK = 3 };

#define NUMBER_SHIFT 2
#define NUMBER_MASK ((1ull << 22) - 1)
#define FILLED (1ull << 24)

/* Apart from the rows, because all of them are compared with each address that is looked for. */
static struct extent {
	uint64_t start, end;
} extents[PE_LIST_MAX];

static struct row {
	uint64_t word;
	struct pe_image image;
} rows[PE_LIST_MAX];

_Static_assert(sizeof(struct pe_image) % sizeof(uint64_t) == 0, "copy_image()");

/* Word by word, because another thread may change the row that it is read from. */
static void copy_image(struct pe_image *to, const struct pe_image *from)
{
	typedef uint64_t __attribute__((may_alias)) any_word;
	const any_word *source = (const any_word *)from;
	any_word *target = (any_word *)to;

	for (size_t i = 0; i < sizeof(*to) / sizeof(*target); i++)
		poke(target[i], peek(source[i]));
}

static uint32_t rows_used;
static uint32_t latest; /* the row that was found last: questions about one image come in runs */

static uint64_t load_word(uint32_t row)
{
	return __atomic_load_n(&rows[row].word, __ATOMIC_ACQUIRE);
}

static bool change_word(uint32_t row, uint64_t old, uint64_t new)
{
	return __atomic_compare_exchange_n(&rows[row].word, &old, new, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

static void note_used(uint32_t used)
{
	uint32_t known = peek(rows_used);

	while (known < used && !__atomic_compare_exchange_n(&rows_used, &known, used, false,
							    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

bool pe_list_add(const struct pe_image *image)
{
	for (uint32_t row = 0; row < PE_LIST_MAX; row++) {
		uint64_t word = load_word(row);
		uint64_t fresh = (word & ~(FILLED - 1)) + FILLED;

		if ((word & STATE_MASK) != STATE_FREE ||
		    !change_word(row, word, fresh | STATE_WRITING))
			continue;
		/* A reader of what lay here must see the new word if it sees anything of this. */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		copy_image(&rows[row].image, image);
		poke(extents[row].start, image->base);
		poke(extents[row].end, image->base + image->bytes);
		note_used(row + 1);
		__atomic_store_n(&rows[row].word, fresh | STATE_HELD, __ATOMIC_RELEASE);
		return true;
	}
	return false;
}

/* Extent and word belong together if the word is the same before and after. */
static bool holds(uint32_t row, uint64_t address, struct pe_listed *found)
{
	uint64_t word;

	if (address < peek(extents[row].start) || address >= peek(extents[row].end))
		return false;
	word = load_word(row);
	if ((word & STATE_MASK) != STATE_HELD || address < peek(extents[row].start) ||
	    address >= peek(extents[row].end))
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	*found = (struct pe_listed){ row, word };
	return load_word(row) == word;
}

bool pe_list_find(uint64_t address, struct pe_listed *found)
{
	uint32_t used = __atomic_load_n(&rows_used, __ATOMIC_ACQUIRE);

	if (used == 0)
		return false;
	if (holds(peek(latest), address, found))
		return true;
	for (uint32_t row = 0; row < used; row++)
		if (holds(row, address, found)) {
			poke(latest, row);
			return true;
		}
	return false;
}

/* The number of an image changes once, which does not make it another one. */
static bool is_still_there(const struct pe_listed *listed)
{
	return ((load_word(listed->row) ^ listed->word) & ~(NUMBER_MASK << NUMBER_SHIFT)) == 0;
}

bool pe_list_copy(const struct pe_listed *listed, struct pe_image *image)
{
	copy_image(image, &rows[listed->row].image);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return is_still_there(listed);
}

static uint32_t number_of(uint64_t word)
{
	return (uint32_t)(word >> NUMBER_SHIFT & NUMBER_MASK);
}

uint32_t pe_list_number(const struct pe_listed *listed)
{
	return number_of(listed->word);
}

bool pe_list_give_number(const struct pe_listed *listed, uint32_t number)
{
	return number_of(listed->word) == 0 &&
	       change_word(listed->row, listed->word,
			   listed->word | (uint64_t)number << NUMBER_SHIFT);
}

bool pe_list_has(uint64_t start, uint64_t end)
{
	uint32_t used = __atomic_load_n(&rows_used, __ATOMIC_ACQUIRE);

	for (uint32_t row = 0; row < used; row++) {
		uint64_t base = peek(extents[row].start);

		if (base >= start && base < end && (load_word(row) & STATE_MASK) == STATE_HELD)
			return true;
	}
	return false;
}

bool pe_list_remove(uint64_t start, uint64_t end, uint32_t *number)
{
	uint32_t used = __atomic_load_n(&rows_used, __ATOMIC_ACQUIRE);

	for (uint32_t row = 0; row < used; row++) {
		uint64_t base = peek(extents[row].start), word = load_word(row);

		/* It may be given its number meanwhile. */
		while (base >= start && base < end && (word & STATE_MASK) == STATE_HELD) {
			if (change_word(row, word, word & ~(FILLED - 1))) {
				*number = number_of(word);
				return true;
			}
			word = load_word(row);
		}
	}
	return false;
}
