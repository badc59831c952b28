/* SPDX-License-Identifier: MIT */
#include "viewer/record/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "include/trace_format.h"
#include "viewer/base/complaint.h"

bool output_make_folder(const char *path)
{
	char part[PATH_MAX] = "";
	struct stat status;
	int error = 0;

	for (size_t i = 0; path && path[i] && i + 1 < sizeof(part); i++) {
		part[i] = path[i];
		if (path[i + 1] == '/' || !path[i + 1])
			error = mkdir(part, 0777) ? errno : 0;
	}
	if (!path || (stat(path, &status) == 0 && S_ISDIR(status.st_mode)))
		return true;
	complaint_print("lsatrace", "cannot make the folder '%s': %s", path,
			strerror(error == EEXIST ? ENOTDIR
				 : error         ? error
						 : ENAMETOOLONG));
	return false;
}

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

/* Reads the header of a trace. Returns false if the file is none. What a short file lacks is
 * zero. */
static bool read_header(const char *path, struct trace_header *header)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t bytes;

	*header = (struct trace_header){ 0 };
	if (fd < 0)
		return false;
	bytes = read(fd, header, sizeof(*header));
	close(fd);
	return bytes >= (ssize_t)sizeof(header->magic) &&
	       memcmp(header->magic, TRACE_MAGIC, sizeof(header->magic)) == 0;
}

/* Is `name` that of a further trace of the recording of `first`: with a dot and a number after
 * it? */
static bool is_further_name(const char *name, const char *first)
{
	size_t bytes = strlen(first);

	return strncmp(name, first, bytes) == 0 && name[bytes] == '.' && name[bytes + 1] &&
	       !name[bytes + 1 + strspn(name + bytes + 1, "0123456789")];
}

/* Removes the further traces of the recording that made the trace at `path`. */
static void remove_further(const char *path, const char session[8])
{
	static const char none[8];
	const char *slash = strrchr(path, '/'), *first = slash ? slash + 1 : path;
	char further[PATH_MAX + NAME_MAX];
	struct trace_header header;
	struct dirent *entry;
	DIR *folder;

	if (memcmp(session, none, sizeof(none)) == 0)
		return;
	snprintf(further, sizeof(further), "%.*s", (int)(first - path), path);
	folder = opendir(*further ? further : ".");
	while (folder && (entry = readdir(folder)) != NULL) {
		if (!is_further_name(entry->d_name, first))
			continue;
		snprintf(further, sizeof(further), "%.*s%s", (int)(first - path), path,
			 entry->d_name);
		if (read_header(further, &header) && memcmp(header.session, session, 8) == 0)
			unlink(further);
	}
	if (folder)
		closedir(folder);
}

bool output_remove_old(const char *pattern)
{
	char path[PATH_MAX];
	struct trace_header header;
	struct stat status;
	bool is_trace;

	if (!pattern || !expand_pattern(pattern, path, sizeof(path)) || lstat(path, &status))
		return true;
	is_trace = S_ISREG(status.st_mode) && read_header(path, &header);
	if (!S_ISREG(status.st_mode) || (status.st_size > 0 && !is_trace)) {
		complaint_print("lsatrace", "'%s' exists and is not a trace, so it is not replaced",
				path);
		return false;
	}
	if (unlink(path)) {
		complaint_print("lsatrace", "cannot replace '%s': %s", path, strerror(errno));
		return false;
	}
	if (is_trace)
		remove_further(path, header.session);
	return true;
}
