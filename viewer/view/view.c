/* SPDX-License-Identifier: MIT */
#include "viewer/view/view.h"

#include <stdint.h>
#include <string.h>

#include "include/options.h"
#include "viewer/view/terminal.h"

static const char *take_top(void *member, const struct argument *row, const char *value)
{
	size_t *top = member;

	(void)row;
	*top = strcmp(value, "all") == 0 ? SIZE_MAX
					 : options_number(value, strlen(value), INT32_MAX);
	return *top ? NULL : "a number from 1 on, or all";
}

struct argument_group view_arguments(struct view *v)
{
	static const struct argument rows[] = {
		{ "top", 0, "N|all",
		  "show the stacks of the first N findings of the table\n"
		  "(default 20 on a terminal, else all)",
		  take_top, ARGUMENT_INTO(view, top) },
		{ "names", 0, "short|full|linkage",
		  "names of functions: without template arguments\n"
		  "(the default), with them, or as symbols",
		  arguments_take_choice, ARGUMENT_INTO(view, names) },
		{ "frames", 0, "own|all",
		  "fold frames of the host and of the C library (the\n"
		  "default), or show all",
		  arguments_take_choice, ARGUMENT_INTO(view, frames) },
		{ "source", 0, "N", "show N lines of source, where it is at hand",
		  arguments_take_number, ARGUMENT_INTO(view, source), .most = 1000 },
	};

	return ARGUMENT_GROUP(rows, v);
}

size_t view_top(const struct view *v, FILE *out)
{
	if (v->top)
		return v->top;
	return out && terminal_is(out) ? VIEW_TOP : SIZE_MAX;
}
