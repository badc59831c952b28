/* SPDX-License-Identifier: MIT */
/*
 * Builds a trace in memory, as a traced process would have left it, so that tests say in C what is
 * in their traces and no opaque file lies in the tree. A new trace is valid: its header says that
 * process 4711 exited with status 0, every family and function of slots.h is defined, and nothing
 * happened.
 *
 * Pointers to items stay valid until the next one is added. Running out of memory ends the test.
 */
#ifndef LSATRACE_TRACE_BUILDER_H
#define LSATRACE_TRACE_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "include/slots.h"
#include "include/trace_format.h"

struct trace_builder;

struct trace_builder *trace_builder_new(void);
void trace_builder_free(struct trace_builder *b); /* also removes what was written */

/* The header, to be changed at will; `chunks` is set anew whenever a chunk is added. */
struct trace_header *trace_builder_header(struct trace_builder *b);

/* A record of the log with `bytes` bytes after its head, zeroed and committed. Returns it. */
void *trace_builder_record(struct trace_builder *b, enum trace_record_type type, size_t bytes);
uint32_t trace_builder_ref(const struct trace_builder *b, const void *item);

void trace_builder_text(struct trace_builder *b, enum trace_record_type type, uint32_t number,
			const char *text);
/* `build_id`: text whose bytes are the id, or NULL. */
void trace_builder_module(struct trace_builder *b, uint32_t id, const char *path, uint64_t base,
			  const char *build_id);
void trace_builder_package(struct trace_builder *b, uint32_t index, const char *name,
			   uint64_t package_id, uint32_t module);

/* A frame's word, and a stack of frames, innermost first. Returns the reference. */
uint64_t trace_builder_frame(uint32_t module, uint64_t offset);
uint32_t trace_builder_stack(struct trace_builder *b, const uint64_t *frames, uint32_t count);
/* The same for a stack of one frame. */
uint32_t trace_builder_place(struct trace_builder *b, uint32_t module, uint64_t offset);

uint32_t trace_builder_entry(struct trace_builder *b, struct trace_entry entry);
/* The finding gets a count of 1 if it has none, and is committed. */
struct trace_finding *trace_builder_finding(struct trace_builder *b, struct trace_finding finding);
struct trace_lane *trace_builder_lane(struct trace_builder *b, uint32_t number, int32_t tid);
/* `function`: a slot, or a transfer. */
void trace_builder_counter(struct trace_builder *b, uint32_t package, unsigned function,
			   uint64_t calls, uint64_t failed, uint64_t bytes);

/* In the lane's open ring chunk; `state` is stored as given. Returns it. */
struct trace_event *trace_builder_event(struct trace_builder *b, uint32_t lane,
					struct trace_event event);
/* The next event of the lane goes to a new chunk. */
void trace_builder_close_ring(struct trace_builder *b, uint32_t lane);

/* The chunk that holds an item. */
struct trace_chunk *trace_builder_chunk(struct trace_builder *b, const void *item);

/* The file's bytes, to be changed at will. */
unsigned char *trace_builder_bytes(struct trace_builder *b, size_t *size);

/* Writes the file into a folder of its own. The path lives until trace_builder_free. */
const char *trace_builder_write(struct trace_builder *b);
/* The same with `size` bytes of anything. */
const char *trace_builder_write_bytes(struct trace_builder *b, const void *bytes, size_t size);

#endif
