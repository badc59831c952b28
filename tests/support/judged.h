/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_JUDGED_H
#define SUPPORT_JUDGED_H

/*
 * Makes traces, and judges them, for tests of findings. Offsets 0x1000 to 0x1fff of "/p/named.so" have
 * names: function f<offset>, at line <offset> & 0xfff of named.c. If a trace cannot be read, the calling
 * test fails.
 */

#include "trace_builder.h"
#include "viewer/findings/findings.h"

struct judged {
	struct model *models[4];
	size_t count;
	struct findings *f;
};

/* Offset 0x2000 has this name in the symbol table, and "shown" in the debug information. */
extern const char *judged_linkage_name;

/* Judges the traces together; with the names of wrappers. */
struct judged judge(struct trace_builder **builders, size_t count);
struct judged judge_one(struct trace_builder *b);
struct judged judge_with(struct trace_builder **builders, size_t count,
			 const struct argument_list *globs);
/* Frees the trace as well. */
void judged_release(struct judged *j, struct trace_builder *b);

/* A trace with named.so as module 1. */
struct trace_builder *named_trace(void);

/* A block of the LSA heap; a section; a block in one; a misuse of FreeSharedMemory. */
struct trace_entry live_block(uint64_t address, uint64_t size, uint32_t stack);
struct trace_entry live_section(uint64_t handle, uint32_t stack);
struct trace_entry live_block_in(uint32_t section_ref, uint64_t size, uint32_t stack);
struct trace_finding misuse_of(enum trace_kind kind, enum trace_reason reason, uint32_t stack);

#endif
