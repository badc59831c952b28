/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdint.h>

#include "preload/base/lock.h"
#include "preload/base/reentry.h"
#include "preload/file/trace.h"
#include "preload/host/images.h"
#include "preload/package/lsa_ap.h"
#include "preload/package/lsa_mode.h"
#include "preload/package/packages.h"

#include "preload/base/poison.h"

/* Has it exports in place of a table, which has one of these? */
static bool has_exports(uint32_t number)
{
	void *const *original = originals_of_wrappers[number];

	return packages_code(number) && !original[WRAPPED_Initialize] &&
	       !original[WRAPPED_InstanceInit];
}

/* The library's package, unless that has another function for this one. */
static uint32_t find(const void *real, enum wrapped kind)
{
	uint32_t image = images_number(real);

	for (uint32_t n = 0; n < WRAPPED_PACKAGES; n++) {
		const void *known = originals_of_wrappers[n][kind];

		if (has_exports(n) && packages_image(n) == image && (!known || known == real))
			return n;
	}
	return PACKAGE_NONE;
}

static void *function_for(void *real, enum wrapped kind)
{
	uint32_t number;

	lsa_mode_forget_unloaded();
	number = find(real, kind);
	if (number == PACKAGE_NONE)
		number = packages_add(real, 0);
	if (number == PACKAGE_NONE)
		return real;
	originals_of_wrappers[number][kind] = real;
	return wrappers[kind][number];
}

void *lsa_ap_function_for(void *real, enum wrapped kind)
{
	void *function;

	if (!lock_take(LOCK_COLD)) {
		trace_lose(TRACE_LOST_PACKAGES);
		return real;
	}
	function = function_for(real, kind);
	lock_release(LOCK_COLD);
	return function;
}
