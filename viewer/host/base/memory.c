/* SPDX-License-Identifier: MIT */
#include "viewer/host/base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *check_memory(void *memory)
{
	if (!memory) {
		fputs("lsatrace-host: out of memory\n", stderr);
		_exit(2);
	}
	return memory;
}

void *memory_new(size_t bytes)
{
	return check_memory(calloc(1, bytes ? bytes : 1));
}

void *memory_resize(void *memory, size_t bytes)
{
	return check_memory(realloc(memory, bytes ? bytes : 1));
}

void *memory_copy(const void *from, size_t bytes)
{
	void *copy = memory_new(bytes);

	if (bytes)
		memcpy(copy, from, bytes);
	return copy;
}

char *memory_text(const char *text)
{
	return memory_copy(text, strlen(text) + 1);
}

char *memory_read(FILE *file, size_t *bytes, const char **wrong)
{
	size_t room = 4096, count;
	char *content = memory_new(room);

	*bytes = 0;
	*wrong = NULL;
	while ((count = fread(content + *bytes, 1, room - 1 - *bytes, file)) > 0) {
		*bytes += count;
		if (*bytes > MEMORY_FILE_MOST)
			break;
		if (*bytes == room - 1)
			content = memory_resize(content, room *= 2);
	}
	content[*bytes] = '\0';
	if (!count && !ferror(file))
		return content;
	*wrong = count ? "is longer than 16 MiB" : strerror(errno);
	free(content);
	return NULL;
}
