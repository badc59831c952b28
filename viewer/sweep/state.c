/* SPDX-License-Identifier: MIT */
#include "viewer/sweep/state.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/sweep/runs.h"
#include "viewer/symbols/symbols.h"

char *sweep_folder(const struct sweep *s, size_t run)
{
	struct buffer b = { 0 };

	buffer_format(&b, "%s/%04zu", s->folder, run);
	return buffer_take(&b);
}

char *sweep_file(const struct sweep *s, size_t run, const char *name)
{
	struct buffer b = { 0 };

	buffer_format(&b, "%s/%04zu/%s", s->folder, run, name);
	return buffer_take(&b);
}

bool sweep_is_trace(const char *name)
{
	static const char ending[] = ".trace";
	size_t bytes = strlen(name), end = sizeof(ending) - 1;

	return bytes > end && strcmp(name + bytes - end, ending) == 0;
}

void sweep_release(struct sweep *s)
{
	for (size_t i = 0; s->runs && i < s->results.count; i++)
		free(s->runs[i].output);
	free(s->runs);
	free(s->folder);
	results_release(&s->results);
	known_release(&s->singles);
	symbols_free(s->symbols);
	settings_release(&s->settings);
	report_release(&s->report);
}
