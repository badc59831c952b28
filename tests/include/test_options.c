/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdio.h>

#include <criterion/criterion.h>

#include "include/options.h"

static struct options taken;
static int known;

static void start(void)
{
	taken = OPTIONS_DEFAULT;
}

TestSuite(options, .init = start);

/* Takes NAME=VALUE into `taken`. */
static const char *take(const char *option)
{
	const char *equals = strchr(option, '=');

	return options_take(&taken, option, (size_t)(equals - option), equals + 1,
			    strlen(equals + 1), &known);
}

static void assert_taken(const char *option)
{
	cr_assert_null(take(option), "%s", option);
	cr_assert(known);
}

static void assert_refused(const char *option, const char *expected)
{
	const char *answer = take(option);

	cr_assert_not_null(answer, "%s", option);
	cr_assert_str_eq(answer, expected, "%s: %s", option, answer);
	cr_assert(known);
}

Test(options, the_defaults_are_those_of_the_manual)
{
	cr_assert_eq(taken.output_bytes, strlen("lsatrace.%e.%p.trace"));
	cr_assert_eq(taken.ring_bytes, 64ull << 20);
	cr_assert_eq(taken.mode, TRACE_MODE_RING);
	cr_assert_eq(taken.depth, 64);
	cr_assert_eq(taken.on_error, ON_ERROR_LOG);
	cr_assert_null(taken.families);
	cr_assert(taken.follow);
}

Test(options, an_output_points_into_what_was_parsed)
{
	const char *option = "output=/tmp/%p.trace";

	assert_taken(option);
	cr_assert_eq(taken.output, option + strlen("output="));
	cr_assert_eq(taken.output_bytes, strlen("/tmp/%p.trace"));
}

Test(options, an_empty_output_is_refused)
{
	assert_refused("output=", "a file name");
	cr_assert_eq(taken.output_bytes, strlen(OUTPUT_DEFAULT));
}

Test(options, sizes_take_units_of_either_case)
{
	assert_taken("ring=262144");
	cr_assert_eq(taken.ring_bytes, 256ull << 10);
	assert_taken("ring=300k");
	cr_assert_eq(taken.ring_bytes, 300ull << 10);
	assert_taken("ring=16M");
	cr_assert_eq(taken.ring_bytes, 16ull << 20);
	assert_taken("ring=64G");
	cr_assert_eq(taken.ring_bytes, 1ull << 36);
}

Test(options, a_size_that_is_none_or_out_of_bounds_is_refused)
{
	static const char *const bad[] = { "ring=",     "ring=abc",  "ring=-64M",   "ring=64MB",
					   "ring=M",    "ring=0",    "ring=255K",   "ring=1025G",
					   "ring=6 4M", "ring=64 M", "ring=0x40000" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_refused(bad[i], "a size from 256K to 64G, such as 64M");
	cr_assert_eq(taken.ring_bytes, RING_DEFAULT);
}

/* 2^34 + 1 GiB is 1 GiB in 64 bits. */
Test(options, a_size_beyond_64_bits_is_refused)
{
	assert_refused("ring=17179869185G", "a size from 256K to 64G, such as 64M");
	assert_refused("ring=99999999999999999999999", "a size from 256K to 64G, such as 64M");
}

Test(options, a_mode_is_ring_or_full)
{
	assert_taken("mode=full");
	cr_assert_eq(taken.mode, TRACE_MODE_FULL);
	assert_taken("mode=ring");
	cr_assert_eq(taken.mode, TRACE_MODE_RING);
	assert_refused("mode=rings", "ring|full");
	assert_refused("mode=", "ring|full");
}

Test(options, a_depth_lies_between_1_and_256)
{
	assert_taken("depth=1");
	assert_taken("depth=256");
	cr_assert_eq(taken.depth, 256);
	assert_refused("depth=0", "a number of frames from 1 to 256");
	assert_refused("depth=257", "a number of frames from 1 to 256");
	assert_refused("depth=1K", "a number of frames from 1 to 256");
	cr_assert_eq(taken.depth, 256);
}

Test(options, on_error_is_log_trap_or_abort)
{
	assert_taken("on-error=trap");
	cr_assert_eq(taken.on_error, ON_ERROR_TRAP);
	assert_taken("on-error=abort");
	cr_assert_eq(taken.on_error, ON_ERROR_ABORT);
	assert_taken("on-error=log");
	cr_assert_eq(taken.on_error, ON_ERROR_LOG);
	assert_refused("on-error=stop", "log|trap|abort");
}

Test(options, an_allocator_is_the_hosts_or_one_of_lsatrace)
{
	cr_assert_eq(taken.allocator, ALLOCATOR_AUTO);
	assert_taken("allocator=host");
	cr_assert_eq(taken.allocator, ALLOCATOR_HOST);
	assert_taken("allocator=embedded");
	cr_assert_eq(taken.allocator, ALLOCATOR_EMBEDDED);
	assert_taken("allocator=guard");
	cr_assert_eq(taken.allocator, ALLOCATOR_GUARD);
	assert_taken("allocator=auto");
	cr_assert_eq(taken.allocator, ALLOCATOR_AUTO);
}

Test(options, families_are_a_list_of_known_names)
{
	assert_taken("families=shared-memory,client-buffer");
	cr_assert(options_list_has(taken.families, taken.families_bytes, "shared-memory"));
	cr_assert(options_list_has(taken.families, taken.families_bytes, "client-buffer"));
	cr_assert_not(options_list_has(taken.families, taken.families_bytes, "lsa-heap"));
	cr_assert_not(options_list_has(taken.families, taken.families_bytes, "shared"));
}

Test(options, no_list_of_families_holds_every_family)
{
	cr_assert(options_list_has(NULL, 0, "private-heap"));
}

Test(options, an_unknown_family_is_refused)
{
	static const char expected[] =
		"a comma-separated list of" TRACED_FAMILIES(OPTIONS_FAMILY_WORD);

	assert_refused("families=", expected);
	assert_refused("families=shared-memory,", expected);
	assert_refused("families=,lsa-heap", expected);
	assert_refused("families=lsa-heap,user-stack", expected);
	cr_assert_null(taken.families);
}

Test(options, tables_are_a_list_of_symbols)
{
	assert_taken("table=lsa_table,other");
	cr_assert(options_word(taken.tables, taken.tables_bytes, "lsa_table,other"));
}

Test(options, a_list_of_tables_that_is_too_long_or_has_a_gap_is_refused)
{
	static const char expected[] = "the name of a variable, or up to 16 of them with commas "
				       "between";
	char name[300] = "table=";

	assert_taken("table=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p");
	assert_refused("table=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", expected);
	assert_refused("table=", expected);
	assert_refused("table=a,", expected);
	assert_refused("table=,a", expected);
	memset(name + 6, 'x', 255);
	assert_taken(name);
	name[6 + 255] = 'x';
	assert_refused(name, expected);
}

Test(options, follow_is_yes_or_no)
{
	assert_taken("follow=no");
	cr_assert_not(taken.follow);
	assert_taken("follow=yes");
	cr_assert(taken.follow);
	assert_refused("follow=1", "no|yes");
}

Test(options, leaks_are_checked_if_that_is_asked_for)
{
	cr_assert_not(taken.leak_check);
	assert_taken("leak-check=yes");
	cr_assert(taken.leak_check);
	assert_refused("leak-check=full", "no|yes");
}

Test(options, the_guard_has_a_side_families_and_a_quarantine)
{
	cr_assert_eq(taken.guard_side, GUARD_AFTER);
	assert_taken("guard-side=before");
	cr_assert_eq(taken.guard_side, GUARD_BEFORE);
	assert_refused("guard-side=both", "after|before");
	cr_assert_eq(taken.guard_align, GUARD_ALIGN_16);
	assert_taken("guard-align=1");
	cr_assert_eq(taken.guard_align, GUARD_ALIGN_1);
	assert_refused("guard-align=8", "16|1");
	cr_assert(options_word(taken.guard_families, taken.guard_families_bytes, "shared-memory"));
	assert_taken("guard-families=lsa-heap,private-heap");
	cr_assert_not(options_list_has(taken.guard_families, taken.guard_families_bytes,
				       "shared-memory"));
	cr_assert_eq(taken.guard_quarantine_bytes, 64ull << 20);
	assert_taken("guard-quarantine=1G");
	cr_assert_eq(taken.guard_quarantine_bytes, 1ull << 30);
	assert_refused("guard-quarantine=0", "a size from 4K to 64G, such as 64M");
}

Test(options, memory_of_the_client_cannot_be_guarded)
{
	assert_refused("guard-families=client-buffer",
		       "a comma-separated list of shared-memory lsa-heap private-heap");
}

Test(options, an_underscore_in_a_name_is_a_hyphen)
{
	assert_taken("guard_side=before");
	cr_assert_eq(taken.guard_side, GUARD_BEFORE);
	assert_taken("on_error=trap");
	cr_assert_eq(taken.on_error, ON_ERROR_TRAP);
}

/* The rows of RECORDING_OPTIONS: the names, and the words of the choices. */
#define NAME_ROW(name, ...) { name, NULL },
#define CHOICE_ROW(name, member, words, help) { name, words },
static const struct {
	const char *name, *words;
} rows[] = { RECORDING_OPTIONS(NAME_ROW, NAME_ROW, CHOICE_ROW, NAME_ROW, NAME_ROW) };
enum { ROWS = sizeof(rows) / sizeof(*rows) };

Test(options, a_choice_takes_its_words_and_names_them_when_it_refuses_another)
{
	for (size_t i = 0; i < ROWS; i++) {
		const char *word = rows[i].words;
		char option[256];

		for (size_t length; word && *word; word += length + (word[length] == '|')) {
			length = strcspn(word, "|");
			snprintf(option, sizeof(option), "%s=%.*s", rows[i].name, (int)length, word);
			assert_taken(option);
		}
		snprintf(option, sizeof(option), "%s=nonsense", rows[i].name);
		if (rows[i].words)
			assert_refused(option, rows[i].words);
	}
}

Test(options, an_unknown_name_is_answered_with_the_known_ones)
{
	const char *names = take("colour=red");

	cr_assert_not(known);
	for (size_t i = 0; i < ROWS; i++) {
		size_t length = strlen(rows[i].name);

		cr_assert_eq(strncmp(names, rows[i].name, length), 0, "%s", names);
		cr_assert_eq(names[length], i + 1 == ROWS ? '\0' : '|');
		names += length + 1;
	}
	cr_assert_not_null(take("rin=64M"));
	cr_assert_not(known);
}
