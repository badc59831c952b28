/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "preload/file/name.h"

#include "preload/base/poison.h"

static void add(struct name *n, const char *text, size_t bytes)
{
	size_t room = NAME_BYTES_MOST - n->bytes;

	n->cut_off |= bytes > room;
	if (bytes > room)
		bytes = room;
	memcpy(n->text + n->bytes, text, bytes);
	n->bytes += bytes;
	n->text[n->bytes] = '\0';
}

static void add_number(struct name *n, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	add(n, digits + at, sizeof(digits) - at);
}

static void add_executable(struct name *n)
{
	char path[NAME_BYTES_MOST];
	ssize_t bytes = readlink("/proc/self/exe", path, sizeof(path));
	const char *slash = bytes > 0 ? memrchr(path, '/', (size_t)bytes) : NULL;

	if (slash)
		add(n, slash + 1, (size_t)(path + bytes - slash - 1));
	else
		add(n, program_invocation_short_name, strlen(program_invocation_short_name));
}

static void add_host(struct name *n)
{
	struct utsname host;

	if (uname(&host) == 0)
		add(n, host.nodename, strcspn(host.nodename, "/"));
}

static void add_directive(struct name *n, const char *directive, uint64_t start_time_s)
{
	switch (directive[1]) {
	case 'e':
		add_executable(n);
		break;
	case 'p':
		add_number(n, (uint64_t)getpid());
		break;
	case 'h':
		add_host(n);
		break;
	case 't':
		add_number(n, start_time_s);
		break;
	case '%':
		add(n, "%", 1);
		break;
	default:
		add(n, directive, 2);
	}
}

void name_expand(struct name *n, const char *pattern, size_t bytes, const char *folder,
		 uint64_t start_time_s)
{
	n->bytes = 0;
	n->text[0] = '\0';
	n->cut_off = false;
	if (pattern[0] != '/' && folder[0]) {
		add(n, folder, strlen(folder));
		add(n, "/", 1);
	}
	for (size_t i = 0; i < bytes; i++) {
		if (pattern[i] == '%' && i + 1 < bytes)
			add_directive(n, &pattern[i++], start_time_s);
		else
			add(n, &pattern[i], 1);
	}
}

void name_number(struct name *n, size_t base_bytes, unsigned number)
{
	n->bytes = base_bytes;
	add(n, ".", 1);
	add_number(n, number);
}
