/* SPDX-License-Identifier: MIT */
#include "viewer/view/view.h"

#include <stdint.h>
#include <string.h>

#include "include/options.h"
#include "viewer/view/terminal.h"

static const char *take_top(void *view, const char *name, const char *value)
{
	struct view *v = view;

	(void)name;
	v->top = strcmp(value, "all") == 0 ? SIZE_MAX
					   : options_number(value, strlen(value), INT32_MAX);
	return v->top ? NULL : "a number from 1 on, or all";
}

static const char *take_source(void *view, const char *name, const char *value)
{
	struct view *v = view;

	(void)name;
	v->source = (unsigned)options_number(value, strlen(value), 1000);
	return v->source ? NULL : "a number of lines, from 1 to 1000";
}

static void choose_names(void *view, int index)
{
	((struct view *)view)->names = (enum frames_names)index;
}

static void choose_frames(void *view, int index)
{
	((struct view *)view)->has_all_frames = index == 1;
}

struct argument_group view_arguments(struct view *v)
{
	static const struct argument rows[] = {
		{ "top", 0, "N|all",
		  "show the stacks of the first N findings of the table\n"
		  "(default 20 on a terminal, else all)",
		  take_top, NULL },
		{ "names", 0, "short|full|linkage",
		  "names of functions: without template arguments\n"
		  "(the default), with them, or as symbols",
		  NULL, choose_names },
		{ "frames", 0, "own|all",
		  "fold frames of the host and of the C library (the\n"
		  "default), or show all",
		  NULL, choose_frames },
		{ "source", 0, "N", "show N lines of source, where it is at hand", take_source,
		  NULL },
	};

	return ARGUMENT_GROUP(rows, v);
}

size_t view_top(const struct view *v, FILE *out)
{
	if (v->top)
		return v->top;
	return out && terminal_is(out) ? VIEW_TOP : SIZE_MAX;
}
