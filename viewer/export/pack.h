/* SPDX-License-Identifier: MIT */
/*
 * Packs a trace for another machine: the same trace, with the names of the functions and the lines that
 * its backtraces and findings need, compressed with zstd. trace_format.h, 6, says what it consists of.
 *
 * For one thread.
 */
#ifndef LSATRACE_VIEWER_EXPORT_PACK_H
#define LSATRACE_VIEWER_EXPORT_PACK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct model;
struct progress;
struct symbols;
struct trouble;

struct pack_sums {
	uint64_t trace_bytes, packed_bytes;
	uint64_t symbols; /* records of them */
};

/*
 * Writes the trace to `out`, whose errors are left to the caller. Returns false, with the trouble filled
 * in, if the trace cannot be read. `progress` may be NULL.
 */
bool pack_write(const struct model *model, struct symbols *symbols, struct progress *progress,
		FILE *out, struct pack_sums *sums, struct trouble *trouble);

#endif
