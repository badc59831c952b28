/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "viewer/view/moment.h"

#define SECOND 1000000000ull

static uint64_t parse(const char *text)
{
	struct moment m;

	cr_expect_null(moment_take(&m, NULL, text), "%s", text);
	return moment_in(&m, 1000 * SECOND);
}

static void refuse(const char *text)
{
	struct moment m;

	cr_expect(moment_take(&m, NULL, text) && !m.is_set, "%s", text);
}

Test(moment, is_a_date_and_a_time_of_here_or_of_utc)
{
	setenv("TZ", "UTC-2", 1); /* two hours east */
	tzset();
	cr_expect_eq(parse("2026-11-29T21:05:47Z"), 1795986347 * SECOND);
	cr_expect_eq(parse("2026-11-29T21:05:47.25Z"), 1795986347 * SECOND + SECOND / 4);
	cr_expect_eq(parse("2026-11-29 23:05:47"), 1795986347 * SECOND);
	cr_expect_eq(parse("2026-11-29 23:05"), 1795986300 * SECOND);
	cr_expect_eq(parse("2026-11-29"), 1795903200 * SECOND);
}

Test(moment, is_a_time_before_now)
{
	uint64_t now = (uint64_t)time(NULL);

	cr_expect_leq(parse("-90s"), (now - 89) * SECOND);
	cr_expect_geq(parse("-90s"), (now - 90) * SECOND);
	cr_expect_leq(parse("-1d"), (now - 86390) * SECOND);
	cr_expect_leq(parse("-1.5h"), (now - 5390) * SECOND);
}

Test(moment, without_a_date_is_the_last_such_time)
{
	uint64_t now = (uint64_t)time(NULL);

	for (unsigned hour = 0; hour < 24; hour++) {
		char text[8];

		snprintf(text, sizeof(text), "%02u:30", hour);
		cr_expect_leq(parse(text), (now + 1) * SECOND, "%s", text);
		cr_expect_gt(parse(text), (now - 90001) * SECOND, "%s", text);
	}
}

Test(moment, is_so_many_seconds_after_the_start)
{
	cr_expect_eq(parse("+12.5"), 1012 * SECOND + SECOND / 2);
	cr_expect_eq(parse("+0"), 1000 * SECOND);
}

Test(moment, is_nothing_else)
{
	const char *const others[] = { "",        "+",     "-",           "-8",
				       "-8x",     "-8hh",  "+x",          "after",
				       "2026-13", "25:61", "2026-11-29X", "12:30Z",
				       "+1h",     "-h",    "12:30:",      "99999999999999999999h" };

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		refuse(others[i]);
}
