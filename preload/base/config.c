/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "preload/base/config.h"
#include "preload/base/text.h"

#include "preload/base/poison.h"

enum { OPTIONS_BYTES = 8192 };

static struct options options;
/* The values that `options` points into, unescaped. */
static char storage[OPTIONS_BYTES];

const struct options *const config = &options;

static void refuse(const char *option, size_t bytes, const char *expected)
{
	struct line l = { 0 };

	line_text(&l, OPTIONS_VARIABLE ": ");
	line_bytes(&l, option, bytes);
	line_text(&l, ": expected ");
	line_text(&l, expected);
	line_say(&l);
}

static void take(const char *option, size_t bytes)
{
	const char *equals = memchr(option, '=', bytes);
	size_t name_bytes = equals ? (size_t)(equals - option) : bytes;
	const char *value = equals ? equals + 1 : option + bytes;
	const char *expected;
	int known;

	expected = options_take(&options, option, name_bytes, value,
				(size_t)(option + bytes - value), &known);
	if (expected)
		refuse(option, bytes, expected);
}

/* Copies one option, up to an unescaped colon, without its backslashes. Returns what comes after.
 * `*bytes` is its whole length, whether or not there was room for it. */
static const char *unescape(const char *from, char *to, size_t room, size_t *bytes)
{
	size_t n = 0;

	for (; *from && *from != ':'; from++, n++) {
		if (*from == '\\' && from[1])
			from++;
		if (n < room)
			to[n] = *from;
	}
	*bytes = n;
	return *from == ':' ? from + 1 : NULL;
}

void config_init(void)
{
	const char *text = getenv(OPTIONS_VARIABLE);
	size_t used = 0, bytes;

	options = OPTIONS_DEFAULT;
	while (text) {
		size_t room = sizeof(storage) - used;

		text = unescape(text, storage + used, room, &bytes);
		if (bytes > room) {
			refuse(storage + used, room, "options of fewer characters");
			continue;
		}
		if (bytes > 0)
			take(storage + used, bytes);
		used += bytes;
	}
}
