/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "include/program.h"
#include "preload/base/kernel.h"
#include "preload/base/text.h"
#include "preload/file/name.h"

#include "preload/base/poison.h"

/* Of Wine, that is the program that it runs. The memory is lent. */
static bool add_program_of_wine(struct text *t, char *arguments, size_t size)
{
	size_t bytes = kernel_read_file("/proc/self/cmdline", arguments, size - 1);
	const char *program;

	arguments[bytes] = '\0';
	program = program_of_wine(arguments, bytes);
	if (program)
		text_add(t, program_name_of_windows(program));
	return program;
}

static void add_executable(struct text *t)
{
	char path[NAME_BYTES_MOST];
	ssize_t bytes = readlink("/proc/self/exe", path, sizeof(path));
	const char *slash;

	if (bytes > 0 && program_is_wine(path, (size_t)bytes)) {
		if (add_program_of_wine(t, path, sizeof(path)))
			return;
		bytes = readlink("/proc/self/exe", path, sizeof(path));
	}
	slash = bytes > 0 ? memrchr(path, '/', (size_t)bytes) : NULL;
	if (slash)
		text_add_bytes(t, slash + 1, (size_t)(path + bytes - slash - 1));
	else
		text_add(t, program_invocation_short_name);
}

static void add_host(struct text *t)
{
	struct utsname host;

	if (uname(&host) == 0)
		text_add_bytes(t, host.nodename, strcspn(host.nodename, "/"));
}

static void add_directive(struct text *t, const char *directive, uint64_t start_time_s)
{
	switch (directive[1]) {
	case 'e':
		add_executable(t);
		break;
	case 'p':
		text_add_number(t, (uint64_t)getpid());
		break;
	case 'h':
		add_host(t);
		break;
	case 't':
		text_add_number(t, start_time_s);
		break;
	case '%':
		text_add(t, "%");
		break;
	default:
		text_add_bytes(t, directive, 2);
	}
}

void name_expand(struct name *n, const char *pattern, size_t bytes, const char *folder,
		 uint64_t start_time_s)
{
	struct text t = TEXT_IN(n->text);

	if (pattern[0] != '/' && folder[0]) {
		text_add(&t, folder);
		text_add(&t, "/");
	}
	for (size_t i = 0; i < bytes; i++) {
		if (pattern[i] == '%' && i + 1 < bytes)
			add_directive(&t, &pattern[i++], start_time_s);
		else
			text_add_bytes(&t, &pattern[i], 1);
	}
	n->bytes = t.bytes;
	n->cut_off = t.is_cut;
}

void name_number(struct name *n, size_t base_bytes, unsigned number)
{
	struct text t = { .at = n->text, .size = sizeof(n->text), .bytes = base_bytes };

	text_add(&t, ".");
	text_add_number(&t, number);
	n->bytes = t.bytes;
	n->cut_off |= t.is_cut;
}
