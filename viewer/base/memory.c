/* SPDX-License-Identifier: MIT */
#include "viewer/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void memory_exhausted(void)
{
	fputs("lsatrace: out of memory\n", stderr);
	exit(2);
}

void *memory_new(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size);

	if (!memory)
		memory_exhausted();
	return memory;
}

void *memory_resize(void *old, size_t count, size_t size)
{
	void *memory = reallocarray(old, count ? count : 1, size);

	if (!memory)
		memory_exhausted();
	return memory;
}

char *memory_text(const char *text, size_t bytes)
{
	char *copy = memory_new(bytes + 1, 1);

	if (bytes)
		memcpy(copy, text, bytes);
	return copy;
}
