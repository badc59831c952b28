/* SPDX-License-Identifier: MIT */
#include "viewer/model/allocators.h"

#include <inttypes.h>

#include "include/secpkg.h"
#include "viewer/base/buffer.h"
#include "viewer/model/model.h"

static const char *const reasons[] = {
	[TRACE_ALLOCATOR_EMBEDDED] = "the host provides none, so lsatrace's own was used",
	[TRACE_ALLOCATOR_EMBEDDED_INSTEAD] = "lsatrace's own was used in place of the host's",
};

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

static void write_doubts(struct buffer *to, const struct model *m)
{
	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		const struct model_package *p = model_package(m, i);

		if (!p->doubt)
			continue;
		buffer_text(to, "  the table of ");
		model_write_package(m, i, to);
		buffer_format(to,
			      " was taken for %d functions, because its slot %" PRIu32
			      " holds neither a function nor NULL; what is behind was not traced\n",
			      LSA_DISPATCH_SLOT_COUNT, p->doubt);
	}
}

void allocators_write(struct buffer *to, const struct model *m)
{
	for (size_t i = 0; i < model_allocators(m); i++) {
		const struct model_allocator *a = model_allocator(m, i);
		const char *before = ": ";

		if (!is_first(m, i))
			continue;
		buffer_text(to, "  ");
		buffer_plain(to, model_family(m, a->family));
		buffer_text(to, ": ");
		buffer_text(to, reasons[a->allocator]);
		for (size_t j = i; j < model_allocators(m); j++) {
			if (!is_alike(a, model_allocator(m, j)))
				continue;
			buffer_text(to, before);
			model_write_package(m, model_allocator(m, j)->package, to);
			before = ", ";
		}
		buffer_text(to, "\n");
	}
	write_doubts(to, m);
}

bool allocators_are_embedded(const struct model *m, uint32_t package)
{
	for (size_t i = 0; i < model_allocators(m); i++)
		if (model_allocator(m, i)->package == package)
			return true;
	return false;
}
