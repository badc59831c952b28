/* SPDX-License-Identifier: MIT */
#include "viewer/read/input.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "include/trace_format.h"
#include "viewer/read/unpack.h"

static bool check_kind(int fd, struct trouble *t)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return trouble_set(t, TROUBLE_CANNOT_OPEN, 0, "%s", strerror(errno));
	if (S_ISDIR(status.st_mode))
		return trouble_set(t, TROUBLE_NOT_A_FILE, 0, "a folder, not a trace");
	if (!S_ISREG(status.st_mode))
		return trouble_set(t, TROUBLE_NOT_A_FILE, 0, "not a regular file");
	if (status.st_size == 0)
		return trouble_set(t, TROUBLE_EMPTY, 0, "empty file, not a trace at byte 0");
	return true;
}

/* Returns the same descriptor, or one of what was unpacked. */
static int unpack(int fd, struct progress *progress, struct trouble *t)
{
	unsigned char first[4];
	ssize_t got = pread(fd, first, sizeof(first), 0);
	int unpacked;

	if (got < 0 || !unpack_applies(first, (size_t)got))
		return fd;
	unpacked = unpack_file(fd, progress, t);
	input_close(fd);
	return unpacked;
}

int input_open(const char *path, struct progress *progress, struct trouble *t)
{
	/* O_NONBLOCK: opening a FIFO without it would wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		trouble_set(t, TROUBLE_CANNOT_OPEN, 0, "%s", strerror(errno));
		return -1;
	}
	if (!check_kind(fd, t)) {
		input_close(fd);
		return -1;
	}
	return unpack(fd, progress, t);
}

void input_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

bool input_size(int fd, uint64_t *size, struct trouble *t)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return trouble_set(t, TROUBLE_CANNOT_READ, 0, "%s", strerror(errno));
	*size = (uint64_t)status.st_size;
	return true;
}

bool input_find_data(int fd, uint64_t at, uint64_t *start, uint64_t *end)
{
	off_t data = lseek(fd, (off_t)at, SEEK_DATA), hole;

	if (data < 0 && errno == ENXIO)
		return false;
	hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);
	*start = data < 0 ? at : (uint64_t)data;
	*end = hole < 0 ? UINT64_MAX : (uint64_t)hole;
	return true;
}

bool input_read(int fd, void *to, size_t bytes, uint64_t at, struct trouble *t)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t got = pread(fd, (char *)to + done, bytes - done, (off_t)(at + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return trouble_set(t, TROUBLE_CANNOT_READ, at + done, "%s at byte %" PRIu64,
					   strerror(errno), at + done);
		if (got == 0)
			return trouble_set(t, TROUBLE_CUT_OFF, at + done,
					   "cut off while it was read at byte %" PRIu64, at + done);
		done += (size_t)got;
	}
	return true;
}

bool input_is_trace(const char *path)
{
	unsigned char magic[sizeof(TRACE_MAGIC)];
	FILE *file = fopen(path, "re");
	size_t count = file ? fread(magic, 1, sizeof(magic), file) : 0;

	if (file)
		fclose(file);
	return unpack_applies(magic, count) ||
	       (count == sizeof(magic) && memcmp(magic, TRACE_MAGIC, sizeof(magic) - 1) == 0 &&
		magic[sizeof(magic) - 1] != '-');
}
