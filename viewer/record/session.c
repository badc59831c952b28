/* SPDX-License-Identifier: MIT */
#include "viewer/record/session.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "include/trace_format.h"
#include "viewer/base/memory.h"
#include "viewer/record/launch.h"

/* Makes the file in `folder`, which may be NULL. Returns its descriptor, or -1. */
static int make_file(struct session *s, const char *folder)
{
	char *absolute = folder && *folder ? realpath(folder, NULL) : NULL;
	char *path = NULL;
	int fd = -1;

	if (absolute && asprintf(&path, "%s/lsatrace.XXXXXX", absolute) < 0)
		path = NULL;
	if (path)
		fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		s->path = path;
	else
		free(path);
	free(absolute);
	return fd;
}

bool session_open(struct session *s)
{
	int fd = make_file(s, getenv("TMPDIR"));

	if (fd < 0)
		fd = make_file(s, "/tmp");
	if (fd >= 0)
		s->file = fdopen(fd, "r");
	return s->file != NULL;
}

static void remove_file(struct session *s)
{
	if (s->file)
		fclose(s->file);
	if (s->path)
		unlink(s->path);
	free(s->path);
	s->file = NULL;
	s->path = NULL;
}

static void add_untraced(struct session *s, const char *text)
{
	for (size_t i = 0; i < s->untraced_count; i++)
		if (strcmp(s->untraced[i].text, text) == 0) {
			s->untraced[i].count++;
			return;
		}
	memory_room(s->untraced, s->untraced_count, s->untraced_room);
	s->untraced[s->untraced_count++] =
		(struct session_program){ memory_text(text, strlen(text)), 1 };
}

void session_read(struct session *s)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	rewind(s->file);
	while ((length = getline(&line, &room, s->file)) > 0) {
		if (line[length - 1] == '\n')
			line[length - 1] = '\0';
		if (*line == '/') {
			memory_room(s->traces, s->trace_count, s->trace_room);
			s->traces[s->trace_count++] = memory_text(line, strlen(line));
		} else if (*line == '!') {
			s->has_failure = true;
		} else if (*line == '-') {
			add_untraced(s, line + 1);
		}
	}
	free(line);
	remove_file(s);
}

static bool is_running(int fd, pid_t pid)
{
	struct trace_header header;

	return pread(fd, &header, sizeof(header), 0) == sizeof(header) &&
	       memcmp(header.magic, TRACE_MAGIC, sizeof(header.magic)) == 0 &&
	       header.version >= TRACE_VERSION_OLDEST && header.version <= TRACE_VERSION &&
	       header.byte_order == TRACE_BYTE_ORDER && header.pid == pid &&
	       header.end == TRACE_END_RUNNING;
}

static bool write_field(int fd, size_t offset, int32_t number)
{
	return pwrite(fd, &number, sizeof(number), (off_t)offset) == sizeof(number);
}

/*
 * A process that is killed, or that ends by a bare system call, cannot write so in its trace; its
 * parent can. This is the only place where the viewer writes to a trace. The status is written
 * before the field that makes it valid.
 */
void session_mark_end(const struct session *s, pid_t pid, int wait_status)
{
	int32_t end = WIFSIGNALED(wait_status) ? TRACE_END_KILLED : TRACE_END_EXIT;
	int32_t status = launch_exit_status(wait_status);

	for (size_t i = 0; i < s->trace_count; i++) {
		int fd = open(s->traces[i], O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0)
			continue;
		if (is_running(fd, pid) &&
		    write_field(fd, offsetof(struct trace_header, exit_status), status))
			write_field(fd, offsetof(struct trace_header, end), end);
		close(fd);
	}
}

void session_release(struct session *s)
{
	remove_file(s);
	for (size_t i = 0; i < s->trace_count; i++)
		free(s->traces[i]);
	for (size_t i = 0; i < s->untraced_count; i++)
		free(s->untraced[i].text);
	free(s->traces);
	free(s->untraced);
	*s = (struct session){ 0 };
}
