/* SPDX-License-Identifier: MIT */
#include "viewer/export/proto.h"

#include <string.h>

#include "viewer/base/buffer.h"

enum { TYPE_VARINT = 0, TYPE_BYTES = 2 };

void proto_varint(struct buffer *b, uint64_t number)
{
	char bytes[10];
	size_t count = 0;

	for (; number >= 0x80; number >>= 7)
		bytes[count++] = (char)(number | 0x80);
	bytes[count++] = (char)number;
	buffer_bytes(b, bytes, count);
}

void proto_number(struct buffer *b, unsigned field, uint64_t number)
{
	proto_varint(b, field << 3 | TYPE_VARINT);
	proto_varint(b, number);
}

void proto_bytes(struct buffer *b, unsigned field, const void *bytes, size_t count)
{
	proto_varint(b, field << 3 | TYPE_BYTES);
	proto_varint(b, count);
	buffer_bytes(b, bytes, count);
}

void proto_text(struct buffer *b, unsigned field, const char *text)
{
	proto_bytes(b, field, text, strlen(text));
}

void proto_take(struct buffer *b, unsigned field, struct buffer *message)
{
	proto_bytes(b, field, message->data ? message->data : "", message->used);
	message->used = 0;
}
