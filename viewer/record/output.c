/* SPDX-License-Identifier: MIT */
#include "viewer/record/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "include/trace_format.h"
#include "viewer/base/complaint.h"

/* Writes the path that a pattern stands for. Returns false if there is something to fill in. */
static bool expand_pattern(const char *pattern, char *path, size_t bytes)
{
	size_t length = 0;

	for (; *pattern && length + 1 < bytes; pattern++) {
		if (*pattern == '%' && *++pattern != '%')
			return false;
		path[length++] = *pattern;
	}
	path[length] = '\0';
	return !*pattern;
}

static bool has_magic(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char magic[sizeof(TRACE_MAGIC) - 1];
	bool same = fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
		    memcmp(magic, TRACE_MAGIC, sizeof(magic)) == 0;

	if (fd >= 0)
		close(fd);
	return same;
}

bool output_remove_old(const char *pattern)
{
	char path[PATH_MAX];
	struct stat status;

	if (!pattern || !expand_pattern(pattern, path, sizeof(path)) || lstat(path, &status))
		return true;
	if (!S_ISREG(status.st_mode) || (status.st_size > 0 && !has_magic(path))) {
		complaint_print("lsatrace", "'%s' exists and is not a trace, so it is not replaced",
				path);
		return false;
	}
	if (unlink(path)) {
		complaint_print("lsatrace", "cannot replace '%s': %s", path, strerror(errno));
		return false;
	}
	return true;
}
