/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *json_at(const json_t *value, const char *path)
{
	const json_t *found = value;
	char step[128];
	size_t length;

	for (; found && *path; path += length + (path[length] == '.')) {
		length = strcspn(path, ".");
		snprintf(step, sizeof(step), "%.*s", (int)length, path);
		if (json_is_array(found))
			found = json_array_get(found, strtoul(step, NULL, 10));
		else
			found = json_object_get(found, step);
	}
	return (json_t *)found;
}

const char *json_text_at(const json_t *value, const char *path)
{
	return json_string_value(json_at(value, path));
}

long long json_number_at(const json_t *value, const char *path)
{
	const json_t *number = json_at(value, path);

	return json_is_integer(number) ? json_integer_value(number) : -1;
}

bool json_same_text(const char *one, const char *other)
{
	return one && other ? strcmp(one, other) == 0 : one == other;
}
