/* SPDX-License-Identifier: MIT */
#include "viewer/sweep/pipe.h"

#include <errno.h>
#include <unistd.h>

bool pipe_write(int fd, const void *bytes, size_t count)
{
	for (const char *at = bytes; count;) {
		ssize_t done = write(fd, at, count);

		if (done < 0 && errno != EINTR)
			return false;
		if (done > 0) {
			at += done;
			count -= (size_t)done;
		}
	}
	return true;
}

bool pipe_read(int fd, void *bytes, size_t count)
{
	for (char *at = bytes; count;) {
		ssize_t done = read(fd, at, count);

		if (done == 0 || (done < 0 && errno != EINTR))
			return false;
		if (done > 0) {
			at += done;
			count -= (size_t)done;
		}
	}
	return true;
}
