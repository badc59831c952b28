/* SPDX-License-Identifier: MIT */
#include "viewer/symbols/source_path.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"

bool source_path_has_drive(const char *path)
{
	return isalpha((unsigned char)path[0]) && path[1] == ':' &&
	       (path[2] == '/' || path[2] == '\\');
}

/* A file on another machine, or in the root of the drive that is meant. */
static bool begins_with_backslash(const char *path)
{
	return path[0] == '\\';
}

static bool is_of_windows(const char *path)
{
	return source_path_has_drive(path) || begins_with_backslash(path);
}

/* Removes the last component of a path. Returns false if there is none, or it is "..", or a drive. */
static bool drop_last(struct buffer *path)
{
	size_t end = path->used;

	while (end && path->data[end - 1] != '/')
		end--;
	if (end == path->used || strcmp(path->data + end, "..") == 0 ||
	    (end == 0 && path->data[1] == ':'))
		return false;
	path->used = end ? end - 1 : 0;
	path->data[path->used] = '\0';
	return true;
}

static char *normalise(const char *path, bool is_windows)
{
	struct buffer result = { 0 };
	bool absolute = *path == '/';

	/* Two slashes of Windows are another machine. */
	buffer_text(&result, is_windows && path[0] == '/' && path[1] == '/' ? "/" : "");
	while (*path) {
		size_t length = strcspn(path, "/");

		if (length == 2 && memcmp(path, "..", 2) == 0 && drop_last(&result)) {
			path += 2;
		} else if (length == 0 || (length == 1 && *path == '.')) {
			path += length ? length : 1;
		} else {
			if (absolute || result.used)
				buffer_text(&result, "/");
			buffer_utf8(&result, path, length);
			path += length;
		}
	}
	return buffer_take(&result);
}

char *source_path_join(const char *folder, const char *file)
{
	bool is_windows = is_of_windows(file) || (folder && is_of_windows(folder)) ||
			  (!folder && !strchr(file, '/'));
	struct buffer joined = { 0 };
	char *normal;

	if (folder && *file != '/' && !is_of_windows(file)) {
		buffer_text(&joined, folder);
		buffer_text(&joined, "/");
	}
	buffer_text(&joined, file);
	for (char *at = joined.data; is_windows && *at; at++)
		*at = *at == '\\' ? '/' : *at;
	normal = normalise(joined.data, is_windows);
	buffer_release(&joined);
	return normal;
}
