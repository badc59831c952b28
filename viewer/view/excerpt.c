/* SPDX-License-Identifier: MIT */
#include "viewer/view/excerpt.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viewer/base/buffer.h"

#define LINE_MOST 200u /* bytes of a line that are shown */

/* A path of debug information may lead to a device or a FIFO. */
static FILE *open_source(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	FILE *file = NULL;

	if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		file = fdopen(fd, "r");
	if (fd >= 0 && !file)
		close(fd);
	return file;
}

/* Reads a line, of which what does not fit is left out. Returns false at the end of the file. */
static bool read_line(FILE *file, char *line, size_t room)
{
	size_t length = 0;
	int c;

	while ((c = getc_unlocked(file)) != EOF && c != '\n')
		if (length + 1 < room && c)
			line[length++] = (char)(c == '\t' ? ' ' : c);
	line[length] = '\0';
	return c != EOF || length;
}

bool excerpt_write(struct buffer *b, const char *indent, const char *file, unsigned line,
		   unsigned lines)
{
	unsigned first = line > lines / 2 ? line - lines / 2 : 1, number = 0;
	FILE *source = open_source(file);
	char text[LINE_MOST];
	bool any = false;

	while (source && number + 1 < first + lines && read_line(source, text, sizeof(text))) {
		number++;
		if (number < first)
			continue;
		any |= number == line;
		buffer_format(b, "%s  %s%5u | ", indent, number == line ? ">" : " ", number);
		buffer_plain(b, text);
		buffer_text(b, "\n");
	}
	if (source)
		fclose(source);
	return any;
}
