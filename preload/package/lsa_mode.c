/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>

#include "preload/base/lock.h"
#include "preload/file/trace.h"
#include "preload/host/images.h"
#include "preload/host/maps.h"
#include "preload/package/lsa_mode.h"
#include "preload/package/packages.h"
#include "preload/package/wine_host.h"
#include "preload/package/wrapped.h"

#include "preload/base/poison.h"

static struct library {
	void *real;               /* its own entry point; NULL: the place is free */
	uint32_t image;           /* that holds this function (images.h); 0: none does */
	struct own_tables tables; /* its copy stays for the next library in this place */
} libraries[LIBRARIES];

void *lsa_mode_real(uint32_t index)
{
	return libraries[index].real;
}

void lsa_mode_take(uint32_t index, const void *caller, ULONG version, void **tables, ULONG count)
{
	struct library *l = &libraries[index];
	int saved_errno = errno;
	bool is_copied = false;

	if (lock_take(LOCK_COLD)) {
		l->tables.is_for_wine =
			l->tables.convention == CONVENTION_MS && wine_host_is(caller);
		is_copied = own_tables_take(&l->tables, *tables, count, version);
		if (is_copied)
			*tables = l->tables.copy;
		lock_release(LOCK_COLD);
	}
	for (ULONG i = 0; !is_copied && i < count; i++)
		trace_lose(TRACE_LOST_PACKAGES);
	errno = saved_errno;
}

/*
 * Code in an image goes when that is unloaded. For code outside of all images, the kernel is asked
 * whether code may still lie there; for all at once, because another thread may map something there
 * a moment later, and no library may outlive its packages.
 */
static void find_gone(const uint64_t *code, const uint32_t *image, bool *is_gone, size_t count)
{
	bool is_outside = false;

	memset(is_gone, false, count * sizeof(*is_gone));
	for (size_t i = 0; i < count; i++)
		is_outside |= code[i] && !image[i];
	if (is_outside)
		maps_find_code(code, is_gone, count);
	for (size_t i = 0; i < count; i++)
		is_gone[i] = code[i] && (image[i] ? !images_is_loaded(image[i]) : !is_gone[i]);
}

void lsa_mode_forget_unloaded(void)
{
	uint64_t code[LIBRARIES + WRAPPED_PACKAGES];
	uint32_t image[LIBRARIES + WRAPPED_PACKAGES];
	bool is_gone[LIBRARIES + WRAPPED_PACKAGES];

	for (uint32_t i = 0; i < LIBRARIES; i++) {
		code[i] = (uint64_t)(uintptr_t)libraries[i].real;
		image[i] = libraries[i].image;
	}
	for (uint32_t n = 0; n < WRAPPED_PACKAGES; n++) {
		code[LIBRARIES + n] = (uint64_t)(uintptr_t)packages_code(n);
		image[LIBRARIES + n] = packages_image(n);
	}
	find_gone(code, image, is_gone, LIBRARIES + WRAPPED_PACKAGES);
	for (uint32_t i = 0; i < LIBRARIES; i++)
		if (is_gone[i]) {
			libraries[i].real = NULL;
			libraries[i].tables.array = NULL;
		}
	for (uint32_t n = 0; n < WRAPPED_PACKAGES; n++)
		if (is_gone[LIBRARIES + n])
			packages_remove(n);
}

static struct library *find_library(const void *real, enum library_mode mode)
{
	for (uint32_t i = 0; i < LIBRARIES; i++)
		if (libraries[i].real && libraries[i].real == real &&
		    libraries[i].tables.mode == mode)
			return &libraries[i];
	return NULL;
}

static struct library *add_library(void *real, uint32_t image, enum library_mode mode,
				   enum convention convention)
{
	for (uint32_t i = 0; i < LIBRARIES; i++)
		if (!libraries[i].real) {
			libraries[i].real = real;
			libraries[i].image = image;
			libraries[i].tables.mode = mode;
			libraries[i].tables.convention = convention;
			libraries[i].tables.code = real;
			return &libraries[i];
		}
	return NULL;
}

void *lsa_mode_entry_for(void *real, enum library_mode mode, enum convention convention)
{
	struct library *l = NULL;

	if (lock_take(LOCK_COLD)) {
		/* First: this notes what is loaded now, and so what lay there before is known to be
		 * gone. */
		uint32_t image = images_number(real);

		lsa_mode_forget_unloaded();
		l = find_library(real, mode);
		if (!l)
			l = add_library(real, image, mode, convention);
		lock_release(LOCK_COLD);
	}
	if (!l) {
		trace_lose(TRACE_LOST_PACKAGES);
		return real;
	}
	return entries_at(convention, (uint32_t)(l - libraries));
}
