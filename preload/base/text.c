/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "preload/base/text.h"

#include "preload/base/poison.h"

void line_bytes(struct line *l, const char *text, size_t bytes)
{
	size_t room = sizeof(l->text) - l->bytes;

	if (bytes > room)
		bytes = room;
	memcpy(l->text + l->bytes, text, bytes);
	l->bytes += bytes;
}

void line_text(struct line *l, const char *text)
{
	line_bytes(l, text, strlen(text));
}

static void line_digits(struct line *l, uint64_t number, unsigned base)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	line_bytes(l, digits + at, sizeof(digits) - at);
}

void line_number(struct line *l, uint64_t number)
{
	line_digits(l, number, 10);
}

void line_address(struct line *l, uint64_t address)
{
	line_text(l, "0x");
	line_digits(l, address, 16);
}

void line_errno(struct line *l, int error)
{
	const char *text = strerrordesc_np(error);

	line_text(l, text ? text : "unknown error");
}

void line_say(const struct line *l)
{
	struct iovec parts[] = {
		{ .iov_base = "lsatrace: ", .iov_len = 10 },
		{ .iov_base = (void *)l->text, .iov_len = l->bytes },
		{ .iov_base = "\n", .iov_len = 1 },
	};
	int saved = errno;
	ssize_t ignored = writev(STDERR_FILENO, parts, 3);

	(void)ignored;
	errno = saved;
}
