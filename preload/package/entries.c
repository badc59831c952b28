/* SPDX-License-Identifier: MIT */
#include "include/secpkg.h"
#include "preload/base/compiler.h"
#include "preload/call/convention.h"
#include "preload/call/each_package.h"
#include "preload/package/lsa_mode.h"
#include "preload/package/wrapped.h"

#include "preload/base/poison.h"

/* Both entry points have one prototype, except for the type of the tables. */
typedef NTSTATUS(SECPKG_CALL initialize_function)(ULONG version, PULONG package_version,
						  void **tables, PULONG count);

/* The body of all entry points. */
static APART NTSTATUS SECPKG_CALL initialize_library(ULONG version, PULONG package_version,
						     void **tables, PULONG count, uint32_t index,
						     const void *caller)
{
	initialize_function *real = (initialize_function *)lsa_mode_real(index);
	NTSTATUS status = real(version, package_version, tables, count);

	if (NT_SUCCESS(status) && tables && *tables && count && *count)
		lsa_mode_take(index, caller, package_version ? *package_version : version, tables,
			      *count);
	return status;
}

/* One entry point for each library, because nothing that they are given tells the libraries
 * apart. */
#define ENTRY(l, unused) \
	static NTSTATUS SECPKG_CALL entry_##l(ULONG a, PULONG b, void **c, PULONG d) \
	{ \
		return initialize_library(a, b, c, d, l, __builtin_return_address(0)); \
	}
#define ENTRY_ADDRESS(l, unused) (void *)entry_##l,
#define EACH_LIBRARY(M) SIXTY_FOUR_PACKAGES(M, 0, ) SIXTY_FOUR_PACKAGES(M, 01, )

EACH_LIBRARY(ENTRY)

void *const CONVENTION_OF(entries)[LIBRARIES] = { EACH_LIBRARY(ENTRY_ADDRESS) };
