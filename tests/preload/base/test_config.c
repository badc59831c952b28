/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "preload/base/config.h"
#include "preload/base/text.h"
#include "tests/support/preload_fixture.h"

enum { SAID_BYTES = 16384 };

/* Reads options from a text. Returns what config_init() wrote to standard error. */
static const char *said_on(const char *text)
{
	static char said[SAID_BYTES];
	int fd = memfd_create("standard error", MFD_CLOEXEC), saved = dup(STDERR_FILENO);
	ssize_t bytes;

	if (text)
		setenv(OPTIONS_VARIABLE, text, 1);
	else
		unsetenv(OPTIONS_VARIABLE);
	dup2(fd, STDERR_FILENO);
	text_start();
	config_init();
	dup2(saved, STDERR_FILENO);
	bytes = pread(fd, said, sizeof(said) - 1, 0);
	said[bytes > 0 ? bytes : 0] = '\0';
	close(fd);
	close(saved);
	return said;
}

static void assert_silent(const char *text)
{
	cr_assert_str_eq(said_on(text), "");
}

static void assert_output(const char *expected)
{
	cr_assert_eq(config->output_bytes, strlen(expected), "%.*s", (int)config->output_bytes,
		     config->output);
	cr_assert_eq(memcmp(config->output, expected, config->output_bytes), 0);
}

static void assert_defaults(void)
{
	assert_output(OUTPUT_DEFAULT);
	cr_assert_eq(config->ring_bytes, RING_DEFAULT);
	cr_assert_eq(config->mode, TRACE_MODE_RING);
	cr_assert_eq(config->depth, DEPTH_DEFAULT);
	cr_assert_eq(config->on_error, ON_ERROR_LOG);
	cr_assert_null(config->families);
	cr_assert(config->follow);
}

Test(config, without_the_variable_all_is_as_the_manual_says)
{
	assert_silent(NULL);
	assert_defaults();
}

Test(config, empty_options_are_none)
{
	assert_silent("");
	assert_defaults();
	assert_silent(":::");
	assert_defaults();
	assert_silent(":depth=3::mode=full:");
	cr_assert_eq(config->depth, 3);
	cr_assert_eq(config->mode, TRACE_MODE_FULL);
}

Test(config, options_are_separated_by_colons)
{
	assert_silent("output=/a/%p:ring=16M:mode=full:depth=7:on-error=trap:"
		      "families=lsa-heap,private-heap:follow=no");
	assert_output("/a/%p");
	cr_assert_eq(config->ring_bytes, 16 << 20);
	cr_assert_eq(config->mode, TRACE_MODE_FULL);
	cr_assert_eq(config->depth, 7);
	cr_assert_eq(config->on_error, ON_ERROR_TRAP);
	cr_assert_eq(config->families_bytes, strlen("lsa-heap,private-heap"));
	cr_assert_eq(memcmp(config->families, "lsa-heap,private-heap", 21), 0);
	cr_assert_not(config->follow);
}

Test(config, a_backslash_takes_the_meaning_from_what_follows)
{
	assert_silent("output=/a\\:b\\\\c\\d:depth=7");
	assert_output("/a:b\\cd");
	cr_assert_eq(config->depth, 7);
}

Test(config, a_backslash_at_the_end_is_one)
{
	assert_silent("output=/a\\");
	assert_output("/a\\");
}

Test(config, a_value_may_hold_an_equals_sign)
{
	assert_silent("output=/a=b");
	assert_output("/a=b");
}

Test(config, what_was_read_does_not_depend_on_the_environment_any_more)
{
	static char text[] = OPTIONS_VARIABLE "=output=/a";

	putenv(text);
	config_init();
	memset(text + sizeof(OPTIONS_VARIABLE), 'x', 9);
	assert_output("/a");
}

Test(config, the_last_of_two_counts)
{
	assert_silent("depth=7:depth=8");
	cr_assert_eq(config->depth, 8);
}

Test(config, a_bad_value_is_one_line_and_the_default)
{
	cr_assert_str_eq(said_on("ring=huge"),
			 "lsatrace: LSATRACE_OPTIONS: ring=huge: expected a size from 256K to 64G, "
			 "such as 64M\n");
	assert_defaults();
}

static unsigned lines_of(const char *text)
{
	unsigned lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

Test(config, an_unknown_option_is_one_line_with_those_that_there_are)
{
	static const char *const names[] = { "output",   "ring",     "mode",  "depth",
					     "on-error", "families", "follow" };
	static const char begin[] = "lsatrace: LSATRACE_OPTIONS: colour=red: expected ";
	const char *said = said_on("colour=red");

	cr_assert_eq(strncmp(said, begin, strlen(begin)), 0, "%s", said);
	cr_assert_eq(lines_of(said), 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		cr_expect_not_null(strstr(said + strlen(begin), names[i]), "%s", names[i]);
	assert_defaults();
}

Test(config, an_option_without_a_value_is_bad)
{
	cr_assert_str_eq(said_on("depth"),
			 "lsatrace: LSATRACE_OPTIONS: depth: expected a number of "
			 "frames from 1 to 256\n");
	assert_defaults();
}

Test(config, bad_options_do_not_spoil_good_ones)
{
	const char *said = said_on("depth=0:mode=full:ring=1:on-error=shout:depth=9");

	cr_assert_eq(lines_of(said), 3, "%s", said);
	cr_assert_eq(config->mode, TRACE_MODE_FULL);
	cr_assert_eq(config->depth, 9);
	cr_assert_eq(config->ring_bytes, RING_DEFAULT);
	cr_assert_eq(config->on_error, ON_ERROR_LOG);
}

Test(config, options_of_any_length_are_read_without_harm)
{
	static char text[100000];
	const char *said;

	memset(text, 'x', sizeof(text) - 1);
	said = said_on(text);
	cr_assert_eq(lines_of(said), 1);
	assert_defaults();
	memcpy(text, "output=/", 8);
	said_on(text);
	cr_assert_leq(config->output_bytes, sizeof(text));
	memset(text, ':', sizeof(text) - 1);
	assert_silent(text);
	assert_defaults();
}

/* Half an option would be another one, as depth=6 is half of depth=64. */
Test(config, an_option_that_is_too_long_for_us_is_not_taken_in_part)
{
	static char text[20000];
	const char *said;

	for (size_t filler = 8150; filler < 8200; filler++) {
		memset(text, 'x', sizeof(text));
		memcpy(text, "output=/", 8);
		strcpy(text + filler, ":depth=64");
		said = said_on(text);
		cr_assert(config->depth == 64, "depth %u with %zu bytes before: %s", config->depth,
			  filler, said);
	}
}

Test(config, a_closed_standard_error_harms_nobody)
{
	int saved = dup(STDERR_FILENO);

	setenv(OPTIONS_VARIABLE, "ring=huge:depth=5", 1);
	close(STDERR_FILENO);
	errno = 42;
	config_init();
	cr_expect_eq(errno, 42);
	dup2(saved, STDERR_FILENO);
	cr_assert_eq(config->depth, 5);
}
