/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "include/options.h"
#include "preload/base/config.h"
#include "preload/base/text.h"
#include "preload/file/session_file.h"
#include "preload/host/elf_image.h"
#include "preload/life/follow.h"

#include "preload/base/poison.h"

/* Is `path`, `bytes` long, the path of this library, or its name alone, by which the loader has
 * searched it? Takes no lock of the loader. */
static bool is_own_path(const char *path, size_t bytes)
{
	const struct link_map *map = elf_image_map_at(&is_own_path);
	const char *name = map ? map->l_name : "", *slash = strrchr(name, '/');

	if (slash && !memchr(path, '/', bytes))
		name = slash + 1;
	return *name && strlen(name) == bytes && memcmp(name, path, bytes) == 0;
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

/* The value of a variable, if this is an entry of the environment for it; else NULL. */
static char *value_of(char *entry, const char *name)
{
	size_t bytes = strlen(name);

	return strncmp(entry, name, bytes) == 0 && entry[bytes] == '=' ? entry + bytes + 1 : NULL;
}

static bool has_own_path(const char *list)
{
	for (size_t bytes; *list; list += bytes + (list[bytes] != '\0')) {
		bytes = strcspn(list, ": ");
		if (is_own_path(list, bytes))
			return true;
	}
	return false;
}

size_t follow_bytes(char *const envp[])
{
	size_t count = 0, bytes = 0;

	for (; envp && envp[count]; count++) {
		const char *list = value_of(envp[count], "LD_PRELOAD");

		if (list && has_own_path(list))
			bytes += strlen(envp[count]) + 1 + PROGRAM_NAME_BYTES;
	}
	return bytes ? bytes + (count + 1) * sizeof(char *) : 0;
}

char *const *follow_without(char *const envp[], void *room)
{
	char **to = room, *text = room;

	for (size_t i = 0; envp[i]; i++)
		text += sizeof(char *);
	text += sizeof(char *);
	for (size_t i = 0; envp[i]; i++) {
		const char *list = value_of(envp[i], "LD_PRELOAD");

		if (value_of(envp[i], OPTIONS_VARIABLE) || value_of(envp[i], SESSION_VARIABLE))
			continue;
		if (!list || !has_own_path(list)) {
			*to++ = envp[i];
			continue;
		}
		strcpy(text, envp[i]);
		remove_own_path(value_of(text, "LD_PRELOAD"));
		if (*value_of(text, "LD_PRELOAD"))
			*to++ = text;
		text += strlen(envp[i]) + 1;
	}
	*to = NULL;
	return room;
}

char *const *follow_behind(char *const envp[], const char *sanitizer, void *room)
{
	char **to = room, *text = room;

	for (size_t i = 0; envp[i]; i++)
		text += sizeof(char *);
	text += sizeof(char *);
	for (size_t i = 0; envp[i]; i++) {
		const char *list = value_of(envp[i], "LD_PRELOAD");

		*to++ = envp[i];
		if (!list || !has_own_path(list) || program_is_sanitizer(list, strcspn(list, ": ")))
			continue;
		to[-1] = text;
		text = stpcpy(text, "LD_PRELOAD=");
		text = stpcpy(text, sanitizer);
		*text++ = ':';
		text = stpcpy(text, list) + 1;
	}
	*to = NULL;
	return room;
}

static bool is_expected;

bool follow_is_expected(void)
{
	return is_expected && config->follow;
}

void follow_start(void)
{
	char *list = getenv("LD_PRELOAD");
	size_t bytes = list ? strcspn(list, ":") : 0;

	is_expected = list && has_own_path(list);
	if (bytes && list[bytes] && !memchr(list, '/', bytes) && program_is_sanitizer(list, bytes))
		memmove(list, list + bytes + 1, strlen(list + bytes + 1) + 1);
}

void follow_note_untraced(const char *name, const struct program *program)
{
	char line[TEXT_LINE_BYTES];
	struct text t = TEXT_IN(line);

	text_add(&t, name);
	if (!program) {
		text_add(&t, " was executed in an environment without the library");
		session_file_add_untraced(t.at, t.bytes);
		return;
	}
	if (*program->interpreter) {
		text_add(&t, ": its interpreter ");
		text_add(&t, program->interpreter);
	}
	text_add(&t, " ");
	text_add(&t, program_reason(program->kind));
	session_file_add_untraced(t.at, t.bytes);
}
