/* SPDX-License-Identifier: MIT */
/* Finds the word that a mistyped word may stand for. Pure. */
#ifndef LSATRACE_VIEWER_BASE_LIKENESS_H
#define LSATRACE_VIEWER_BASE_LIKENESS_H

#include <stddef.h>

/*
 * Returns the word that is most like `typed`: that is reached by the fewest letters added, left out,
 * replaced or exchanged with the next one. NULL if each needs more than one for three letters.
 */
const char *likeness_find(const char *typed, const char *const *words, size_t count);

#endif
