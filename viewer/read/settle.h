/* SPDX-License-Identifier: MIT */
/*
 * What a file in motion has settled on. A chunk of it was read twice, and each function here takes
 * out of the second reading, `then`, what was not yet valid at the first one: what remains was
 * wholly written before the second reading began. Neither reading has been checked yet.
 *
 * Pure. One function for each kind of chunk; both readings are TRACE_CHUNK_BYTES, aligned as a
 * chunk.
 */
#ifndef LSATRACE_VIEWER_READ_SETTLE_H
#define LSATRACE_VIEWER_READ_SETTLE_H

void settle_log(const unsigned char *first, unsigned char *then);
void settle_ledger(const unsigned char *first, unsigned char *then);
void settle_findings(const unsigned char *first, unsigned char *then);
void settle_lanes(const unsigned char *first, unsigned char *then);
void settle_counters(const unsigned char *first, unsigned char *then);

#endif
