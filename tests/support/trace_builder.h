/* SPDX-License-Identifier: MIT */
/*
 * Builds a trace in memory, as a traced process would have left it. So tests say in C what is in
 * their traces, and the tree needs no binary files. A new trace is valid: its header says that
 * process 4711 exited with status 0, every family and function of slots.h is defined, and there are
 * no calls.
 *
 * Pointers to items are valid until trace_builder_free(). If memory runs out, the test ends by
 * abort().
 */
#ifndef LSATRACE_TRACE_BUILDER_H
#define LSATRACE_TRACE_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "include/slots.h"
#include "include/trace_format.h"

struct trace_builder;

/* A trace that defines all functions. */
struct trace_builder *trace_builder_new(void);
/* One that defines those of tables only, and no entry points: a trace of version 1 may have no more. */
struct trace_builder *trace_builder_of_slots(void);
void trace_builder_free(struct trace_builder *b); /* removes the written file as well */

/* Returns the header, which a test may change. Each chunk that is added sets `chunks` again. */
struct trace_header *trace_builder_header(struct trace_builder *b);

/* Makes it the trace of a process that is there now, and that has not said how it ends. */
void trace_builder_running(struct trace_builder *b, int32_t pid);

/* Adds a committed record to the log, with `bytes` zero bytes after its head. Returns it. */
void *trace_builder_record(struct trace_builder *b, enum trace_record_type type, size_t bytes);
/* Returns the reference of an item. */
uint32_t trace_builder_ref(const struct trace_builder *b, const void *item);

void trace_builder_text(struct trace_builder *b, enum trace_record_type type, uint32_t number,
			const char *text);
/* The bytes of the text `build_id` are the build-id; NULL: there is none. */
void trace_builder_module(struct trace_builder *b, uint32_t id, const char *path, uint64_t base,
			  const char *build_id);
/* A PE module. */
void trace_builder_pe_module(struct trace_builder *b, uint32_t id, const char *path, uint64_t base,
			     const struct trace_pe_id *pe_id);
void trace_builder_package(struct trace_builder *b, uint32_t index, const char *name,
			   uint64_t package_id, uint32_t module);

/* Returns the word for a frame; adds a stack of such frames, innermost first, and returns its
 * reference. */
uint64_t trace_builder_frame(uint32_t module, uint64_t offset);
uint32_t trace_builder_stack(struct trace_builder *b, const uint64_t *frames, uint32_t count);
/* Adds a stack of one frame. Returns its reference. */
uint32_t trace_builder_place(struct trace_builder *b, uint32_t module, uint64_t offset);

uint32_t trace_builder_entry(struct trace_builder *b, struct trace_entry entry);
/* Sets the era of an entry, which is 0 otherwise. */
void trace_builder_era(struct trace_builder *b, uint32_t entry, uint32_t era);
void trace_builder_checkpoint(struct trace_builder *b, uint32_t era, uint64_t time,
			      const char *name);
/* Adds a finding, and commits it. A count of 0 becomes 1. Returns it. */
struct trace_finding *trace_builder_finding(struct trace_builder *b, struct trace_finding finding);
struct trace_lane *trace_builder_lane(struct trace_builder *b, uint32_t number, int32_t tid);
/* Sets the counters of a function, which is a slot or a transfer, for a package. */
void trace_builder_counter(struct trace_builder *b, uint32_t package, unsigned function,
			   uint64_t calls, uint64_t failed, uint64_t bytes);

/* Adds an event to the lane's open ring chunk; `state` is stored unchanged. Returns it. */
struct trace_event *trace_builder_event(struct trace_builder *b, uint32_t lane,
					struct trace_event event);
/* Lets the lane's next event begin a new chunk. */
void trace_builder_close_ring(struct trace_builder *b, uint32_t lane);

/* Returns the chunk that holds an item. */
struct trace_chunk *trace_builder_chunk(struct trace_builder *b, const void *item);

/* Returns the bytes of the file, which a test may change. */
unsigned char *trace_builder_bytes(struct trace_builder *b, size_t *size);

/* Writes the file into a new folder. The path is valid until trace_builder_free(). */
const char *trace_builder_write(struct trace_builder *b);
/* Does the same with any `size` bytes. */
const char *trace_builder_write_bytes(struct trace_builder *b, const void *bytes, size_t size);

#endif
