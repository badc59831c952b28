/* SPDX-License-Identifier: MIT */
/*
 * A finding: one defect, with all its occurrences. This header has only the types; findings.h makes
 * findings.
 */
#ifndef LSATRACE_VIEWER_FINDINGS_FINDING_H
#define LSATRACE_VIEWER_FINDINGS_FINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/trace_format.h"

struct model;
struct model_module;
struct model_stack;
struct symbol;

/* How to find the symbol of an address, as symbols_find() does. */
struct findings_namer {
	const struct symbol *(*find)(void *context, const struct model_module *module,
				     uint64_t offset);
	void *context;
	/* As symbols_find_data() does; NULL: data has no names. */
	const char *(*find_data)(void *context, const struct model_module *module, uint64_t offset,
				 uint64_t *from);
};

/* A section that a finding names. */
struct finding_section {
	bool known; /* there is one, and its handle is known: */
	uint64_t handle;
	bool sizes_known;
	uint32_t max_size, initial_size;
};

/* A live block beside the one that a finding concerns. */
struct finding_neighbour {
	bool known;
	uint64_t address, size;
	const struct model_stack *stack; /* that allocated it; NULL: unknown */
};

enum { FINDING_FAILED_MOST = 2 };

/* How often a finding is in one of several traces. */
struct finding_share {
	uint32_t trace; /* number of the model */
	uint64_t count;
};

/* A call that --fail let fail in a process. */
struct finding_failed {
	const struct model *model;         /* of the first of these processes */
	uint32_t trace;                    /* its number */
	uint32_t package, function, stack; /* in that model; the stack is a reference */
	uint64_t site;                     /* include/site.h; 0: it is not known */
};

/* What a baseline says of a finding. */
enum finding_baseline {
	FINDING_NO_BASELINE,
	FINDING_NEW,   /* it has none */
	FINDING_GROWN, /* it has fewer occurrences */
	FINDING_KNOWN
};

struct finding {
	size_t number; /* from 1 on, in the order of the report without filters */
	enum trace_kind kind;
	enum trace_reason reason;
	enum trace_level level;
	uint64_t count; /* occurrences */
	uint64_t bytes; /* sum over all occurrences */
	/* By trace, in the order of the models, if there are several models; else there are 0. */
	const struct finding_share *share;
	size_t shares;
	/*
	 * The calls that were made to fail in the processes that have the finding, each site once, in the
	 * order of the traces. Of a process in which there were more than FINDING_FAILED_MOST of them, it is
	 * not known which one matters: it has no part in this. Of notes there are none.
	 */
	const struct finding_failed *failed;
	size_t faileds;
	/* What follows is that of the first occurrence. */
	const struct model *model;
	uint32_t trace; /* number of that model */
	int32_t thread; /* kernel thread id; 0: unknown */
	/* Times of the first and last occurrence, since 1970; of a leak, of its allocations. 0: unknown. */
	uint64_t first_ns, last_ns;
	const char *family;
	const char *block_family; /* of the block concerned; NULL: unknown or none */
	const char *function;     /* that was called, or has returned; NULL: none, or unknown */
	const char *handed_out;   /* the function that handed out the block; NULL: an allocator */
	const char *parameter;    /* of an entry point, by which it returned; NULL: none */
	uint32_t package;         /* index in `model` */
	enum trace_place place;   /* of an unknown address */
	uint32_t place_of;
	bool at_unload;   /* leak: an occurrence was still held when its package was unloaded */
	bool is_indirect; /* block leak: its section has leaked as well */
	enum trace_reach reach; /* leak: what the search has found, of the worst occurrence */
	bool is_mixed;          /* not of all occurrences the same */
	/* Leak: if all occurrences were made in calls of an entry point that failed, its name and the
	 * status; else NULL. */
	const char *entry_point;
	uint32_t status;
	/* Findings that belong together follow each other: a section that leaks, then its blocks; and
	 * the blocks of one call of an entry point. The first one leads, the others are led. The sums
	 * are over those that are led. */
	bool is_led, is_leading;
	uint32_t group; /* if it leads or is led: a number that these findings share */
	uint64_t led_findings, led_count, led_bytes;
	bool has_address, has_size;
	uint64_t address, size;
	uint64_t block;  /* where the block concerned begins; 0: unknown or none */
	uint32_t damage; /* canary bytes from the first to the last that was overwritten; else 0 */
	struct finding_section section, owner;
	/*
	 * For an access outside of a live block: the nearest blocks in the same section, or heap,
	 * that are live at the end of the trace.
	 */
	bool has_neighbours;
	struct finding_neighbour before, after;
	/* By enum trace_finding_stacks. NULL: does not apply, or is unknown. */
	const struct model_stack *stack[TRACE_FINDING_STACKS];
	char fingerprint[32]; /* 16 hexadecimal digits; ":2" and so on for further equal ones */
	char fingerprint_weak[17];
	const char *suppressed_by; /* the name of the suppression; NULL: it is not suppressed */
	enum finding_baseline baseline;
	uint64_t ceiling; /* occurrences in the baseline */
	bool by_weak;     /* the baseline has it by its weak fingerprint only */
	bool has_offsets; /* the fingerprint is made from offsets, and not only from names */
	/* How many of its frames belong to wrappers (wrappers.h), or are not of the package, while a
	 * later one is. The next one is the culprit. */
	uint8_t skipped[TRACE_FINDING_STACKS];
	char *message; /* one sentence, without the counts */
};

/* Which of its stacks ends in the line to be changed. It may have none at all. */
static inline unsigned finding_main_stack(const struct finding *f)
{
	unsigned which = TRACE_STACK_CALL;

	/* An entry point is called by the host. */
	if (f->kind == TRACE_KIND_WRONG_TRANSFER)
		which = f->reason == TRACE_REASON_FREED ? TRACE_STACK_FREE : TRACE_STACK_ALLOCATE;
	if (f->stack[which])
		return which;
	for (which = 0; which + 1 < TRACE_FINDING_STACKS && !f->stack[which]; which++)
		continue;
	return which;
}

/* Is it one that may change the exit status? */
static inline bool finding_counts(const struct finding *f)
{
	return !f->suppressed_by && f->baseline != FINDING_KNOWN;
}

#endif
