/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>

#include "preload/base/compiler.h"
#include "preload/base/config.h"
#include "preload/base/lock.h"
#include "preload/base/reentry.h"
#include "preload/capture/libunwind.h"
#include "preload/capture/modules.h"
#include "preload/file/trace.h"
#include "preload/host/images.h"
#include "preload/package/lsa_mode.h"
#include "preload/ways_in/entry_points.h"
#include "preload/ways_in/got_hooks.h"
#include "preload/ways_in/libraries.h"
#include "preload/ways_in/ntdll.h"
#include "preload/ways_in/table_symbols.h"

#include "preload/base/poison.h"

static bool has_started;

void libraries_init(void)
{
	static void *const ours[] = {
		[LOADER_DLSYM] = (void *)exported_dlsym,
		[LOADER_DLVSYM] = (void *)exported_dlvsym,
		[LOADER_DLCLOSE] = (void *)exported_dlclose,
		[LOADER_ENTRY] = (void *)linked_SpLsaModeInitialize,
	};

	got_hooks_init(ours);
}

/* Both are to see each image. */
static bool look_at(const struct link_map *map, bool is_base)
{
	bool is_no_loader = got_hooks_patch(map, is_base);

	return table_symbols_find(map, is_base) && is_no_loader;
}

void libraries_look(const void *handle)
{
	link_maps_look(handle, look_at);
	if (likely(has_started))
		table_symbols_hook();
}

void libraries_start(void)
{
	has_started = true;
	if (config->tables)
		libraries_look(RTLD_DEFAULT);
}

bool libraries_have_started(void)
{
	return has_started;
}

/* What is kept with the number of an image, or with the epoch, need not be forgotten: nothing finds
 * it any more. But the packages and modules that are gone are recorded, and libunwind knows no
 * epochs. */
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

int libraries_close(void *handle, const void *caller)
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

void libraries_settle(void)
{
	int saved_errno = errno;

	if (ntdll_has_unmapped())
		forget_unloaded();
	errno = saved_errno;
}

bool libraries_end(void)
{
	libraries_settle();
	if (!process_page || !trace_is_mine())
		ntdll_tell_untraced();
	return ntdll_has_killed();
}
