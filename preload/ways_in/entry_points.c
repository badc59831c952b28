/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "preload/package/lsa_ap.h"
#include "preload/package/lsa_mode.h"
#include "preload/ways_in/entry_points.h"

#include "preload/base/poison.h"

#define ROW(name, kind, export) [ENTRY_##name] = { #name, linked_##name, kind, export },

const struct entry_point entry_points[] = { ENTRY_POINTS(ROW) };

const struct entry_point *entry_points_find(const char *name)
{
	/* The first letter is enough for most names that a host looks up. */
	for (int i = 0; i < ENTRY_POINTS_COUNT; i++)
		if (name[0] == entry_points[i].name[0] && strcmp(name, entry_points[i].name) == 0)
			return &entry_points[i];
	return NULL;
}

void *entry_points_stand_in(const struct entry_point *e, void *real, enum convention convention)
{
	if (e->kind == ENTRY_IS_EXPORT)
		return lsa_ap_function_for(real, e->export, convention);
	return lsa_mode_entry_for(real, e->kind == ENTRY_IS_USER_MODE ? LIBRARY_USER : LIBRARY_LSA,
				  convention);
}
