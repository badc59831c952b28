/* SPDX-License-Identifier: MIT */
/* The table of what came of the runs of a sweep. */
#include <string.h>

#include <criterion/criterion.h>

#include "viewer/base/buffer.h"
#include "viewer/sites/results.h"
#include "viewer/view/layout.h"

static char function[] = "CopyToClientBuffer", where[] = "remember_client at error_paths.c:25";
static struct site_calls site = { .function = function, .where = where, .calls = 1 };
static struct result runs[] = {
	{ .ending = ENDING_ALIKE, .is_reached = true },
	{ .count = 1, .ending = ENDING_CRASH, .number = 11, .is_reached = true },
};
static const struct results results = {
	.sites = { .all = &site, .count = 1 }, .all = runs, .count = 2, .singles = 1
};

static char *write_text(unsigned width)
{
	struct buffer text = { .width = width };

	results_write_text(&results, &text);
	return buffer_take(&text);
}

Test(results, a_wide_table_has_a_line_for_each_run)
{
	char *text = write_text(0);

	cr_expect(strstr(text, "\n    1  CopyToClientBuffer  remember_client at error_paths.c:25  "
			       "CRASH: SIGSEGV\n"),
		  "%s", text);
	free(text);
}

/* What the call is in is what the reader looks for: it is not cut down to nothing. */
Test(results, on_a_narrow_terminal_the_place_has_a_line_of_its_own)
{
	char *text = write_text(60);

	cr_expect(strstr(text, "\n    1  CopyToClientBuffer  CRASH: SIGSEGV\n"
			       "       remember_client at error_paths.c:25\n"),
		  "%s", text);
	for (const char *line = strstr(text, "\n  run"), *end; (end = strchr(line, '\n')) != NULL;
	     line = end + 1)
		cr_expect_leq(layout_columns(line, (size_t)(end - line)), 60, "%s", text);
	free(text);
}
