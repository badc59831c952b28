/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_JSON_H
#define SUPPORT_JSON_H

/*
 * Gets values out of a JSON document. A path consists of keys and indices with dots between them,
 * such as "stacks.call.0.function". Nothing is copied: a result is valid as long as the document.
 */

#include <stdbool.h>

#include <jansson.h>

/* Returns NULL if there is no such value. */
json_t *json_at(const json_t *value, const char *path);

/* Returns NULL if there is no string. */
const char *json_text_at(const json_t *value, const char *path);

/* Returns -1 if there is no number. */
long long json_number_at(const json_t *value, const char *path);

/* Returns whether both are the same text, or both are NULL. */
bool json_same_text(const char *one, const char *other);

#endif
