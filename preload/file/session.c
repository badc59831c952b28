/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "include/options.h"
#include "preload/base/text.h"
#include "preload/file/session.h"

#include "preload/base/poison.h"

/* Opened only now: the target is not to see a descriptor that it would not have. */
void session_tell(const char *mark, const char *text, size_t bytes)
{
	const char *path = getenv(SESSION_VARIABLE);
	char line[TEXT_LINE_BYTES];
	struct text t = TEXT_IN(line);
	int fd = path ? open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW) : -1;
	ssize_t ignored;

	if (fd < 0)
		return;
	text_add(&t, mark);
	text_add_bytes(&t, text, bytes);
	text_add(&t, "\n");
	ignored = write(fd, t.at, t.bytes);
	(void)ignored;
	close(fd);
}
