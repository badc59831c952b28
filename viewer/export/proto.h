/* SPDX-License-Identifier: MIT */
/*
 * Writes messages of Protocol Buffers: the few types of fields that profiles and Perfetto's traces
 * have. A caller may leave out a field that is 0 or empty: it means the same.
 *
 * Pure functions.
 */
#ifndef LSATRACE_VIEWER_EXPORT_PROTO_H
#define LSATRACE_VIEWER_EXPORT_PROTO_H

#include <stddef.h>
#include <stdint.h>

struct buffer;

/* Appends one number without a field, for packed lists. */
void proto_varint(struct buffer *b, uint64_t number);

/* Each appends a field. A number is an integer or a boolean. */
void proto_number(struct buffer *b, unsigned field, uint64_t number);
void proto_bytes(struct buffer *b, unsigned field, const void *bytes, size_t count);
void proto_text(struct buffer *b, unsigned field, const char *text);
/* Appends a field that is a message, a list or a text, and empties that. */
void proto_take(struct buffer *b, unsigned field, struct buffer *message);

#endif
