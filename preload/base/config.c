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

static void refuse_option(const char *option, size_t bytes, const char *expected)
{
	char line[TEXT_LINE_BYTES];
	struct text t = TEXT_IN(line);

	text_add(&t, OPTIONS_VARIABLE ": ");
	text_add_bytes(&t, option, bytes);
	text_add(&t, ": expected ");
	text_add(&t, expected);
	text_say(&t);
}

static void take_option(const char *option, size_t bytes)
{
	const char *equals = memchr(option, '=', bytes);
	size_t name_bytes = equals ? (size_t)(equals - option) : bytes;
	const char *value = equals ? equals + 1 : option + bytes;
	const char *expected;
	int known;

	expected = options_take(&options, option, name_bytes, value,
				(size_t)(option + bytes - value), &known);
	if (expected)
		refuse_option(option, bytes, expected);
}

/* Copies one option, up to an unescaped colon, without its backslashes. Returns what comes after
 * it; NULL: nothing. `*bytes` is the whole length, even if there was less room. */
static const char *unescape_option(const char *from, char *to, size_t room, size_t *bytes)
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

		text = unescape_option(text, storage + used, room, &bytes);
		if (bytes > room) {
			refuse_option(storage + used, room, "options of fewer characters");
			continue;
		}
		if (bytes > 0)
			take_option(storage + used, bytes);
		used += bytes;
	}
}
