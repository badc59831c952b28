/* SPDX-License-Identifier: MIT */
/* A library that returns its own version, which is that of no table. */
#include "tests/packages/package.h"

static NTSTATUS get_info(PSecPkgInfoW info)
{
	package_describe(info, u"own version");
	return STATUS_SUCCESS;
}

static SECPKG_FUNCTION_TABLE table = {
	.Initialize = package_initialize,
	.Shutdown = package_shutdown,
	.GetInfo = get_info,
};

PACKAGE_EXPORT(1, &table, 1)
