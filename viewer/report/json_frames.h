/* SPDX-License-Identifier: MIT */
/*
 * Stacks and simple values as JSON (jansson). A frame that occurs in many stacks is one json_t with
 * many references, so a report with thousands of stacks stays small.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_REPORT_JSON_FRAMES_H
#define LSATRACE_VIEWER_REPORT_JSON_FRAMES_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct json_frames;
struct model_stack;
struct symbols;

/* The symbols must outlive the result. Never NULL. */
struct json_frames *json_frames_new(struct symbols *symbols);
/* Accepts NULL. */
void json_frames_free(struct json_frames *j);

/* Returns a new reference to an array of the stack's frames, which is empty for NULL. */
json_t *json_frames_stack(struct json_frames *j, const struct model_stack *stack);

/* "0x7f12" */
json_t *json_address(uint64_t address);
/* A JSON integer has 63 bits: a greater number becomes the greatest one. */
json_t *json_number(uint64_t number);
/* null for NULL */
json_t *json_text(const char *text);

/* Appends a document and a newline; `flags` as for json_dumps(). */
void json_write(struct buffer *b, const json_t *json, size_t flags);

#endif
