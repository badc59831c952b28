/* SPDX-License-Identifier: MIT */
#include "viewer/host/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check_memory(void *memory)
{
	if (!memory) {
		fputs("lsatrace-host: out of memory\n", stderr);
		exit(2);
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
