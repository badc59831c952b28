/* SPDX-License-Identifier: MIT */
/*
 * The options of a recording, in the two forms in which users give them: `--NAME=VALUE` of `lsatrace
 * record` and `NAME=VALUE:...` of LSATRACE_OPTIONS. Parsed here only, by both halves. Nothing here
 * allocates, prints or keeps state; texts point into what was parsed.
 */
#ifndef LSATRACE_OPTIONS_H
#define LSATRACE_OPTIONS_H

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "slots.h"
#include "trace_format.h"

#define OPTIONS_VARIABLE "LSATRACE_OPTIONS"
/* Set by `lsatrace run` for itself: the file in which each traced process notes the trace it made. */
#define SESSION_VARIABLE "LSATRACE_SESSION"

#define OUTPUT_DEFAULT "lsatrace.%e.%p.trace"
#define RING_DEFAULT (64ull << 20)
#define RING_LEAST (256ull << 10)
#define RING_MOST (1ull << 36) /* what a reference of the trace can reach */
#define DEPTH_DEFAULT 64u
#define OPTIONS_TABLES 16u /* most names of tables, and the longest one */
#define OPTIONS_TABLE_BYTES 255u

enum on_error { ON_ERROR_LOG, ON_ERROR_TRAP, ON_ERROR_ABORT };

/* How backtraces are taken: by our own unwinder and libunwind for what is not plain; by libunwind
 * alone; or by both, counting differences, for tests. */
enum unwind { UNWIND_AUTO, UNWIND_LIBUNWIND, UNWIND_CHECK };

/* Whose functions stand behind the shims of shared memory: the host's, and ours where it has none; the
 * host's or none; ours. */
enum allocator { ALLOCATOR_AUTO, ALLOCATOR_HOST, ALLOCATOR_EMBEDDED, ALLOCATOR_COUNT };

struct options {
	const char *output; /* file name pattern; not terminated: output_bytes long */
	size_t output_bytes;
	uint64_t ring_bytes; /* bound of the file in ring mode */
	enum trace_mode mode;
	uint32_t depth; /* 1..TRACE_FRAMES_MAX */
	enum on_error on_error;
	enum unwind unwind;
	enum allocator allocator;
	const char *families; /* comma-separated, not terminated; NULL: all */
	size_t families_bytes;
	const char *tables; /* as `families`; NULL: none */
	size_t tables_bytes;
	int follow; /* trace child processes as well */
};

#define OPTIONS_DEFAULT \
	((struct options){ .output = OUTPUT_DEFAULT, \
			   .output_bytes = sizeof(OUTPUT_DEFAULT) - 1, \
			   .ring_bytes = RING_DEFAULT, \
			   .depth = DEPTH_DEFAULT, \
			   .follow = 1 })

static inline int options_word(const char *text, size_t bytes, const char *word)
{
	return strlen(word) == bytes && memcmp(text, word, bytes) == 0;
}

/* A decimal number with an optional K, M or G (powers of 1024). 0 if it is anything else or > most. */
static inline uint64_t options_number(const char *text, size_t bytes, int with_unit, uint64_t most)
{
	uint64_t number = 0;
	size_t i = 0;

	for (; i < bytes && text[i] >= '0' && text[i] <= '9'; i++) {
		number = number * 10 + (uint64_t)(text[i] - '0');
		if (number > most)
			return 0;
	}
	if (i == 0)
		return 0;
	if (with_unit && i + 1 == bytes) {
		static const char units[] = "KMG";
		const char *unit = memchr(units, text[i] & ~0x20, 3);
		unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;

		if (!unit || number > most >> shift)
			return 0;
		number <<= shift;
		i++;
	}
	return i == bytes && number <= most ? number : 0;
}

/* Is `name` one of the comma-separated names of `list`? A NULL list holds every name. */
static inline int options_list_has(const char *list, size_t bytes, const char *name)
{
	const char *end = list + bytes;

	if (!list)
		return 1;
	while (list < end) {
		const char *comma = memchr(list, ',', (size_t)(end - list));
		const char *stop = comma ? comma : end;

		if (options_word(list, (size_t)(stop - list), name))
			return 1;
		list = stop + 1;
	}
	return 0;
}

#define OPTIONS_IS_FAMILY(constant, text) || options_word(name, bytes, text)

/* Does the list hold nothing but names of families, and at least one? */
static inline int options_families_known(const char *list, size_t list_bytes)
{
	const char *end = list + list_bytes, *name = list;

	for (;;) {
		const char *comma = memchr(name, ',', (size_t)(end - name));
		size_t bytes = (size_t)((comma ? comma : end) - name);

		if (!(0 TRACED_FAMILIES(OPTIONS_IS_FAMILY)))
			return 0;
		if (!comma)
			return 1;
		name = comma + 1;
	}
}

/* Is it a list of symbols, none of them empty or too long, and not too many? */
static inline int options_tables_plausible(const char *list, size_t list_bytes)
{
	const char *end = list + list_bytes, *name = list;

	for (unsigned count = 1; count <= OPTIONS_TABLES; count++) {
		const char *comma = memchr(name, ',', (size_t)(end - name));
		size_t bytes = (size_t)((comma ? comma : end) - name);

		if (bytes == 0 || bytes > OPTIONS_TABLE_BYTES)
			return 0;
		if (!comma)
			return 1;
		name = comma + 1;
	}
	return 0;
}

#define OPTIONS_FAMILY_WORD(constant, text) " " text

/*
 * Takes one option. Returns NULL, or what the value should have been, as words for "…: expected %s";
 * `*known` is 0 when there is no option of that name. A value that is refused changes nothing.
 */
static inline const char *options_take(struct options *o, const char *name, size_t name_bytes,
				       const char *value, size_t bytes, int *known)
{
	uint64_t number;

	*known = 1;
	if (options_word(name, name_bytes, "output")) {
		if (bytes == 0)
			return "a file name";
		o->output = value;
		o->output_bytes = bytes;
	} else if (options_word(name, name_bytes, "ring")) {
		number = options_number(value, bytes, 1, RING_MOST);
		if (number < RING_LEAST)
			return "a size from 256K to 64G, such as 64M";
		o->ring_bytes = number;
	} else if (options_word(name, name_bytes, "mode")) {
		if (options_word(value, bytes, "ring"))
			o->mode = TRACE_MODE_RING;
		else if (options_word(value, bytes, "full"))
			o->mode = TRACE_MODE_FULL;
		else
			return "ring or full";
	} else if (options_word(name, name_bytes, "depth")) {
		number = options_number(value, bytes, 0, TRACE_FRAMES_MAX);
		if (number == 0)
			return "a number of frames from 1 to 256";
		o->depth = (uint32_t)number;
	} else if (options_word(name, name_bytes, "on-error")) {
		if (options_word(value, bytes, "log"))
			o->on_error = ON_ERROR_LOG;
		else if (options_word(value, bytes, "trap"))
			o->on_error = ON_ERROR_TRAP;
		else if (options_word(value, bytes, "abort"))
			o->on_error = ON_ERROR_ABORT;
		else
			return "log, trap or abort";
	} else if (options_word(name, name_bytes, "unwind")) {
		if (options_word(value, bytes, "auto"))
			o->unwind = UNWIND_AUTO;
		else if (options_word(value, bytes, "libunwind"))
			o->unwind = UNWIND_LIBUNWIND;
		else if (options_word(value, bytes, "check"))
			o->unwind = UNWIND_CHECK;
		else
			return "auto, libunwind or check";
	} else if (options_word(name, name_bytes, "allocator")) {
		if (options_word(value, bytes, "auto"))
			o->allocator = ALLOCATOR_AUTO;
		else if (options_word(value, bytes, "host"))
			o->allocator = ALLOCATOR_HOST;
		else if (options_word(value, bytes, "embedded"))
			o->allocator = ALLOCATOR_EMBEDDED;
		else
			return "auto, host or embedded";
	} else if (options_word(name, name_bytes, "families")) {
		if (!options_families_known(value, bytes))
			return "a comma-separated list of" TRACED_FAMILIES(OPTIONS_FAMILY_WORD);
		o->families = value;
		o->families_bytes = bytes;
	} else if (options_word(name, name_bytes, "table")) {
		if (!options_tables_plausible(value, bytes))
			return "the name of a variable, or up to 16 of them with commas between";
		o->tables = value;
		o->tables_bytes = bytes;
	} else if (options_word(name, name_bytes, "follow")) {
		if (options_word(value, bytes, "yes"))
			o->follow = 1;
		else if (options_word(value, bytes, "no"))
			o->follow = 0;
		else
			return "yes or no";
	} else {
		*known = 0;
		return "output, ring, mode, depth, on-error, unwind, allocator, families, table or "
		       "follow";
	}
	return NULL;
}

#endif
