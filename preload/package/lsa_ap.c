/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdint.h>

#include "preload/base/lock.h"
#include "preload/file/trace.h"
#include "preload/host/images.h"
#include "preload/package/lsa_ap.h"
#include "preload/package/lsa_mode.h"
#include "preload/package/packages.h"
#include "preload/package/wrapped.h"

#include "preload/base/poison.h"

/* Is the package of that number one with exports, and without a table? All tables have one of these
 * two. */
static bool has_exports(uint32_t number)
{
	void *const *original = originals_of_wrappers[number];

	return packages_code(number) && !original[WRAPPED_Initialize] &&
	       !original[WRAPPED_InstanceInit];
}

/* The library's package. If that has another function of this kind already, there is another
 * package. */
static uint32_t find_package(const void *real, enum wrapped kind)
{
	uint32_t image = images_number(real);

	for (uint32_t n = 0; n < WRAPPED_PACKAGES; n++) {
		const void *known = originals_of_wrappers[n][kind];

		if (has_exports(n) && packages_image(n) == image && (!known || known == real))
			return n;
	}
	return PACKAGE_NONE;
}

void *lsa_ap_function_for(void *real, enum wrapped kind, enum convention convention)
{
	void *function = real;
	uint32_t number;

	if (!lock_take(LOCK_COLD)) {
		trace_lose(TRACE_LOST_PACKAGES);
		return real;
	}
	lsa_mode_forget_unloaded();
	number = find_package(real, kind);
	if (number == PACKAGE_NONE)
		number = packages_add(real, 0, convention);
	if (number != PACKAGE_NONE) {
		originals_of_wrappers[number][kind] = real;
		function = wrappers_at(convention, kind, number);
	}
	lock_release(LOCK_COLD);
	return function;
}
