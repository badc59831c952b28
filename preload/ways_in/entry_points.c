/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "preload/base/compiler.h"
#include "preload/package/lsa_ap.h"
#include "preload/package/lsa_mode.h"
#include "preload/ways_in/entry_points.h"

#include "preload/base/poison.h"

#define LSA_MODE(name) \
	{ \
#name, linked_##name, ENTRY_IS_LSA_MODE, 0 \
	}
#define USER_MODE(name) \
	{ \
#name, linked_##name, ENTRY_IS_USER_MODE, 0 \
	}
#define LSA_AP(name) \
	{ \
		"LsaAp" #name, linked_LsaAp##name, ENTRY_IS_EXPORT, WRAPPED_##name \
	}

/* In the order of ENTRY_POINTS. */
const struct entry_point entry_points[] = {
	LSA_MODE(SpLsaModeInitialize),
	USER_MODE(SpUserModeInitialize),
	LSA_AP(InitializePackage),
	LSA_AP(LogonUser),
	LSA_AP(LogonUserEx),
	LSA_AP(LogonUserEx2),
	LSA_AP(CallPackage),
	LSA_AP(CallPackageUntrusted),
	LSA_AP(CallPackagePassthrough),
};

const struct entry_point *entry_points_find(const char *name)
{
	if (likely(name[0] != 'S' && name[0] != 'L'))
		return NULL;
	for (int i = 0; i < ENTRY_POINTS_COUNT; i++)
		if (strcmp(name, entry_points[i].name) == 0)
			return &entry_points[i];
	return NULL;
}

void *entry_points_stand_in(const struct entry_point *e, void *real)
{
	if (e->kind == ENTRY_IS_EXPORT)
		return lsa_ap_function_for(real, e->export);
	return lsa_mode_entry_for(real, e->kind == ENTRY_IS_USER_MODE ? LIBRARY_USER : LIBRARY_LSA);
}
