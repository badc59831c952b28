/* SPDX-License-Identifier: MIT */
/*
 * Writes stacks as JSON. For one thread at a time, as symbols are.
 */
#ifndef LSATRACE_VIEWER_REPORT_JSON_FRAMES_H
#define LSATRACE_VIEWER_REPORT_JSON_FRAMES_H

#include <stdint.h>

struct json;
struct model;
struct model_stack;
struct symbols;

/*
 * Writes an array of the stack's frames, which is empty for NULL. `package` is the one that made the
 * call.
 */
void json_frames_write(struct json *j, const char *key, struct symbols *symbols,
		       const struct model *model, uint32_t package, const struct model_stack *stack);

#endif
