/* SPDX-License-Identifier: MIT */
#include "viewer/export/proto.h"

#include <string.h>

#include "viewer/base/buffer.h"

enum { TYPE_VARINT = 0, TYPE_BYTES = 2, VARINT_MOST = 10 };

/* Returns the end of what it has written. */
static char *put_varint(char *to, uint64_t number)
{
	for (; number >= 0x80; number >>= 7)
		*to++ = (char)(number | 0x80);
	*to++ = (char)number;
	return to;
}

void proto_varint(struct buffer *b, uint64_t number)
{
	char bytes[VARINT_MOST];

	buffer_bytes(b, bytes, (size_t)(put_varint(bytes, number) - bytes));
}

static void write_pair(struct buffer *b, unsigned tag, uint64_t number)
{
	char bytes[2 * VARINT_MOST];

	buffer_bytes(b, bytes, (size_t)(put_varint(put_varint(bytes, tag), number) - bytes));
}

void proto_number(struct buffer *b, unsigned field, uint64_t number)
{
	write_pair(b, field << 3 | TYPE_VARINT, number);
}

void proto_bytes(struct buffer *b, unsigned field, const void *bytes, size_t count)
{
	write_pair(b, field << 3 | TYPE_BYTES, count);
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
