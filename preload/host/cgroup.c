/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stdbool.h>
#include <string.h>

#include "preload/base/kernel.h"
#include "preload/base/text.h"
#include "preload/host/cgroup.h"

#include "preload/base/poison.h"

enum { PATH_BYTES = 512, LINES_BYTES = 2048 };

/* The number in a file of a group; 0: there is none, as in "max". */
static uint64_t read_number(const char *root, const char *group, size_t group_bytes,
			    const char *name)
{
	char path[PATH_BYTES], digits[32];
	struct text t = TEXT_IN(path);
	const char *at = digits;

	text_add(&t, root);
	text_add_bytes(&t, group, group_bytes);
	text_add(&t, name);
	return t.is_cut ? 0
			: text_read_number(&at,
					   digits + kernel_read_file(path, digits, sizeof(digits)));
}

static uint64_t left_in(const char *root, const char *group, size_t bytes, const char *limit_name,
			const char *used_name)
{
	uint64_t limit = read_number(root, group, bytes, limit_name);
	uint64_t used = read_number(root, group, bytes, used_name);

	if (limit == 0)
		return UINT64_MAX;
	return limit > used ? limit - used : 0;
}

/* "4:memory:/a/group", or "0::/a/group" in version 2. In a container the group's files may be where
 * those of the whole system are elsewhere. */
static uint64_t left_by_line(const char *line, size_t bytes)
{
	const char *group = memmem(line, bytes, ":/", 2);
	size_t group_bytes = group ? (size_t)(line + bytes - ++group) : 0;
	uint64_t left, in_container;

	if (!group)
		return UINT64_MAX;
	if (group_bytes == 1)
		group_bytes = 0;
	if (memmem(line, (size_t)(group - line), "memory", 6)) {
		left = left_in("/sys/fs/cgroup/memory", group, group_bytes,
			       "/memory.limit_in_bytes", "/memory.usage_in_bytes");
		in_container = left_in("/sys/fs/cgroup/memory", group, 0, "/memory.limit_in_bytes",
				       "/memory.usage_in_bytes");
	} else if (bytes > 3 && memcmp(line, "0::", 3) == 0) {
		left = left_in("/sys/fs/cgroup", group, group_bytes, "/memory.max",
			       "/memory.current");
		in_container = left_in("/sys/fs/cgroup", group, 0, "/memory.max", "/memory.current");
	} else {
		return UINT64_MAX;
	}
	return left < in_container ? left : in_container;
}

uint64_t cgroup_memory_left(void)
{
	char lines[LINES_BYTES];
	size_t bytes = kernel_read_file("/proc/self/cgroup", lines, sizeof(lines));
	const char *at = lines, *end = lines + bytes, *newline;
	uint64_t left = UINT64_MAX, here;

	for (; (newline = memchr(at, '\n', (size_t)(end - at))) != NULL; at = newline + 1) {
		here = left_by_line(at, (size_t)(newline - at));
		left = here < left ? here : left;
	}
	return left;
}
