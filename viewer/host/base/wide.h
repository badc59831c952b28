/* SPDX-License-Identifier: MIT */
/* Texts of 16-bit characters, as the LSA has them, from and to UTF-8. Any thread. */
#ifndef LSATRACE_HOST_BASE_WIDE_H
#define LSATRACE_HOST_BASE_WIDE_H

#include <stddef.h>

#include "include/secpkg.h"

/* Writes the characters of a text, and a terminator, unless `to` is NULL. Returns their number without that. */
size_t wide_from(WCHAR *to, const char *text);

/* Returns the text of some characters, to be freed. Those that are not ASCII become "?". */
char *wide_to(const WCHAR *from, size_t count);

/* Returns the number of characters before the terminator. */
size_t wide_length(const WCHAR *text);

#endif
