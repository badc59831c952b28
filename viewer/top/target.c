/* SPDX-License-Identifier: MIT */
#include "viewer/top/target.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/model/model.h"
#include "viewer/record/untraced.h"

#define LIBRARY "/liblsatrace.so"
#define GENERATIONS 4u /* of processes below lsatrace record that are looked at */

/* What the mappings of a process say. */
struct target {
	unsigned pid;
	char *trace;      /* NULL: none was found */
	int32_t other;    /* the process that a trace is of, if that is another one; else 0 */
	bool has_library; /* lsatrace's */
	bool has_any;     /* it has mapped something */
};

/* In maps, a newline in a path is "\012". */
static void restore_newlines(char *path)
{
	char *to = path;

	for (const char *from = path; *from; to++) {
		bool is_newline = strncmp(from, "\\012", 4) == 0;

		*to = is_newline ? '\n' : *from;
		from += is_newline ? 4 : 1;
	}
	*to = '\0';
}

/* Is it a regular file, and the one that is mapped? A device must not even be opened. */
static bool is_mapped_file(const char *path, uint64_t inode)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && status.st_ino == inode;
}

static void take_trace(struct target *t, const char *path, uint64_t inode)
{
	struct trouble trouble;
	struct model *m;

	if (!is_mapped_file(path, inode))
		return;
	m = model_open(path, NULL, &trouble);
	if (!m)
		return;
	if (model_process(m)->pid == (int32_t)t->pid)
		t->trace = memory_text(path, strlen(path));
	else
		t->other = model_process(m)->pid;
	model_close(m);
}

/*
 * A trace begins as a file without a name, and gets one once it is whole. The kernel goes on calling it
 * deleted: it is the file of the same folder that has the same inode.
 */
static void take_nameless(struct target *t, const char *folder, uint64_t inode)
{
	DIR *all = opendir(folder);
	const struct dirent *entry;

	while (all && !t->trace && (entry = readdir(all)) != NULL) {
		struct buffer path = { 0 };

		if (entry->d_ino != inode)
			continue;
		buffer_format(&path, "%s/%s", folder, entry->d_name);
		take_trace(t, path.data, inode);
		buffer_release(&path);
	}
	if (all)
		closedir(all);
}

/* Takes a mapped file, as it is seen below a folder. */
static void take_file(struct target *t, const char *root, const char *path, uint64_t inode)
{
	static const char deleted[] = " (deleted)";
	size_t length = strlen(path), end = sizeof(deleted) - 1;
	struct buffer seen = { 0 };

	buffer_text(&seen, root);
	buffer_text(&seen, path);
	restore_newlines(seen.data);
	take_trace(t, seen.data, inode);
	if (!t->trace && length > end && strcmp(path + length - end, deleted) == 0) {
		*strrchr(seen.data, '/') = '\0';
		take_nameless(t, *seen.data ? seen.data : "/", inode);
	}
	buffer_release(&seen);
}

/* "START-END PERMISSIONS OFFSET DEVICE INODE      PATH". A trace is shared, and can be written. */
static void take_mapping(struct target *t, char *line)
{
	static const char library[] = LIBRARY;
	char permissions[5], root[64];
	uint64_t inode;
	int at = 0;
	size_t length;

	if (sscanf(line, "%*s %4s %*s %*s %" SCNu64 " %n", permissions, &inode, &at) != 2 ||
	    line[at] != '/')
		return;
	length = strlen(line + at);
	if (length >= sizeof(library) - 1 &&
	    strcmp(line + at + length - (sizeof(library) - 1), library) == 0)
		t->has_library = true;
	if (t->trace || strcmp(permissions, "rw-s") != 0)
		return;
	take_file(t, "", line + at, inode);
	/* A process in a container sees other paths. */
	snprintf(root, sizeof(root), "/proc/%u/root", t->pid);
	if (!t->trace)
		take_file(t, root, line + at, inode);
}

static bool read_mappings(struct target *t, struct buffer *why)
{
	char path[64], *line = NULL;
	size_t room = 0;
	ssize_t length;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%u/maps", t->pid);
	maps = fopen(path, "re");
	/* The check of permissions may come with the first read. */
	errno = maps ? 0 : errno;
	while (maps && (length = getline(&line, &room, maps)) > 0) {
		line[length - 1] = line[length - 1] == '\n' ? '\0' : line[length - 1];
		take_mapping(t, line);
		t->has_any = true;
		errno = 0;
	}
	if (errno == ENOENT || errno == ESRCH)
		buffer_format(why, "there is no process %u", t->pid);
	else if (errno)
		buffer_format(why, "what process %u has mapped cannot be read: %s", t->pid,
			      strerror(errno));
	free(line);
	if (maps)
		fclose(maps);
	return why->used == 0;
}

/* What to say of a process that has no trace. */
static void explain(const struct target *t, struct buffer *why)
{
	char program[64], reason[512];

	if (!t->has_any) {
		buffer_format(why, "process %u has ended, or is one of the kernel", t->pid);
		return;
	}
	buffer_format(why, "process %u is not traced: ", t->pid);
	if (t->other) {
		buffer_format(why, "it has the trace of process %" PRId32, t->other);
		return;
	}
	if (t->has_library) {
		buffer_text(why,
			    "lsatrace's library is loaded, but there is no trace: no package has "
			    "got a function table yet, or the trace was deleted or moved");
		return;
	}
	snprintf(program, sizeof(program), "/proc/%u/exe", t->pid);
	if (untraced_explain(program, NULL, reason, sizeof(reason)))
		buffer_text(why, reason);
	else
		buffer_text(why, "lsatrace's library is not loaded; start it with lsatrace record");
}

static bool is_lsatrace(unsigned pid)
{
	static const char name[] = "/lsatrace";
	char link[64], path[PATH_MAX];
	ssize_t bytes;

	snprintf(link, sizeof(link), "/proc/%u/exe", pid);
	bytes = readlink(link, path, sizeof(path));
	return bytes >= (ssize_t)sizeof(name) - 1 &&
	       memcmp(path + bytes - (sizeof(name) - 1), name, sizeof(name) - 1) == 0;
}

/* Returns the trace of a process that this one has started, perhaps by way of others; or NULL. */
static char *find_below(unsigned pid, unsigned depth)
{
	char path[64], *trace = NULL;
	unsigned child;
	FILE *children;

	snprintf(path, sizeof(path), "/proc/%u/task/%u/children", pid, pid);
	children = fopen(path, "re");
	while (children && !trace && fscanf(children, "%u", &child) == 1) {
		struct target t = { .pid = child };
		struct buffer why = { 0 };

		read_mappings(&t, &why);
		buffer_release(&why);
		trace = t.trace || depth == 0 ? t.trace : find_below(child, depth - 1);
	}
	if (children)
		fclose(children);
	return trace;
}

char *target_find(unsigned pid, struct buffer *why)
{
	struct target t = { .pid = pid };

	if (!read_mappings(&t, why) || t.trace)
		return t.trace;
	if (!is_lsatrace(pid)) {
		explain(&t, why);
		return NULL;
	}
	/* `lsatrace record` itself: what it has started is meant. */
	t.trace = find_below(pid, GENERATIONS);
	if (!t.trace)
		buffer_format(
			why,
			"process %u is lsatrace, and no process that it started has a trace yet",
			pid);
	return t.trace;
}
