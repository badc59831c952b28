/* SPDX-License-Identifier: MIT */
/*
 * The functions of a package that the host calls through us: the slots of its own table, or its
 * exports, by which a table is handed over, and those whose results change hands. All others stay the
 * package's. And one of the host's: UnloadPackage, by which a package says that it goes.
 *
 * There is one function for each slot and number of a package (packages.h): nothing they are given
 * says whose they are.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_WRAPPERS_H
#define LSATRACE_PRELOAD_PACKAGE_WRAPPERS_H

/* Of SECPKG_FUNCTION_TABLE, and of SECPKG_USER_FUNCTION_TABLE. */
#define WRAPPED_LSA_SLOTS(SLOT) \
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
#define WRAPPED_USER_SLOTS(SLOT) SLOT(InstanceInit)

#define WRAPPED_ENUM(name) WRAPPED_##name,
enum wrapped {
	WRAPPED_LSA_SLOTS(WRAPPED_ENUM) WRAPPED_USER_SLOTS(WRAPPED_ENUM) WRAPPED_UnloadPackage,
	WRAPPED_COUNT
};

enum { WRAPPED_PACKAGES = 128 };

extern void *const wrappers[WRAPPED_COUNT][WRAPPED_PACKAGES];

/* What is behind them: the package's own functions, and the host's. */
extern void *wrapped_original[WRAPPED_PACKAGES][WRAPPED_COUNT];

#endif
