/* SPDX-License-Identifier: MIT */
#include "viewer/model/allocators.h"

#include <inttypes.h>
#include <string.h>

static const char *words_of(enum trace_allocator allocator)
{
	static const char *const words[] = {
		[TRACE_ALLOCATOR_EMBEDDED] = "the host provides none, so lsatrace's own was used",
		[TRACE_ALLOCATOR_EMBEDDED_INSTEAD] =
			"lsatrace's own was used in place of the host's",
	};

	return words[allocator];
}

static bool is_alike(const struct model_allocator *a, const struct model_allocator *b)
{
	return a->family == b->family && a->allocator == b->allocator;
}

static bool is_first(const struct model *m, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (is_alike(model_allocator(m, j), model_allocator(m, i)))
			return false;
	return true;
}

static void write_package(struct buffer *to, const struct model *m, uint32_t index)
{
	const char *name = model_package(m, index)->name;

	if (name && *name)
		buffer_plain(to, name, strlen(name));
	else
		buffer_format(to, "#%" PRIu32, index);
}

void allocators_write(struct buffer *to, const struct model *m)
{
	for (size_t i = 0; i < model_allocators(m); i++) {
		const struct model_allocator *a = model_allocator(m, i);
		const char *family = model_family(m, a->family), *before = ": ";

		if (!is_first(m, i))
			continue;
		buffer_text(to, "  ");
		buffer_plain(to, family, strlen(family));
		buffer_format(to, ": %s", words_of(a->allocator));
		for (size_t j = i; j < model_allocators(m); j++) {
			if (!is_alike(a, model_allocator(m, j)))
				continue;
			buffer_text(to, before);
			write_package(to, m, model_allocator(m, j)->package);
			before = ", ";
		}
		buffer_text(to, "\n");
	}
}

bool allocators_are_embedded(const struct model *m, uint32_t package)
{
	for (size_t i = 0; i < model_allocators(m); i++)
		if (model_allocator(m, i)->package == package)
			return true;
	return false;
}
