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
#define OPTION_NAME_MOST 32u

#define GUARD_QUARANTINE_DEFAULT (64ull << 20)
#define GUARD_QUARANTINE_LEAST 4096ull
#define GUARD_QUARANTINE_MOST (1ull << 36)

enum on_error { ON_ERROR_LOG, ON_ERROR_TRAP, ON_ERROR_ABORT };

/* How backtraces are taken: by our own unwinder and libunwind for what is not plain; by libunwind
 * alone; or by both, counting differences, for tests. */
enum unwind { UNWIND_AUTO, UNWIND_LIBUNWIND, UNWIND_CHECK };

/* Whose functions stand behind the shims: the host's, and ours of shared memory where it has none; the
 * host's or none; ours of shared memory; the guarded ones of ours. */
enum allocator {
	ALLOCATOR_AUTO,
	ALLOCATOR_HOST,
	ALLOCATOR_EMBEDDED,
	ALLOCATOR_GUARD,
	ALLOCATOR_COUNT
};

/* Where a guarded block has its inaccessible page. */
enum guard_side { GUARD_AFTER, GUARD_BEFORE };

/* The families that can be put under guard. */
#define GUARDED_FAMILIES(NAME) NAME("shared-memory") NAME("lsa-heap") NAME("private-heap")
#define GUARD_FAMILIES_DEFAULT "shared-memory"

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
	enum guard_side guard_side;
	const char *guard_families; /* as families; never NULL */
	size_t guard_families_bytes;
	uint64_t guard_quarantine_bytes; /* of what was freed, kept inaccessible */
};

#define OPTIONS_DEFAULT \
	((struct options){ .output = OUTPUT_DEFAULT, \
			   .output_bytes = sizeof(OUTPUT_DEFAULT) - 1, \
			   .ring_bytes = RING_DEFAULT, \
			   .depth = DEPTH_DEFAULT, \
			   .follow = 1, \
			   .guard_families = GUARD_FAMILIES_DEFAULT, \
			   .guard_families_bytes = sizeof(GUARD_FAMILIES_DEFAULT) - 1, \
			   .guard_quarantine_bytes = GUARD_QUARANTINE_DEFAULT })

static inline int options_word(const char *text, size_t bytes, const char *word)
{
	return strlen(word) == bytes && memcmp(text, word, bytes) == 0;
}

/* The name of an option with '-' for each '_': the two are one. `plain` holds it, if it is as short as
 * the names of options are. */
static inline const char *options_plain(const char *name, size_t bytes, char plain[OPTION_NAME_MOST])
{
	if (bytes > OPTION_NAME_MOST)
		return name;
	for (size_t i = 0; i < bytes; i++)
		plain[i] = name[i] == '_' ? '-' : name[i];
	return plain;
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
#define OPTIONS_IS_GUARDED(text) || options_word(name, bytes, text)

static inline int options_is_family(const char *name, size_t bytes)
{
	return 0 TRACED_FAMILIES(OPTIONS_IS_FAMILY);
}

static inline int options_is_guarded_family(const char *name, size_t bytes)
{
	return 0 GUARDED_FAMILIES(OPTIONS_IS_GUARDED);
}

/* Does the list hold nothing but names that `is_known` knows, and at least one? */
static inline int options_list_known(const char *list, size_t list_bytes,
				     int (*is_known)(const char *name, size_t bytes))
{
	const char *end = list + list_bytes, *name = list;

	for (;;) {
		const char *comma = memchr(name, ',', (size_t)(end - name));

		if (!is_known(name, (size_t)((comma ? comma : end) - name)))
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
#define OPTIONS_GUARDED_WORD(text) " " text

/* The options of the guarded allocator, as options_take(). */
static inline const char *options_take_guard(struct options *o, const char *name, size_t name_bytes,
					     const char *value, size_t bytes, int *known)
{
	if (options_word(name, name_bytes, "guard-side")) {
		if (options_word(value, bytes, "after"))
			o->guard_side = GUARD_AFTER;
		else if (options_word(value, bytes, "before"))
			o->guard_side = GUARD_BEFORE;
		else
			return "after or before";
	} else if (options_word(name, name_bytes, "guard-families")) {
		if (!options_list_known(value, bytes, options_is_guarded_family))
			return "a comma-separated list of" GUARDED_FAMILIES(OPTIONS_GUARDED_WORD);
		o->guard_families = value;
		o->guard_families_bytes = bytes;
	} else if (options_word(name, name_bytes, "guard-quarantine")) {
		uint64_t number = options_number(value, bytes, 1, GUARD_QUARANTINE_MOST);

		if (number < GUARD_QUARANTINE_LEAST)
			return "a size from 4K to 64G, such as 64M";
		o->guard_quarantine_bytes = number;
	} else {
		*known = 0;
	}
	return NULL;
}

/*
 * Takes one option. Returns NULL, or what the value should have been, as words for "…: expected %s";
 * `*known` is 0 when there is no option of that name. A value that is refused changes nothing.
 */
static inline const char *options_take(struct options *o, const char *name, size_t name_bytes,
				       const char *value, size_t bytes, int *known)
{
	char plain[OPTION_NAME_MOST];
	uint64_t number;

	*known = 1;
	name = options_plain(name, name_bytes, plain);
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
		else if (options_word(value, bytes, "guard"))
			o->allocator = ALLOCATOR_GUARD;
		else
			return "auto, host, embedded or guard";
	} else if (options_word(name, name_bytes, "families")) {
		if (!options_list_known(value, bytes, options_is_family))
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
		const char *expected = options_take_guard(o, name, name_bytes, value, bytes, known);

		return *known ? expected
			      : "output, ring, mode, depth, on-error, unwind, allocator, families, "
				"table, "
				"follow, guard-side, guard-families or guard-quarantine";
	}
	return NULL;
}

#endif
