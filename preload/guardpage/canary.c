/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>

#include "preload/guardpage/canary.h"

#include "preload/base/poison.h"

/* Neither the end of a text nor what allocators fill with: most of what is written differs from
 * it. */
enum { CANARY = 0xb7 };

void canary_fill(char *from, char *to)
{
	memset(from, CANARY, (size_t)(to - from));
}

char *canary_first_damage(char *from, char *to)
{
	for (; from < to; from++)
		if ((unsigned char)*from != CANARY)
			return from;
	return NULL;
}

char *canary_last_damage(char *from, char *to)
{
	while (to-- > from)
		if ((unsigned char)*to != CANARY)
			return to;
	return NULL;
}
