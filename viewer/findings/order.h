/* SPDX-License-Identifier: MIT */
/*
 * The order in which findings are shown: wrong accesses, other misuses, leaks, warnings, notes; and of
 * each of these, the most costly first. What belongs together stands together: a block leak behind the
 * leak of its section, and the blocks of one failed call of an entry point behind the most costly one.
 *
 * Keeps no state.
 */
#ifndef LSATRACE_VIEWER_FINDINGS_ORDER_H
#define LSATRACE_VIEWER_FINDINGS_ORDER_H

#include <stdint.h>

struct rows;

/* Sets the leads of the blocks of one call. Returns the numbers of the rows in their order, to be freed. */
uint32_t *order_rows(struct rows *r);

#endif
