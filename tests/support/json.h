/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_JSON_H
#define SUPPORT_JSON_H

/*
 * Picks values out of a JSON document. A path is keys and indices separated by dots, such as
 * "stacks.call.0.function". Nothing is copied: what is returned lives as long as the document.
 */

#include <stdbool.h>

#include <jansson.h>

/* Returns NULL if the path leads nowhere, at any step. */
json_t *json_at(const json_t *value, const char *path);

/* Returns NULL if there is no string. */
const char *json_text_at(const json_t *value, const char *path);

/* Returns -1 if there is no number. */
long long json_number_at(const json_t *value, const char *path);

/* Two strings, or two NULLs. */
bool json_same_text(const char *one, const char *other);

#endif
