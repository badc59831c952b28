/* SPDX-License-Identifier: MIT */
/*
 * Checks the items of a trace: each field against the range that trace_format.h gives it. An item
 * that passes can be used without a further look at its fields. One wrong field makes the whole
 * file damaged.
 *
 * References to stacks and ledger entries are not checked here: only the reader knows where they
 * lead.
 *
 * Pure functions, safe from any thread.
 */
#ifndef LSATRACE_VIEWER_READ_RANGES_H
#define LSATRACE_VIEWER_READ_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "viewer/read/trouble.h"

/* The numbers that the log defines, and that other items may use. */
struct ranges_defined {
	uint32_t version; /* of the trace: TRACE_VERSION_OLDEST..TRACE_VERSION */
	bool family[256];
	uint8_t role[TRACE_FUNCTIONS]; /* enum trace_role; 0: no function has this number */
};

/*
 * Each returns true if all fields are within their ranges, else false with the trouble filled in.
 * `at` is the item's offset in the file, in bytes. An item that is not valid or not in use passes.
 */
bool ranges_check_header(const struct trace_header *h, struct trouble *t);
bool ranges_check_chunk(const struct trace_chunk *c, uint64_t at, struct trouble *t);
/* The record lies in the last `room` bytes of a chunk. */
bool ranges_check_record(const struct ranges_defined *d, const struct trace_record *record,
			 uint32_t room, uint64_t at, struct trouble *t);
/* The families that a record names. To be called when all records are known. */
bool ranges_check_families(const struct ranges_defined *d, const struct trace_record *record,
			   uint64_t at, struct trouble *t);
bool ranges_check_entry(const struct ranges_defined *d, const struct trace_entry *e, uint64_t at,
			struct trouble *t);
bool ranges_check_finding(const struct ranges_defined *d, const struct trace_finding *f,
			  uint64_t at, struct trouble *t);
bool ranges_check_lane(const struct ranges_defined *d, const struct trace_lane *lane, uint64_t at,
		       struct trouble *t);
bool ranges_check_counters(const struct ranges_defined *d, const struct trace_counters *counters,
			   uint64_t at, struct trouble *t);
bool ranges_check_event(const struct ranges_defined *d, const struct trace_event *e, uint64_t at,
			struct trouble *t);

bool ranges_check_checkpoint(const struct trace_checkpoint *c, uint64_t at, struct trouble *t);

/* The number of entries of a chunk of the ledger, by the version of the trace. */
uint32_t ranges_ledger_entries(uint32_t version);

/* The number of the function that counters->function[0] is about. */
uint32_t ranges_first_function(const struct ranges_defined *d,
			       const struct trace_counters *counters);

#endif
