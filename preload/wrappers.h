/* SPDX-License-Identifier: MIT */
/*
 * The slots of a package's own SECPKG_FUNCTION_TABLE that are ours in the host's copy of it: those by
 * which a table is handed over, and those whose results change hands. All others stay the package's.
 */
#ifndef LSATRACE_WRAPPERS_H
#define LSATRACE_WRAPPERS_H

#include "../include/trace_format.h"

#define WRAPPED_SLOTS(SLOT) \
	SLOT(Initialize) \
	SLOT(GetInfo) \
	SLOT(InitializePackage) \
	SLOT(LogonUser) \
	SLOT(LogonUserEx) \
	SLOT(LogonUserEx2) \
	SLOT(CallPackage) \
	SLOT(CallPackageUntrusted) \
	SLOT(CallPackagePassthrough) \
	SLOT(InitLsaModeContext) \
	SLOT(AcceptLsaModeContext) \
	SLOT(GetUserInfo)

#define WRAPPED_ENUM(name) WRAPPED_##name,
enum wrapped { WRAPPED_SLOTS(WRAPPED_ENUM) WRAPPED_COUNT };

enum { WRAPPED_PACKAGES = TRACE_PACKAGE_OTHER };

/* One function for each slot and package: nothing they are given says whose they are. */
extern void *const wrappers[WRAPPED_COUNT][WRAPPED_PACKAGES];

/* The package's own functions. */
extern void *wrapped_original[WRAPPED_PACKAGES][WRAPPED_COUNT];

#endif
