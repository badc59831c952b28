/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "include/options.h"
#include "preload/life/follow.h"

#include "preload/base/poison.h"

/* Is `path`, `bytes` long, the path of this library? */
static bool is_own_path(const char *path, size_t bytes)
{
	Dl_info info;

	return dladdr(&is_own_path, &info) && info.dli_fname && strlen(info.dli_fname) == bytes &&
	       memcmp(info.dli_fname, path, bytes) == 0;
}

/* Takes the library's path out of the list, in place: a new string would need an allocator. */
static void remove_own_path(char *list)
{
	char *to = list, *from = list;

	while (*from) {
		size_t bytes = strcspn(from, ": ");

		if (!is_own_path(from, bytes)) {
			if (to != list)
				*to++ = ':';
			memmove(to, from, bytes);
			to += bytes;
		}
		from += bytes;
		from += *from != '\0';
	}
	*to = '\0';
}

void follow_no_more(void)
{
	char *list = getenv("LD_PRELOAD");

	if (list)
		remove_own_path(list);
	if (list && !*list)
		unsetenv("LD_PRELOAD");
	unsetenv(OPTIONS_VARIABLE);
	unsetenv(SESSION_VARIABLE);
}
