/* SPDX-License-Identifier: MIT */
/*
 * The calling convention of a package, and of the host that calls it: that of its library's code. What
 * either of them calls, and what calls one of them, is compiled once for each:
 *
 *	NAME.c       the bodies, which are the expansion for System V
 *	NAME_ms.c    includes ms_abi.h and then NAME.c: the expansion for code of Windows
 *
 * In such a file, SECPKG_CALL (secpkg.h) stands in the declaration of each function that has the
 * convention, and CONVENTION_OF(name) is the name of what others see of the expansion. A body has the
 * convention as its entry has it, so that the entry is a jump, and no frame on the stack. All else is
 * System V.
 *
 * Calls in both conventions must not stand in one file: gcc takes two calls for the same if they only
 * differ in that.
 */
#ifndef LSATRACE_PRELOAD_CALL_CONVENTION_H
#define LSATRACE_PRELOAD_CALL_CONVENTION_H

enum convention { CONVENTION_SYSV, CONVENTION_MS, CONVENTION_COUNT };

#ifndef CONVENTION_OF
#define CONVENTION_OF(name) name##_sysv
#define CONVENTION CONVENTION_SYSV
#endif

#endif
