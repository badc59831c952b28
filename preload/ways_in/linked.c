/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>

#include "include/secpkg.h"
#include "preload/host/elf_image.h"
#include "preload/ways_in/got_hooks.h"
#include "preload/ways_in/libraries.h"
#include "preload/ways_in/linked.h"
#include "preload/ways_in/scope.h"

#include "preload/base/poison.h"

#define STATUS_ENTRYPOINT_NOT_FOUND ((NTSTATUS)0xc0000139)

/* As if the caller asked for the entry point by dlsym(). */
static struct question ask_for(const struct entry_point *e, const void *caller)
{
	return (struct question){ e, RTLD_DEFAULT, e->name, NULL, caller };
}

void *linked_behind(void *function, const void *code)
{
	for (int i = 0; i < ENTRY_POINTS_COUNT; i++)
		if (function == entry_points[i].linked) {
			struct question q = ask_for(&entry_points[i], code);
			void *real = scope_find(&q);

			return real ? real : function;
		}
	return function;
}

static NTSTATUS not_found(void)
{
	return STATUS_ENTRYPOINT_NOT_FOUND;
}

/* A package may log on by another one of its own exports. That returns nothing to its host. */
static bool is_inner_call(const struct entry_point *e, const void *real, const void *caller)
{
	return e->kind == ENTRY_IS_EXPORT && e->export != WRAPPED_InitializePackage &&
	       elf_image_map_at(real) == elf_image_map_at(caller);
}

void *linked_target(uint32_t number, const void *caller)
{
	const struct entry_point *e = &entry_points[number];
	struct question q = ask_for(e, caller);
	int saved_errno = errno;
	void *real;

	libraries_look(RTLD_DEFAULT);
	real = number == ENTRY_SpLsaModeInitialize ? got_hooks_original(LOADER_ENTRY, caller) : NULL;
	if (!real)
		real = scope_find(&q);
	/* The host may have the symbol from a table that it did not get through the tracer. */
	if (!real)
		real = scope_find_anywhere(&q);
	if (!real)
		real = (void *)not_found;
	else if (!is_inner_call(e, real, caller))
		real = entry_points_stand_in(e, real, CONVENTION_SYSV);
	errno = saved_errno;
	return real;
}
