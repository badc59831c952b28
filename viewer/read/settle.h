/* SPDX-License-Identifier: MIT */
/*
 * Combines two readings of one chunk of a file in motion. Each function removes from the second
 * reading, `then`, the items that were not valid in the first one. What remains was written
 * completely before the second reading began.
 *
 * Pure functions, one for each kind of chunk. Both readings are TRACE_CHUNK_BYTES long and aligned
 * to 16 bytes. Neither has been checked, so any byte may hold anything.
 */
#ifndef LSATRACE_VIEWER_READ_SETTLE_H
#define LSATRACE_VIEWER_READ_SETTLE_H

#include <stdint.h>

void settle_log(const unsigned char *first, unsigned char *then);
/* Keeps an entry only if both readings are equal: its place may have been given to another entry.
 * `entries` is how many a chunk has. */
void settle_ledger(const unsigned char *first, unsigned char *then, uint32_t entries);
void settle_findings(const unsigned char *first, unsigned char *then);
/* Shortens the calls in flight of each lane to those that both readings have in common. */
void settle_lanes(const unsigned char *first, unsigned char *then);
void settle_counters(const unsigned char *first, unsigned char *then);
/* As for entries. */
void settle_checkpoints(const unsigned char *first, unsigned char *then);
/* Of the ring. */
void settle_events(const unsigned char *first, unsigned char *then);

#endif
