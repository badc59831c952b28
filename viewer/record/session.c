/* SPDX-License-Identifier: MIT */
#include "viewer/record/session.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "include/options.h"
#include "include/trace_format.h"
#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/model/liveness.h"
#include "viewer/record/launch.h"

#define FILE_NAME "lsatrace.XXXXXX"

/* Makes the file in `folder`, which may be NULL. Returns its descriptor, or -1. */
static int make_file(struct session *s, const char *folder)
{
	char *absolute = folder && *folder ? realpath(folder, NULL) : NULL;
	char *path = NULL;
	int fd = -1;

	if (absolute && asprintf(&path, "%s/" FILE_NAME, absolute) < 0)
		path = NULL;
	if (path)
		fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0) {
		s->path = path;
		memcpy(s->id, path + strlen(path) - sizeof(s->id), sizeof(s->id));
	} else {
		free(path);
	}
	free(absolute);
	return fd;
}

bool session_open(struct session *s)
{
	int fd = make_file(s, s->folder ? s->folder : getenv("TMPDIR"));

	if (fd < 0 && !s->folder)
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

void session_remove_left(const char *folder)
{
	static const char pattern[] =
		"lsatrace.[A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9][A-Za-z0-9]";
	DIR *dir = opendir(folder);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL)
		if (fnmatch(pattern, entry->d_name, 0) == 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

static void add_text(struct session_texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->count; i++)
		if (strcmp(texts->all[i].text, text) == 0) {
			texts->all[i].count++;
			return;
		}
	memory_room(texts->all, texts->count, texts->room);
	texts->all[texts->count++] = (struct session_text){ memory_text(text, strlen(text)), 1 };
}

static void release_texts(struct session_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++)
		free(texts->all[i].text);
	free(texts->all);
}

static void add_trace(struct session *s, const char *path)
{
	for (size_t i = 0; i < s->trace_count; i++)
		if (strcmp(s->traces[i], path) == 0)
			return;
	memory_room(s->traces, s->trace_count, s->trace_room);
	s->traces[s->trace_count++] = memory_text(path, strlen(path));
}

/* Does a name fit a pattern, whatever is filled in, and with a number at its end or without? */
static bool is_name_of(const char *name, const char *pattern)
{
	struct buffer glob = { 0 };
	bool fits;

	for (; *pattern; pattern++) {
		if (*pattern == '%' && pattern[1] && *++pattern != '%')
			buffer_text(&glob, "*");
		else
			buffer_format(&glob, "\\%c", *pattern);
	}
	fits = fnmatch(glob.data ? glob.data : "", name, 0) == 0;
	buffer_text(&glob, ".*");
	fits |= fnmatch(glob.data, name, 0) == 0;
	buffer_release(&glob);
	return fits;
}

/* Whose trace is it? */
enum owner { OWNER_UNKNOWN, OWNER_THIS, OWNER_OTHER };

static enum owner find_owner(const struct session *s, const char *path)
{
	static const char none[sizeof(s->id)];
	struct trace_header header = { 0 };
	struct stat status;
	int fd = lstat(path, &status) == 0 && S_ISREG(status.st_mode)
			 ? open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
			 : -1;
	bool is_trace = fd >= 0 && read(fd, &header, sizeof(header)) == sizeof(header) &&
			memcmp(header.magic, TRACE_MAGIC, sizeof(header.magic)) == 0;

	if (fd >= 0)
		close(fd);
	if (!is_trace || memcmp(header.session, none, sizeof(none)) == 0)
		return OWNER_UNKNOWN;
	return memcmp(header.session, s->id, sizeof(none)) == 0 ? OWNER_THIS : OWNER_OTHER;
}

/* What another run has replaced says nothing of this one. */
static void leave_out_replaced(struct session *s)
{
	size_t count = 0;

	for (size_t i = 0; i < s->trace_count; i++) {
		struct buffer text = { 0 };

		if (find_owner(s, s->traces[i]) != OWNER_OTHER) {
			s->traces[count++] = s->traces[i];
			continue;
		}
		buffer_format(&text, "%s: another run has replaced this trace", s->traces[i]);
		add_text(&s->refusals, text.data);
		buffer_release(&text);
		free(s->traces[i]);
	}
	s->trace_count = count;
}

/* A folder whose name is not fixed is not looked at. */
static void find_traces(struct session *s, const char *pattern)
{
	const char *slash = strrchr(pattern, '/');
	char folder[PATH_MAX], path[PATH_MAX + NAME_MAX + 1];
	struct dirent *entry;
	DIR *open_folder;

	if (!slash || memchr(pattern, '%', (size_t)(slash - pattern)) ||
	    (size_t)(slash - pattern) >= sizeof(folder))
		return;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - pattern), pattern);
	open_folder = opendir(*folder ? folder : "/");
	while (open_folder && (entry = readdir(open_folder)) != NULL) {
		if (!is_name_of(entry->d_name, slash + 1))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (find_owner(s, path) == OWNER_THIS)
			add_trace(s, path);
	}
	if (open_folder)
		closedir(open_folder);
}

void session_read(struct session *s, const char *pattern)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	struct stat st;

	rewind(s->file);
	while ((length = getline(&line, &room, s->file)) > 0) {
		if (line[length - 1] == '\n')
			line[length - 1] = '\0';
		if (*line == '/')
			add_trace(s, line);
		else if (*line == '!')
			add_text(&s->refusals, line + 1);
		else if (*line == '-')
			add_text(&s->untraced, line + 1);
		else if (*line == '+')
			add_text(&s->of_wine, line + 1);
	}
	free(line);
	if (fstat(fileno(s->file), &st) == 0 && (st.st_mode & 0777) == SESSION_MODE_FULL)
		add_text(&s->refusals, "not tracing: Too many open files");
	find_traces(s, pattern);
	leave_out_replaced(s);
	remove_file(s);
}

/* Reads the header of a trace that says that its process is running. Returns false if it is none. */
static bool read_running(int fd, struct trace_header *header)
{
	return pread(fd, header, sizeof(*header), 0) == sizeof(*header) &&
	       memcmp(header->magic, TRACE_MAGIC, sizeof(header->magic)) == 0 &&
	       header->version >= TRACE_VERSION_OLDEST && header->version <= TRACE_VERSION &&
	       header->byte_order == TRACE_BYTE_ORDER && header->end == TRACE_END_RUNNING;
}

static bool is_alive(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct trace_header header;
	bool is_one = fd >= 0 && read_running(fd, &header) &&
		      liveness_check(header.pid, header.pid_start, header.boot_id);

	if (fd >= 0)
		close(fd);
	return is_one;
}

void session_wait(const struct session *s)
{
	const struct timespec step = { .tv_nsec = 10000000 };

	for (size_t i = 0, steps = 0; i < s->trace_count && steps < 100; steps++) {
		while (i < s->trace_count && !is_alive(s->traces[i]))
			i++;
		if (i < s->trace_count)
			nanosleep(&step, NULL);
	}
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
		struct trace_header header;

		if (fd < 0)
			continue;
		if (read_running(fd, &header) && header.pid == pid &&
		    write_field(fd, offsetof(struct trace_header, exit_status), status))
			write_field(fd, offsetof(struct trace_header, end), end);
		close(fd);
	}
}

/* Has its process ended, and begun a search that may still be under way? */
static bool is_searching(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct trace_header header;
	bool is_one = fd >= 0 && pread(fd, &header, sizeof(header), 0) == sizeof(header) &&
		      memcmp(header.magic, TRACE_MAGIC, sizeof(header.magic)) == 0 &&
		      header.version == TRACE_VERSION && header.byte_order == TRACE_BYTE_ORDER &&
		      header.end != TRACE_END_RUNNING && header.search == TRACE_SEARCH_STARTED;

	if (fd >= 0)
		close(fd);
	return is_one;
}

/* The search itself ends after TRACE_SEARCH_SECONDS; a little more, for a busy machine. */
void session_wait_for_searches(const struct session *s)
{
	enum { PAUSES = (TRACE_SEARCH_SECONDS + 2) * 200 };
	const struct timespec pause = { .tv_nsec = 5000000 };
	size_t i = 0;

	for (int pauses = 0; i < s->trace_count && pauses < PAUSES;) {
		if (!is_searching(s->traces[i])) {
			i++;
			continue;
		}
		nanosleep(&pause, NULL);
		pauses++;
	}
}

void session_remove_traces(const struct session *s)
{
	for (size_t i = 0; i < s->trace_count; i++)
		if (find_owner(s, s->traces[i]) == OWNER_THIS)
			unlink(s->traces[i]);
}

void session_release(struct session *s)
{
	remove_file(s);
	for (size_t i = 0; i < s->trace_count; i++)
		free(s->traces[i]);
	free(s->traces);
	release_texts(&s->refusals);
	release_texts(&s->untraced);
	release_texts(&s->of_wine);
	*s = (struct session){ 0 };
}
