/* SPDX-License-Identifier: MIT */
#include "viewer/host/base/wide.h"

#include <stdlib.h>

#include "viewer/host/base/memory.h"

/* Reads one character of UTF-8, which is at least one byte long, whatever the bytes are. */
static const char *read_character(const char *text, uint32_t *character)
{
	unsigned char first = (unsigned char)*text++;
	int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;

	*character = more ? first & (0x3fu >> more) : first;
	for (; more && ((unsigned char)*text & 0xc0) == 0x80; more--)
		*character = *character << 6 | ((unsigned char)*text++ & 0x3f);
	return text;
}

size_t wide_from(WCHAR *to, const char *text)
{
	size_t count = 0;

	while (*text) {
		WCHAR pair[2];
		uint32_t character;
		int units = 1;

		text = read_character(text, &character);
		pair[0] = (WCHAR)character;
		if (character > 0xffff) {
			pair[0] = (WCHAR)(0xd800 + ((character - 0x10000) >> 10 & 0x3ff));
			pair[1] = (WCHAR)(0xdc00 + (character & 0x3ff));
			units = 2;
		}
		for (int i = 0; i < units; i++, count++)
			if (to)
				to[count] = pair[i];
	}
	if (to)
		to[count] = 0;
	return count;
}

char *wide_to(const WCHAR *from, size_t count)
{
	char *text = memory_new(count + 1);

	for (size_t i = 0; i < count; i++)
		text[i] = from[i] >= ' ' && from[i] < 0x7f ? (char)from[i] : '?';
	return text;
}

size_t wide_length(const WCHAR *text)
{
	size_t count = 0;

	while (text[count])
		count++;
	return count;
}
