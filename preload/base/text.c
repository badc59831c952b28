/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "preload/base/kernel.h"
#include "preload/base/text.h"

#include "preload/base/poison.h"

void text_add_bytes(struct text *t, const char *bytes, size_t count)
{
	size_t room = t->size - 1 - t->bytes;

	t->is_cut |= count > room;
	if (count > room)
		count = room;
	memcpy(t->at + t->bytes, bytes, count);
	t->bytes += count;
	t->at[t->bytes] = '\0';
}

void text_add(struct text *t, const char *string)
{
	text_add_bytes(t, string, strlen(string));
}

static void add_digits(struct text *t, uint64_t number, unsigned base)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	text_add_bytes(t, digits + at, sizeof(digits) - at);
}

void text_add_number(struct text *t, uint64_t number)
{
	add_digits(t, number, 10);
}

void text_add_address(struct text *t, uint64_t address)
{
	text_add(t, "0x");
	add_digits(t, address, 16);
}

static struct {
	bool is_known;
	dev_t device;
	ino_t inode;
} standard_error;

void text_start(void)
{
	struct stat st;

	standard_error.is_known = fstat(STDERR_FILENO, &st) == 0;
	standard_error.device = st.st_dev;
	standard_error.inode = st.st_ino;
}

static bool is_standard_error(void)
{
	struct stat st;

	return standard_error.is_known && fstat(STDERR_FILENO, &st) == 0 &&
	       st.st_dev == standard_error.device && st.st_ino == standard_error.inode;
}

void text_say(const struct text *t)
{
	struct iovec parts[] = {
		{ .iov_base = "lsatrace: ", .iov_len = 10 },
		{ .iov_base = t->at, .iov_len = t->bytes },
		{ .iov_base = "\n", .iov_len = 1 },
	};
	int saved_errno = errno;

	if (is_standard_error())
		kernel_writev(STDERR_FILENO, parts, 3);
	errno = saved_errno;
}

uint64_t text_read_number(const char **at, const char *end)
{
	uint64_t number = 0;

	for (; *at < end && **at >= '0' && **at <= '9'; ++*at)
		number = number * 10 + (uint64_t)(**at - '0');
	return number;
}

int text_hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}
