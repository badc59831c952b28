/* SPDX-License-Identifier: MIT */
/*
 * The options of a recording. Users give them in two forms: as `--NAME=VALUE` to `lsatrace record`
 * and `lsatrace run`, and as `NAME=VALUE:...` in the environment variable LSATRACE_OPTIONS. Both
 * halves parse them with this header. Nothing here allocates, prints or keeps state; texts in a
 * struct options point into the text that was parsed.
 *
 * To add an option: a member of struct options, a row in RECORDING_OPTIONS, and the code that obeys
 * the member. The command line, LSATRACE_OPTIONS and --help follow from the row.
 */
#ifndef LSATRACE_OPTIONS_H
#define LSATRACE_OPTIONS_H

#include <stdint.h>
#include <string.h>

#include "failures.h"
#include "slots.h"
#include "trace_format.h"

#define OPTIONS_VARIABLE "LSATRACE_OPTIONS"
/* Set by `lsatrace run` and `record`: the file to which each traced process adds its trace. */
#define SESSION_VARIABLE "LSATRACE_SESSION"
/* The mode of the session file once a process had no descriptor left to write to it. */
#define SESSION_MODE_FULL 0700

#define OUTPUT_DEFAULT "lsatrace.%e.%p.trace"
#define RING_DEFAULT (64ull << 20)
#define RING_LEAST (256ull << 10)
#define RING_MOST (1ull << 36) /* as far as a reference of the trace reaches */
#define DEPTH_DEFAULT 64u
#define OPTIONS_TABLES 16u       /* at most so many names of tables */
#define OPTIONS_TABLE_BYTES 255u /* the longest name of a table */
#define OPTIONS_FAILURES 64u     /* at most so many calls that fail */
#define OPTION_NAME_MOST 32u     /* no option has a longer name */

#define GUARD_QUARANTINE_DEFAULT (64ull << 20)
#define GUARD_QUARANTINE_LEAST 4096ull
#define GUARD_QUARANTINE_MOST (1ull << 36)

/* What to do when a misuse was found, besides recording it. */
enum on_error { ON_ERROR_LOG, ON_ERROR_TRAP, ON_ERROR_ABORT };

/* How to take backtraces: with lsatrace's own unwinder; or, for comparisons, with libunwind, or with
 * both, counting the differences. */
enum unwind { UNWIND_AUTO, UNWIND_LIBUNWIND, UNWIND_CHECK };

/* Which functions the packages call. */
enum allocator {
	ALLOCATOR_AUTO,     /* the host's, and lsatrace's own shared memory if the host has none */
	ALLOCATOR_HOST,     /* the host's only */
	ALLOCATOR_EMBEDDED, /* lsatrace's own shared memory */
	ALLOCATOR_GUARD,    /* lsatrace's own, with blocks that end at an inaccessible page */
	ALLOCATOR_COUNT
};

/* On which side of a guarded block its inaccessible page lies. */
enum guard_side { GUARD_AFTER, GUARD_BEFORE };

/* To how many bytes guarded blocks are aligned that end at their inaccessible page. */
enum guard_align { GUARD_ALIGN_16, GUARD_ALIGN_1 };

/* The families that can be guarded. */
#define GUARDED_FAMILIES(NAME) NAME("shared-memory") NAME("lsa-heap") NAME("private-heap")
#define GUARD_FAMILIES_DEFAULT "shared-memory"

/* Texts are not terminated: a text `x` is `x_bytes` long. */
struct options {
	const char *output; /* pattern of the trace's file name */
	size_t output_bytes;
	uint64_t ring_bytes; /* bound of the file in ring mode */
	enum trace_mode mode;
	uint32_t depth; /* frames of a backtrace, 1..TRACE_FRAMES_MAX */
	enum on_error on_error;
	enum unwind unwind;
	enum allocator allocator;
	const char *families; /* comma-separated; NULL: all */
	size_t families_bytes;
	const char *tables; /* comma-separated; NULL: none */
	size_t tables_bytes;
	int follow; /* trace child processes as well */
	enum guard_side guard_side;
	enum guard_align guard_align;
	const char *guard_families; /* comma-separated; never NULL */
	size_t guard_families_bytes;
	uint64_t guard_quarantine_bytes; /* how much freed memory stays inaccessible */
	int leak_check;                  /* at the end, look for what still points to live blocks */
	struct failure fail[OPTIONS_FAILURES]; /* in the order in which they were given */
	uint32_t fails;
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

/*
 * One row for each option:
 *
 *   TEXT(name, letter, member, VALUE, is_valid, expected, help)
 *   NUMBER(name, member, VALUE, least, most, expected, help)
 *   CHOICE(name, member, words, help)
 *   SWITCH(name, member, help)
 *   LIST(name, member, VALUE, parse, most, help)
 *
 * `letter` is the short form on the command line, or 0. VALUE is what --help calls the value.
 * `is_valid` is a function that checks a text. `expected` says what a value must be, for
 * "…: expected %s". `help` is what --help says; "\n" begins a new line. The words of a CHOICE are its
 * values, in the order of its enumeration, with '|' between them. A SWITCH is yes or no, and on by
 * default; on the command line it is --no-NAME. A LIST may be repeated, and keeps up to `most` values,
 * which `parse` reads; their number is the member of that name with an s.
 */
#define RECORDING_OPTIONS(TEXT, NUMBER, CHOICE, SWITCH, LIST) \
	TEXT("output", 'o', output, "PATTERN", options_is_text, "a file name", \
	     "file name of the trace: %e executable, %p process\n" \
	     "id, %h host name, %t start time, %% a percent sign\n" \
	     "(default " OUTPUT_DEFAULT "); without a %, an\n" \
	     "older trace of that name is replaced") \
	NUMBER("ring", ring_bytes, "SIZE", RING_LEAST, RING_MOST, \
	       "a size from 256K to 64G, such as 64M", \
	       "largest size of the trace, in bytes or with K, M\n" \
	       "or G (default 64M)") \
	CHOICE("mode", mode, "ring|full", \
	       "when the trace is full, overwrite the oldest calls\n" \
	       "(default), or let the file grow") \
	NUMBER("depth", depth, "N", 1, TRACE_FRAMES_MAX, "a number of frames from 1 to 256", \
	       "most frames of a backtrace, 1 to 256 (default 64)") \
	CHOICE("on-error", on_error, "log|trap|abort", \
	       "what else to do on a misuse: nothing (default),\n" \
	       "raise SIGTRAP, or abort") \
	CHOICE("unwind", unwind, "auto|libunwind|check", \
	       "how to take backtraces; check compares both ways") \
	CHOICE("allocator", allocator, "auto|host|embedded|guard", \
	       "which shared memory packages get: the host's, or\n" \
	       "lsatrace's own if the host has none (default); the\n" \
	       "host's only; lsatrace's own; lsatrace's own with\n" \
	       "blocks that end at an inaccessible page") \
	TEXT("families", 0, families, "LIST", options_is_families, \
	     "a comma-separated list of" TRACED_FAMILIES(OPTIONS_FAMILY_WORD), \
	     "trace only these families of functions, for example\n" \
	     "shared-memory,lsa-heap") \
	TEXT("table", 0, tables, "SYMBOL", options_is_tables, \
	     "the name of a variable, or up to 16 of them with commas between", \
	     "trace the function table in this global variable") \
	SWITCH("follow", follow, "do not trace child processes") \
	CHOICE("guard-side", guard_side, "after|before", \
	       "where the inaccessible page lies (default after)") \
	CHOICE("guard-align", guard_align, "16|1", \
	       "alignment of blocks in bytes (default 16); with 1,\n" \
	       "each ends to the byte at the inaccessible page") \
	TEXT("guard-families", 0, guard_families, "LIST", options_is_guarded_families, \
	     "a comma-separated list of" GUARDED_FAMILIES(OPTIONS_GUARDED_WORD), \
	     "guard the blocks of these families\n(default shared-memory)") \
	CHOICE("leak-check", leak_check, "no|yes", \
	       "at the end, look for what still points to live\n" \
	       "blocks, to tell lost ones (default no)") \
	NUMBER("guard-quarantine", guard_quarantine_bytes, "SIZE", GUARD_QUARANTINE_LEAST, \
	       GUARD_QUARANTINE_MOST, "a size from 4K to 64G, such as 64M", \
	       "how much freed memory stays inaccessible\n(default 64M)") \
	LIST("fail", fail, "SLOT[:WHICH][=STATUS]", failures_parse, OPTIONS_FAILURES, \
	     "let calls of a function of the host's fail, without\n" \
	     "calling it: each, the N-th (N), from it on (N-), one\n" \
	     "in N (1/N@SEED), or the first one from a site that\n" \
	     "events --sites names (site=SITE); may be repeated")

#define OPTIONS_FAMILY_WORD(constant, text) " " text
#define OPTIONS_GUARDED_WORD(text) " " text

/* Is the text, which is not terminated, this word? */
static inline int options_word(const char *text, size_t bytes, const char *word)
{
	return strlen(word) == bytes && memcmp(text, word, bytes) == 0;
}

/*
 * Returns a decimal number with an optional K, M or G (powers of 1024), or 0 if the text is
 * anything else or the number is greater than `most`.
 */
static inline uint64_t options_number(const char *text, size_t bytes, uint64_t most)
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
	if (i + 1 == bytes) {
		static const char units[] = "KMG";
		const char *unit = memchr(units, text[i] & ~0x20, 3);
		unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;

		if (!unit || number > most >> shift)
			return 0;
		number <<= shift;
		i++;
	}
	return i == bytes ? number : 0;
}

/* Returns the index of a value among words that are separated by '|', or -1. */
static inline int options_choose(const char *words, const char *value, size_t bytes)
{
	for (int index = 0;; index++) {
		size_t length = strcspn(words, "|");

		if (length == bytes && memcmp(words, value, bytes) == 0)
			return index;
		if (!words[length])
			return -1;
		words += length + 1;
	}
}

/* Returns the length of the first item of a comma-separated list. */
static inline size_t options_item(const char *list, const char *end)
{
	const char *comma = memchr(list, ',', (size_t)(end - list));

	return (size_t)((comma ? comma : end) - list);
}

/* Is `name` an item of the comma-separated list? A NULL list has every item. */
static inline int options_list_has(const char *list, size_t bytes, const char *name)
{
	const char *end = list + bytes;

	for (const char *item = list; list && item < end; item += options_item(item, end) + 1)
		if (options_word(item, options_item(item, end), name))
			return 1;
	return !list;
}

/* Does a list have at least one item, at most `most`, and only items that `is_valid` accepts? */
static inline int options_is_list(const char *list, size_t bytes, unsigned most,
				  int (*is_valid)(const char *item, size_t bytes))
{
	const char *end = list + bytes, *item = list;

	for (unsigned count = 1; count <= most; count++) {
		size_t length = options_item(item, end);

		if (!is_valid(item, length))
			return 0;
		if (item + length == end)
			return 1;
		item += length + 1;
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

static inline int options_is_table(const char *name, size_t bytes)
{
	(void)name;
	return bytes > 0 && bytes <= OPTIONS_TABLE_BYTES;
}

/* The checks of the TEXT rows. */
static inline int options_is_text(const char *value, size_t bytes)
{
	(void)value;
	return bytes > 0;
}

static inline int options_is_families(const char *value, size_t bytes)
{
	return options_is_list(value, bytes, UINT32_MAX, options_is_family);
}

static inline int options_is_guarded_families(const char *value, size_t bytes)
{
	return options_is_list(value, bytes, UINT32_MAX, options_is_guarded_family);
}

static inline int options_is_tables(const char *value, size_t bytes)
{
	return options_is_list(value, bytes, OPTIONS_TABLES, options_is_table);
}

/* Each takes a value for its row, and returns from options_take(). */
#define OPTIONS_TAKE_TEXT(text, letter, member, placeholder, is_valid, expected, help) \
	if (options_word(name, name_bytes, text)) { \
		if (!is_valid(value, bytes)) \
			return expected; \
		o->member = value; \
		o->member##_bytes = bytes; \
		return NULL; \
	}
#define OPTIONS_TAKE_NUMBER(text, member, placeholder, least, most, expected, help) \
	if (options_word(name, name_bytes, text)) { \
		uint64_t number = options_number(value, bytes, most); \
\
		if (number < (least)) \
			return expected; \
		o->member = (__typeof__(o->member))number; \
		return NULL; \
	}
#define OPTIONS_TAKE_CHOICE(text, member, words, help) \
	if (options_word(name, name_bytes, text)) { \
		int choice = options_choose(words, value, bytes); \
\
		if (choice < 0) \
			return words; \
		o->member = (__typeof__(o->member))choice; \
		return NULL; \
	}
#define OPTIONS_TAKE_LIST(text, member, placeholder, parse, most, help) \
	if (options_word(name, name_bytes, text)) { \
		__typeof__(o->member[0]) item; \
		const char *expected = parse(&item, value, bytes); \
\
		if (!expected && o->member##s == (most)) \
			return "no more of these options"; \
		if (!expected) \
			o->member[o->member##s++] = item; \
		return expected; \
	}
#define OPTIONS_TAKE_SWITCH(text, member, help) OPTIONS_TAKE_CHOICE(text, member, "no|yes", help)

#define OPTIONS_NAME(text, ...) "|" text

/*
 * Takes one option; in its name, '_' is the same as '-'. Returns NULL, or what the value must be:
 * words for "…: expected %s", or the words themselves that it can be, with '|' between them. If there
 * is no option of that name, *known is 0, and the words are the names that there are. A value that is
 * refused changes nothing.
 */
static inline const char *options_take(struct options *o, const char *name, size_t name_bytes,
				       const char *value, size_t bytes, int *known)
{
	char hyphened[OPTION_NAME_MOST];

	*known = 1;
	if (name_bytes <= sizeof(hyphened)) {
		for (size_t i = 0; i < name_bytes; i++)
			hyphened[i] = name[i] == '_' ? '-' : name[i];
		name = hyphened;
	}
	RECORDING_OPTIONS(OPTIONS_TAKE_TEXT, OPTIONS_TAKE_NUMBER, OPTIONS_TAKE_CHOICE,
			  OPTIONS_TAKE_SWITCH, OPTIONS_TAKE_LIST)
	*known = 0;
	return &RECORDING_OPTIONS(OPTIONS_NAME, OPTIONS_NAME, OPTIONS_NAME, OPTIONS_NAME,
				  OPTIONS_NAME)[1];
}

#endif
