/* SPDX-License-Identifier: MIT */
#include "viewer/base/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "viewer/base/memory.h"
#include "viewer/base/progress.h"

#define REPLACEMENT "\xef\xbf\xbd"
#define ELLIPSIS "\xe2\x80\xa6"
#define STREAM_BYTES (1u << 16)
#define FORMATTED_BYTES 120 /* most of what is formatted is shorter */

void buffer_release(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){ 0 };
}

static void write_out(struct buffer *b, size_t bytes)
{
	struct buffer shaped = { 0 };
	const char *text;
	size_t length;

	if (bytes == 0)
		return;
	if (!b->is_to_file)
		progress_end(b->progress);
	if (b->shape)
		b->shape(&shaped, b->data, bytes, b->width);
	text = b->shape ? shaped.data : b->data;
	length = b->shape ? shaped.used : bytes;
	if (!b->error && fwrite(text, 1, length, b->out) != length)
		b->error = errno;
	buffer_release(&shaped);
	b->written += bytes;
	if (b->is_to_file)
		progress_show_bytes(b->progress, "writing", b->written);
	b->used -= bytes;
	memmove(b->data, b->data + bytes, b->used);
}

void buffer_stream(struct buffer *b, FILE *out, struct progress *progress)
{
	struct stat status;

	b->out = out;
	b->progress = progress;
	b->is_to_file =
		fileno(out) >= 0 && fstat(fileno(out), &status) == 0 && S_ISREG(status.st_mode);
}

int buffer_flush(struct buffer *b)
{
	write_out(b, b->used);
	progress_end(b->progress);
	if (!b->error && fflush(b->out) != 0)
		b->error = errno;
	return b->error;
}

static void grow(struct buffer *b, size_t more)
{
	size_t need;

	if (b->out && b->used && b->used + more >= STREAM_BYTES) {
		const char *line = memrchr(b->data, '\n', b->used);

		write_out(b, line ? (size_t)(line + 1 - b->data) : b->used);
	}
	need = b->used + more + 1;
	if (need > b->room) {
		b->room = need > b->room * 2 ? need + 64 : b->room * 2;
		b->data = memory_resize(b->data, b->room, 1);
	}
}

/* Makes room for `more` bytes and a terminator, and returns where they go. */
static inline char *reserve_bytes(struct buffer *b, size_t more)
{
	if (b->used + more >= b->room || (b->out && b->used + more >= STREAM_BYTES))
		grow(b, more);
	return b->data + b->used;
}

void buffer_bytes(struct buffer *b, const char *bytes, size_t count)
{
	char *end = reserve_bytes(b, count);

	if (count)
		memcpy(end, bytes, count);
	end[count] = '\0';
	b->used += count;
}

void buffer_format(struct buffer *b, const char *format, ...)
{
	size_t room = FORMATTED_BYTES;
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(reserve_bytes(b, room), room + 1, format, arguments);
	va_end(arguments);
	if (length > (int)room) {
		room = (size_t)length;
		va_start(arguments, format);
		vsnprintf(reserve_bytes(b, room), room + 1, format, arguments);
		va_end(arguments);
	}
	b->used += length < 0 ? 0 : (size_t)length;
}

void buffer_blanks(struct buffer *b, size_t count)
{
	memset(reserve_bytes(b, count), ' ', count);
	b->used += count;
	b->data[b->used] = '\0';
}

void buffer_padded(struct buffer *b, uint64_t number, unsigned digits)
{
	char text[20];
	unsigned at = sizeof(text);

	do {
		text[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number || sizeof(text) - at < digits);
	buffer_bytes(b, text + at, sizeof(text) - at);
}

void buffer_decimal(struct buffer *b, uint64_t number)
{
	buffer_padded(b, number, 1);
}

void buffer_signed(struct buffer *b, int64_t number)
{
	if (number < 0)
		buffer_text(b, "-");
	buffer_padded(b, number < 0 ? -(uint64_t)number : (uint64_t)number, 1);
}

void buffer_hex(struct buffer *b, uint64_t number)
{
	char text[18];
	unsigned at = sizeof(text);

	do {
		text[--at] = "0123456789abcdef"[number & 15];
		number >>= 4;
	} while (number);
	text[--at] = 'x';
	text[--at] = '0';
	buffer_bytes(b, text + at, sizeof(text) - at);
}

void buffer_hex_bytes(struct buffer *b, const uint8_t *bytes, size_t count)
{
	char *end = reserve_bytes(b, 2 * count);

	for (size_t i = 0; i < count; i++) {
		*end++ = "0123456789abcdef"[bytes[i] >> 4];
		*end++ = "0123456789abcdef"[bytes[i] & 15];
	}
	*end = '\0';
	b->used += 2 * count;
}

void buffer_count(struct buffer *b, uint64_t number, const char *noun)
{
	buffer_decimal(b, number);
	buffer_text(b, " ");
	buffer_text(b, noun);
	buffer_text(b, number == 1 ? "" : "s");
}

void buffer_grouped(struct buffer *b, uint64_t number)
{
	if (number >= 1000) {
		buffer_grouped(b, number / 1000);
		buffer_text(b, ",");
	}
	buffer_padded(b, number % 1000, number >= 1000 ? 3 : 1);
}

void buffer_size(struct buffer *b, uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	unsigned unit = 0;

	while (unit + 1 < sizeof(units) / sizeof(*units) && bytes >> (10 * unit) >= 1024)
		unit++;
	buffer_decimal(b, bytes >> (10 * unit));
	if (unit)
		buffer_format(b, ".%u", (unsigned)((bytes >> (10 * (unit - 1)) & 1023) * 10 / 1024));
	buffer_text(b, " ");
	buffer_text(b, units[unit]);
}

void buffer_seconds(struct buffer *b, uint64_t ns, unsigned digits)
{
	uint64_t fraction = ns % 1000000000u;

	for (unsigned i = digits; i < 9; i++)
		fraction /= 10;
	buffer_decimal(b, ns / 1000000000u);
	buffer_text(b, ".");
	buffer_padded(b, fraction, digits);
}

/* Returns the length of the character that starts here, or 0 if it is none (Unicode, table 3-7). */
static size_t measure_character(const unsigned char *s, size_t left)
{
	unsigned char least = 0x80, most = 0xbf;
	size_t bytes;

	if (s[0] < 0x80)
		return s[0] ? 1 : 0;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	bytes = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		least = 0xa0;
	else if (s[0] == 0xed)
		most = 0x9f;
	else if (s[0] == 0xf0)
		least = 0x90;
	else if (s[0] == 0xf4)
		most = 0x8f;
	if (left < bytes || s[1] < least || s[1] > most)
		return 0;
	for (size_t i = 2; i < bytes; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return bytes;
}

/* The control characters C0, DEL, and C1 in its UTF-8 form. */
static bool is_control(const unsigned char *s, size_t bytes)
{
	return (bytes == 1 && (s[0] < 0x20 || s[0] == 0x7f)) ||
	       (bytes == 2 && s[0] == 0xc2 && s[1] < 0xa0);
}

#define EACH_BYTE(byte) (0x0101010101010101u * (unsigned char)(byte))
/* Not 0 if a byte of the word is 0; and if none is, 0. */
#define HAS_ZERO(word) (((word)-EACH_BYTE(1)) & ~(word)&EACH_BYTE(0x80))

size_t buffer_span(const char *bytes, size_t count, char a, char b)
{
	size_t at = 0;
	uint64_t word;

	for (; count - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, bytes + at, sizeof(word));
		if ((word & EACH_BYTE(0x80)) | ((word - EACH_BYTE(0x20)) & EACH_BYTE(0x80)) |
		    HAS_ZERO(word ^ EACH_BYTE(0x7f)) | HAS_ZERO(word ^ EACH_BYTE(a)) |
		    HAS_ZERO(word ^ EACH_BYTE(b)))
			break;
	}
	while (at < count && bytes[at] >= 0x20 && bytes[at] != 0x7f && bytes[at] != a &&
	       bytes[at] != b)
		at++;
	return at;
}

static void append_clean(struct buffer *b, const char *bytes, size_t count, bool plain)
{
	const unsigned char *s = (const unsigned char *)bytes;
	size_t at = 0, taken = 0;

	for (;;) {
		size_t length, step;

		at += buffer_span(bytes + at, count - at, 0, 0);
		if (at == count)
			break;
		length = measure_character(s + at, count - at);
		step = length ? length : 1;

		if (length == 0 || (plain && is_control(s + at, length))) {
			buffer_bytes(b, bytes + taken, at - taken);
			buffer_text(b, length ? "?" : REPLACEMENT);
			taken = at + step;
		}
		at += step;
	}
	buffer_bytes(b, bytes + taken, at - taken);
}

void buffer_utf8(struct buffer *b, const char *bytes, size_t count)
{
	append_clean(b, bytes, count, false);
}

void buffer_plain(struct buffer *b, const char *text)
{
	append_clean(b, text, strlen(text), true);
}

/* A copy without room for more: there may be many. */
char *buffer_take(struct buffer *b)
{
	char *text = memory_text(b->data, b->used);

	buffer_release(b);
	return text;
}

char *buffer_take_utf8(const char *bytes, size_t count)
{
	struct buffer b = { 0 };

	buffer_utf8(&b, bytes, count);
	return buffer_take(&b);
}

char *buffer_take_plain(const char *text)
{
	struct buffer b = { 0 };

	buffer_plain(&b, text);
	return buffer_take(&b);
}

char *buffer_take_cut(const char *bytes, size_t count, size_t most)
{
	bool is_cut = count > most;
	struct buffer b = { 0 };

	if (!is_cut && buffer_span(bytes, count, 0, 0) == count)
		return memory_text(bytes, count);
	buffer_utf8(&b, bytes, is_cut ? most : count);
	if (is_cut || b.used > most) {
		b.used = b.used < most - strlen(ELLIPSIS) ? b.used : most - strlen(ELLIPSIS);
		/* Not within a character. */
		while (b.used && (b.data[b.used] & 0xc0) == 0x80)
			b.used--;
		buffer_text(&b, ELLIPSIS);
	}
	return buffer_take(&b);
}
