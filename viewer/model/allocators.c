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

static bool has_called(const struct model *m, uint32_t package, uint32_t family)
{
	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++)
		if (model_function(m, i)->name && model_function(m, i)->family == family &&
		    model_counter(m, package, i)->calls)
			return true;
	return false;
}

/* What a host lacks is nothing to tell if the package never missed it: in a process of Wine, each host that
 * loads secur32 has such packages. What the user asks for is told in any case. */
static bool is_worth_telling(const struct model *m, uint32_t package, uint32_t family,
			     enum trace_allocator allocator)
{
	return allocator != TRACE_ALLOCATOR_EMBEDDED || has_called(m, package, family);
}

static void write_packages(struct buffer *to, const struct model *m, uint32_t family,
			   enum trace_allocator wanted)
{
	enum trace_allocator allocator;
	bool any = false;

	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		if (!model_allocator(m, i, family, &allocator) || allocator != wanted ||
		    !is_worth_telling(m, i, family, allocator))
			continue;
		if (any) {
			buffer_text(to, ", ");
		} else {
			buffer_text(to, "  ");
			buffer_plain(to, model_family(m, family));
			buffer_text(to, ": ");
			buffer_text(to, reasons[wanted]);
			buffer_text(to, ": ");
		}
		any = true;
		model_write_package(m, i, to);
	}
	buffer_text(to, any ? "\n" : "");
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
	for (uint32_t family = 0; family < 256; family++)
		for (unsigned i = 0; model_family(m, family) && i <= TRACE_ALLOCATOR_LAST; i++)
			write_packages(to, m, family, (enum trace_allocator)i);
	write_doubts(to, m);
}

bool allocators_are_embedded(const struct model *m, uint32_t package)
{
	enum trace_allocator allocator;

	for (uint32_t family = 0; family < 256; family++)
		if (model_allocator(m, package, family, &allocator))
			return true;
	return false;
}
