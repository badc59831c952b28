/* SPDX-License-Identifier: MIT */
/* Comes first in a file that is an expansion for code of Windows; see convention.h. */
#ifndef LSATRACE_PRELOAD_CALL_MS_ABI_H
#define LSATRACE_PRELOAD_CALL_MS_ABI_H

#define SECPKG_CALL __attribute__((ms_abi))
#define CONVENTION_OF(name) name##_ms
#define CONVENTION CONVENTION_MS

#endif
