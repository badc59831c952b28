/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload/base/config.h"
#include "preload/base/kernel.h"
#include "preload/base/text.h"
#include "preload/file/trace_file.h"
#include "preload/host/own_file.h"

#include "preload/base/poison.h"

enum { NAMES_MOST = 10000 };

/* The path of an open file by its number. linkat() with AT_EMPTY_PATH would need privileges. */
static void descriptor_path(int fd, char path[32])
{
	struct text t = { .at = path, .size = 32 };

	text_add(&t, "/proc/self/fd/");
	text_add_number(&t, (uint64_t)fd);
}

/* Makes a file without a name in the folder of `name`. Returns -1 if that file system cannot do it,
 * or could not give it a name later. */
static int create_nameless(const struct name *name)
{
	static struct name folder; /* static, for stacks may be small */
	char *slash, path[32];
	int fd;

	folder = *name;
	slash = strrchr(folder.text, '/');
	if (!slash)
		return -1;
	slash[slash == folder.text] = '\0';
	fd = kernel_open(folder.text, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	descriptor_path(fd, path);
	if (access(path, F_OK) == 0)
		return fd;
	kernel_close(fd);
	return -1;
}

static int create_exclusive(const struct name *name)
{
	return kernel_open(name->text, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static int link_exclusive(const struct name *name, int fd)
{
	char path[32];

	descriptor_path(fd, path);
	return linkat(AT_FDCWD, path, AT_FDCWD, name->text, AT_SYMLINK_FOLLOW);
}

/*
 * Tries the name, then the name with ".1", ".2" and so on, until there is no file with it. Neither
 * of the two calls replaces a file or follows a link. Returns the descriptor of a new file or, if
 * there is a file that needs a name, 0; or -1 with errno set.
 */
static int take_name(struct trace_file *file, bool has_file)
{
	size_t base = file->name.bytes;
	int result = -1;

	for (unsigned number = 0; number < NAMES_MOST && result < 0; number++) {
		if (number)
			name_number(&file->name, base, number);
		result = has_file ? link_exclusive(&file->name, file->fd)
				  : create_exclusive(&file->name);
		if (result < 0 && errno != EEXIST)
			break;
	}
	return result;
}

bool trace_file_create(struct trace_file *file, const char *folder, uint64_t start_time_s)
{
	int high;

	name_expand(&file->name, config->output, config->output_bytes, folder, start_time_s);
	file->named = false;
	file->fd = -1;
	if (file->name.cut_off) {
		errno = ENAMETOOLONG;
		return false;
	}
	file->fd = create_nameless(&file->name);
	if (file->fd < 0) {
		file->fd = take_name(file, false);
		file->named = true;
	}
	if (file->fd < 0)
		return false;
	high = own_file_copy_high(file->fd);
	if (high >= 0) {
		kernel_close(file->fd);
		file->fd = high;
	}
	return true;
}

bool trace_file_publish(struct trace_file *file)
{
	if (!file->named)
		file->named = take_name(file, true) == 0;
	return file->named;
}

void trace_file_abandon(struct trace_file *file)
{
	if (file->named)
		unlink(file->name.text);
	kernel_close(file->fd);
}
