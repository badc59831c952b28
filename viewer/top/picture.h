/* SPDX-License-Identifier: MIT */
/*
 * What `top` shows of one moment: the rows of its tables, and sums. All of it comes from the results of
 * the trace: the ledger, the findings and the counters. The history is not read, so that a picture of a
 * trace costs the same after a thousand calls and after ten million.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_TOP_PICTURE_H
#define LSATRACE_VIEWER_TOP_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"

struct model;
struct picture_mark;

enum picture_table {
	PICTURE_PACKAGES,
	PICTURE_SECTIONS,
	PICTURE_STACKS, /* that allocated what is live, or created live sections */
	PICTURE_FINDINGS,
	PICTURE_TABLES
};

/* What makes a row distinct in its table, from picture to picture. */
struct picture_key {
	uint64_t address; /* section: its handle; finding: a hash of what else it is made of */
	uint32_t stack;   /* that made it, or of the wrong call: a reference; 0: unknown or none */
	uint8_t package;
	uint8_t family;
	uint8_t kind;   /* finding: enum trace_kind; stack: 1 if it is one of sections */
	uint8_t reason; /* finding: enum trace_reason */
};

struct picture_row {
	struct picture_key key;
	uint64_t count;                /* live blocks, or sections; finding: occurrences */
	uint64_t bytes;                /* of these; of sections: MaxSize */
	uint64_t was_count, was_bytes; /* at the mark */
	union {
		struct {
			uint64_t calls, rate; /* in all; a second */
		} package;
		uint64_t max_size; /* section; 0: unknown */
		struct {
			int64_t first_ns; /* when it was first made, as model_time_ns() */
			enum trace_level level;
		} finding;
	};
};

struct picture {
	struct model *model;
	struct picture_row *row[PICTURE_TABLES];
	size_t rows[PICTURE_TABLES];
	uint64_t calls, rate; /* of all packages */
	/* Blocks that were not freed, also inherited ones and those that were freed wrongly. */
	uint64_t live_blocks, live_bytes, live_sections;
	uint64_t was_blocks, was_bytes;        /* at the mark */
	uint64_t found[TRACE_LEVEL_ERROR + 1]; /* occurrences */
	uint64_t taken_ns, mark_ns;            /* CLOCK_MONOTONIC */
	uint64_t age_ns; /* since the trace was begun, or until the process ended */
};

/*
 * Takes a picture, and takes over the model. `before` is an earlier picture of the same trace: rates are
 * since then. Without one, they are since the trace was begun. Without a mark, this is the mark. Never
 * NULL.
 */
struct picture *picture_take(struct model *model, const struct picture *before,
			     const struct picture_mark *mark);
/* Accepts NULL. Closes the model. */
void picture_free(struct picture *p);

/* Is it of the model's trace, and not of another one that this has replaced? */
bool picture_is_of(const struct picture *p, const struct model *model);
/* The number of the row with a key; as many as there are rows: there is none. */
size_t picture_find(const struct picture *p, enum picture_table table,
		    const struct picture_key *key);

/* Marks this moment: from now on, growth is since then. For picture_mark_free(), which accepts NULL. */
struct picture_mark *picture_mark(struct picture *p);
void picture_mark_free(struct picture_mark *mark);

/* What comes first. Not each order makes sense for each table. */
enum picture_order {
	PICTURE_BY_BYTES,
	PICTURE_BY_COUNT,
	PICTURE_BY_GROWTH, /* in bytes; of findings: in occurrences */
	PICTURE_BY_CALLS,  /* a second: packages */
	PICTURE_BY_FILL,   /* sections */
	PICTURE_BY_TIME,   /* the newest first: findings */
	PICTURE_ORDERS
};

bool picture_can_order(enum picture_table table, enum picture_order order);
void picture_sort(struct picture *p, enum picture_table table, enum picture_order order);

/* How full a section is, in thousandths; or -1 if its size is not known. */
int picture_fill(const struct picture_row *section);

/* Calls visit() for each backtrace of a row, the one that tells most first. */
void picture_stacks(const struct picture *p, enum picture_table table, const struct picture_key *key,
		    void (*visit)(void *context, enum trace_finding_stacks which, uint32_t stack),
		    void *context);

#endif
