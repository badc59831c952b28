/* SPDX-License-Identifier: MIT */
/*
 * The checks of the reader: one for each range that trace_format.h gives to a field. An item that
 * passes can be used without another look; one that does not makes the whole file damaged, and the
 * field's place in it is told.
 *
 * Pure, but for what the checks are told of the rest of the file.
 */
#ifndef LSATRACE_VIEWER_READ_RANGES_H
#define LSATRACE_VIEWER_READ_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "include/trace_format.h"
#include "viewer/read/reader.h"

/* What items may refer to. */
struct checker {
	const struct reader *reader;   /* for references; its log has been checked by then */
	bool moving;                   /* references that lead to nothing are no damage */
	bool family[256];              /* what the log defines */
	uint8_t role[TRACE_FUNCTIONS]; /* of the functions it defines; 0: of no function */
	struct reader_trouble *trouble;
};

/*
 * Each returns whether it found nothing wrong; else it has filled in the trouble. `at` is the place
 * of the item in the file. An item that is not valid, or not in use, is always right.
 */
bool check_header(const struct checker *c, const struct trace_header *h);
bool check_record(const struct checker *c, const struct trace_record *record, uint64_t at);
bool check_entry(const struct checker *c, const struct trace_entry *e, uint64_t at);
bool check_finding(const struct checker *c, const struct trace_finding *f, uint64_t at);
bool check_lane(const struct checker *c, const struct trace_lane *lane, uint64_t at);
bool check_counters(const struct checker *c, const struct trace_counters *t, uint64_t at);
bool check_event(const struct checker *c, const struct trace_event *e, uint64_t at);

/*
 * Both fill in the trouble and return false; the second one's text is "damaged: WHAT at byte AT".
 */
bool check_fail(struct reader_trouble *trouble, enum reader_error error, uint64_t at,
		const char *format, ...) __attribute__((format(printf, 4, 5)));
bool check_damaged(struct reader_trouble *trouble, uint64_t at, const char *what);

#endif
