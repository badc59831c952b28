/* SPDX-License-Identifier: MIT */
/*
 * Writes stacks as JSON. Pure, but for what symbols remember.
 */
#ifndef LSATRACE_VIEWER_REPORT_JSON_FRAMES_H
#define LSATRACE_VIEWER_REPORT_JSON_FRAMES_H

struct json;
struct model_stack;
struct symbols;

/* Writes an array of the stack's frames, which is empty for NULL. */
void json_frames_write(struct json *j, const char *key, struct symbols *symbols,
		       const struct model_stack *stack);

#endif
