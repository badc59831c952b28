/* SPDX-License-Identifier: MIT */
/*
 * The findings of one or more traces: leaks are drawn from their ledgers, misuses are as recorded,
 * and occurrences with equal kind, reason, family and backtraces are one. Backtraces are compared
 * by module (build-id, or else path) and offset, so that processes with different address spaces
 * agree.
 *
 * Pure: no file is read, nothing is printed. What an address is called comes from the caller.
 *
 * The fingerprint is made from kind, reason, family, and the functions and modules of the stacks,
 * as they would be without inlining. Of a frame whose function is not known it takes the offset.
 * Frames of the C library are left out: their local functions have names only where its symbols are
 * installed, and their offsets change with each update.
 *
 * To add a finding: a row in TRACE_KINDS (trace_format.h), its judgement in the preload library,
 * and its sentence in `sentences` of message.c.
 */
#ifndef LSATRACE_VIEWER_FINDINGS_FINDINGS_H
#define LSATRACE_VIEWER_FINDINGS_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "viewer/model/model.h"
#include "viewer/symbols/symbols.h"

/* Asks what an address is called; see symbols_find. */
struct findings_namer {
	const struct symbol *(*find)(void *context, const struct model_module *module,
				     uint64_t offset);
	void *context;
};

/* A section as a finding names it. */
struct finding_section {
	bool known; /* there is one, and this is its handle: */
	uint64_t handle;
	bool sizes_known;
	uint32_t max_size, initial_size;
};

/* A live block, as its neighbour's finding names it. */
struct finding_neighbour {
	bool known;
	uint64_t address, size;
	const struct model_stack *stack; /* that allocated it; NULL: unknown */
};

/* The stacks that a finding may have are those of enum trace_finding_stacks. */
struct finding {
	enum trace_kind kind;
	enum trace_reason reason;
	enum trace_level level;
	uint64_t count;
	uint64_t bytes; /* sum over all occurrences */
	/* What follows is that of the first occurrence. */
	const struct model *model;
	const char *family;
	const char *block_family; /* of the block concerned; NULL: unknown or none */
	const char *function;     /* that was called; NULL for a leak */
	uint32_t package;         /* index in `model` */
	bool at_unload; /* leak: any of them was still held when its package was unloaded */
	bool has_address, has_size;
	uint64_t address, size;
	uint64_t block; /* where the block concerned begins; 0: unknown or none */
	struct finding_section section, owner;
	/* An access outside of a live block: the nearest blocks in the same section, or heap, that are live
	 * at the end of the trace. */
	bool has_neighbours;
	struct finding_neighbour before, after;
	const struct model_stack *stack[TRACE_FINDING_STACKS]; /* NULL: does not apply, or unknown */
	char fingerprint[17];
	char *message; /* one sentence in words, without the counts */
};

struct findings {
	struct finding *all; /* the most costly first */
	size_t count;
	uint64_t errors, warnings, notes;                      /* occurrences */
	uint64_t leaked_blocks, leaked_bytes, leaked_sections; /* bytes: of the blocks */
	bool exact; /* false: a lower bound, `lost` says by how much */
	uint64_t lost[TRACE_LOST_COUNT];
};

/* The models must outlive the result. Never NULL. */
struct findings *findings_new(struct model *const *models, size_t count,
			      struct findings_namer namer);
void findings_free(struct findings *f);

const char *findings_kind_text(enum trace_kind kind);
const char *findings_reason_text(enum trace_reason reason); /* NULL for TRACE_REASON_NONE */
const char *findings_level_text(enum trace_level level);

/* The name of a counter of losses, for machines, and what it means in words after its number. */
const char *findings_lost_name(enum trace_lost what);
const char *findings_lost_words(enum trace_lost what);

/* The sentence for a finding (message.c). The caller frees it. */
char *findings_message(const struct finding *finding, const struct findings_namer *namer);

#endif
