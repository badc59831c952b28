/* SPDX-License-Identifier: MIT */
/*
 * Frames and stacks as JSON (jansson). A frame that occurs in many stacks is one json_t with many
 * references, which is what keeps a report with thousands of stacks small.
 */
#ifndef LSATRACE_VIEWER_REPORT_JSON_FRAMES_H
#define LSATRACE_VIEWER_REPORT_JSON_FRAMES_H

#include <jansson.h>
#include <stdint.h>

struct json_frames;
struct model_stack;
struct symbols;

struct json_frames *json_frames_new(struct symbols *symbols);
void json_frames_free(struct json_frames *j);

/* A new reference to the array of a stack's frames; an empty one for NULL. */
json_t *json_frames_stack(struct json_frames *j, const struct model_stack *stack);

/* "0x7f12" */
json_t *json_address(uint64_t address);
/* A number, as large as JSON integers go; a text, or null for NULL. */
json_t *json_number(uint64_t number);
json_t *json_text(const char *text);

#endif
