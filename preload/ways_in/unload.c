/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "preload/base/lock.h"
#include "preload/base/reentry.h"
#include "preload/capture/libunwind.h"
#include "preload/capture/modules.h"
#include "preload/file/trace.h"
#include "preload/host/images.h"
#include "preload/package/lsa_mode.h"
#include "preload/ways_in/got_hooks.h"
#include "preload/ways_in/unload.h"

#include "preload/base/poison.h"

/* What is remembered by the number of an image, or with the epoch, needs no forgetting: nothing finds it
 * any more. The packages and modules that are gone are recorded, and libunwind has no idea of an epoch. */
static void forget_unloaded(void)
{
	uintptr_t was_inside = reentry_inside;

	libunwind_forget();
	reentry_inside = true;
	if (lock_take(LOCK_COLD)) {
		lsa_mode_forget_unloaded();
		if (trace_is_mine())
			modules_note_gone();
		lock_release(LOCK_COLD);
	} else {
		trace_lose(TRACE_LOST_DEFINITIONS);
	}
	reentry_inside = was_inside;
}

int unload_library(void *handle, const void *caller)
{
	int (*real)(void *) = (int (*)(void *))got_hooks_original(LOADER_DLCLOSE, caller);
	bool has_unloaded;
	int result, error;

	images_unload_begins();
	result = real(handle);
	error = errno;
	has_unloaded = images_find_unloaded();
	if (has_unloaded)
		forget_unloaded();
	images_unload_ends(has_unloaded);
	errno = error;
	return result;
}
