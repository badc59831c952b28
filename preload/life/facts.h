/* SPDX-License-Identifier: MIT */
/*
 * What a new trace says of its process from the start: its pid, executable and command line, and
 * the functions and families that are traced. Under the cold lock.
 */
#ifndef LSATRACE_PRELOAD_LIFE_FACTS_H
#define LSATRACE_PRELOAD_LIFE_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "include/trace_format.h"

/* Fills the header, but for the magic bytes, which make it valid. `start_time_ns` is
 * CLOCK_REALTIME, and `start_ticks` the same moment; `is_inherited` says that the process is a forked child, which takes over the
 * ledger of its parent. */
void facts_fill_header(struct trace_header *header, uint64_t start_time_ns, uint64_t start_ticks,
		       bool is_inherited);

/* Writes families, functions, executable and command line to the log. A forked child copies these
 * records from its parent instead (inherit.h). */
void facts_define(void);

#endif
