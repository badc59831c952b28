/* SPDX-License-Identifier: MIT */
/*
 * What a library of packages exports for its host: ENTRY(name). Also read by the assembler, which
 * makes our own symbol of each name, numbered as they stand here.
 */
#ifndef LSATRACE_PRELOAD_WAYS_IN_ENTRY_POINTS_H
#define LSATRACE_PRELOAD_WAYS_IN_ENTRY_POINTS_H

#define ENTRY_POINTS(ENTRY) \
	ENTRY(SpLsaModeInitialize) \
	ENTRY(SpUserModeInitialize) \
	ENTRY(LsaApInitializePackage) \
	ENTRY(LsaApLogonUser) \
	ENTRY(LsaApLogonUserEx) \
	ENTRY(LsaApLogonUserEx2) \
	ENTRY(LsaApCallPackage) \
	ENTRY(LsaApCallPackageUntrusted) \
	ENTRY(LsaApCallPackagePassthrough)

#endif
