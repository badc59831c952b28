/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "include/options.h"
#include "preload/life/follow.h"

#include "preload/base/poison.h"

/* Is `path`, `bytes` long, the library that this code is in? */
static int is_self(const char *path, size_t bytes)
{
	Dl_info info;

	return dladdr(&is_self, &info) && info.dli_fname && strlen(info.dli_fname) == bytes &&
	       memcmp(info.dli_fname, path, bytes) == 0;
}

/* Takes the library's path out of LD_PRELOAD, in place: the environment is the target's. */
static void forget_preload(char *list)
{
	char *to = list, *from = list;

	while (*from) {
		size_t bytes = strcspn(from, ": ");

		if (!is_self(from, bytes)) {
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
		forget_preload(list);
	if (list && !*list)
		unsetenv("LD_PRELOAD");
	unsetenv(OPTIONS_VARIABLE);
	unsetenv(SESSION_VARIABLE);
}
