/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "include/options.h"
#include "preload/base/kernel.h"
#include "preload/base/text.h"
#include "preload/file/session_file.h"

#include "preload/base/poison.h"

static char session[PATH_MAX]; /* "": there is none */

void session_file_init(void)
{
	const char *path = getenv(SESSION_VARIABLE);

	if (path && strlen(path) < sizeof(session))
		strcpy(session, path);
}

const char *session_file_path(void)
{
	return session;
}

/* One write() for one line: the processes of a command may add lines at the same time. */
static bool add_line(const char *mark, const char *rest, size_t bytes)
{
	char line[TEXT_LINE_BYTES];
	struct text t = TEXT_IN(line);
	int fd = *session ? kernel_open(session, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0)
			  : -1;
	bool is_added;

	if (fd < 0)
		return false;
	text_add(&t, mark);
	text_add_bytes(&t, rest, bytes);
	text_add(&t, "\n");
	is_added = kernel_write(fd, t.at, t.bytes) == (ssize_t)t.bytes;
	kernel_close(fd);
	return is_added;
}

void session_file_add_trace(const char *path, size_t bytes)
{
	add_line("", path, bytes);
}

bool session_file_add_refusal(const char *reason, size_t bytes)
{
	if (add_line("!", reason, bytes))
		return true;
	/* Without a descriptor: the mode says it. */
	return *session && (errno == EMFILE || errno == ENFILE) &&
	       chmod(session, SESSION_MODE_FULL) == 0;
}

void session_file_add_untraced(const char *text, size_t bytes)
{
	add_line("-", text, bytes);
}

void session_file_add_wine(const char *text, size_t bytes)
{
	add_line("+", text, bytes);
}
