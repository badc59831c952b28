/* SPDX-License-Identifier: MIT */
/*
 * What each stack of one or more traces has allocated, holds and leaks, and how often it called: what a
 * flame graph shows.
 *
 * What is leaked and live comes from the ledger, and is the same as in the report. What was allocated
 * and called comes from the events in the ring. Where these were overwritten, a row without a stack
 * takes the rest, so that the sums are still those of the counters.
 *
 * For one thread at a time. The models must outlive the profile.
 */
#ifndef LSATRACE_VIEWER_PROFILE_PROFILE_H
#define LSATRACE_VIEWER_PROFILE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "viewer/profile/numbers.h"

struct buffer;
struct model;
struct progress;
struct model_frame;
struct symbols;
struct timeline_watch;
struct trouble;

enum profile_value {
	PROFILE_LEAKED_BYTES, /* of blocks */
	PROFILE_LEAKED_BLOCKS,
	PROFILE_LIVE_BYTES, /* also what is inherited, or was freed wrongly */
	PROFILE_LIVE_BLOCKS,
	PROFILE_ALLOCATED_BYTES,
	PROFILE_ALLOCATED_BLOCKS,
	PROFILE_CALLS, /* of all functions */
	PROFILE_VALUES
};

/* What one package did to one family of functions in one place. */
struct profile_row {
	uint32_t model; /* its number */
	uint32_t stack; /* a reference; 0: unknown */
	uint8_t package, family;
	bool is_overwritten; /* what is no longer in the ring */
	uint64_t value[PROFILE_VALUES];
	uint64_t place; /* while it is made: of its first event in the file */
};

enum { PROFILE_RECENT = 1021 };

struct profile {
	struct model *const *models;
	size_t count; /* of models */
	struct profile_row *row;
	size_t rows, room;
	uint64_t sum[PROFILE_VALUES];
	struct numbers numbers;          /* while it is made: of the rows */
	uint32_t recent[PROFILE_RECENT]; /* rows by stack */
};

/*
 * Who reads the events as well, of the first models: they are then read once. It reads all of a model's
 * events with the watch. Returns false with the trouble filled in if it cannot.
 */
struct profile_reading {
	bool (*read)(void *context, size_t number, const struct timeline_watch *watch,
		     struct trouble *trouble);
	void *context;
	size_t models;
};

/* `reading` and `progress` may be NULL. Returns NULL with the trouble filled in if a ring cannot be read; then *failed is the number of the
 * model. */
struct profile *profile_new(struct model *const *models, size_t count,
			    const struct profile_reading *reading, struct progress *progress,
			    size_t *failed, struct trouble *trouble);
/* Accepts NULL. */
void profile_free(struct profile *p);

/* A function of a stack. */
struct profile_frame {
	const char *function;            /* valid UTF-8; NULL: unknown */
	const char *file;                /* the same */
	uint32_t line;                   /* 0: unknown */
	const struct model_frame *frame; /* where it is; NULL: `function` is a word of lsatrace */
};

/*
 * Visits the functions of a row from the outermost to the innermost one. First comes a frame for the
 * package. A row without a stack has one more frame, which says why.
 */
void profile_walk(const struct profile *p, const struct profile_row *row, struct symbols *symbols,
		  void (*visit)(void *context, const struct profile_frame *frame), void *context);

/* Appends the function's name for people, as plain text: if unknown, the module and the offset. */
void profile_name(struct buffer *b, const struct profile_frame *frame);

#endif
