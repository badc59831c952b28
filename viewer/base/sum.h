/* SPDX-License-Identifier: MIT */
/* Sums of counters that a trace holds. Such a counter may be any number. */
#ifndef LSATRACE_VIEWER_BASE_SUM_H
#define LSATRACE_VIEWER_BASE_SUM_H

#include <stdint.h>

/* Adds a number. Stops at the greatest one: a sum must not come out small because it overflowed. */
static inline void sum_add(uint64_t *sum, uint64_t number)
{
	if (__builtin_add_overflow(*sum, number, sum))
		*sum = UINT64_MAX;
}

#endif
