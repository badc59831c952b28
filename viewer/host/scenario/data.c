/* SPDX-License-Identifier: MIT */
#include "viewer/host/scenario/data.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "include/secpkg.h"
#include "viewer/host/base/memory.h"
#include "viewer/host/base/wide.h"
#include "viewer/host/memory/heaps.h"

enum { NUMBER_MOST = 1 << 24, STRINGS_MOST = 32 };

struct reading {
	struct data *data;
	const char *scenario;
	bool is_dry;
	char *string[STRINGS_MOST]; /* texts that are still to be appended */
	size_t string_at[STRINGS_MOST];
	size_t strings;
};

static void append(struct data *data, const void *bytes, size_t count)
{
	data->bytes = memory_resize(data->bytes, data->length + count);
	if (bytes && count)
		memcpy(data->bytes + data->length, bytes, count);
	else if (count)
		memset(data->bytes + data->length, 0, count);
	data->length += count;
}

static const char *read_hex(struct reading *r, const char *text)
{
	for (; *text; text += 2) {
		char pair[3] = { text[0], text[1], '\0' };
		unsigned char byte;

		if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1]))
			return "pairs of hexadecimal digits behind hex:";
		byte = (unsigned char)strtoul(pair, NULL, 16);
		append(r->data, &byte, 1);
	}
	return NULL;
}

static const char *read_text(struct reading *r, const char *text)
{
	append(r->data, text, strlen(text) + 1);
	return NULL;
}

static const char *read_wide(struct reading *r, const char *text)
{
	size_t count = wide_from(NULL, text) + 1;
	WCHAR *characters = memory_new(count * sizeof(WCHAR));

	wide_from(characters, text);
	append(r->data, characters, count * sizeof(WCHAR));
	free(characters);
	return NULL;
}

static bool read_number(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 0);
	return isdigit((unsigned char)*text) && !*end && !errno;
}

static const char *append_number(struct reading *r, const char *text, size_t bytes)
{
	uint64_t number;

	if (!read_number(text, &number) || (bytes < 8 && number >> (8 * bytes)))
		return "a number that fits";
	append(r->data, &number, bytes);
	return NULL;
}

static const char *read_u16(struct reading *r, const char *text)
{
	return append_number(r, text, 2);
}

static const char *read_u32(struct reading *r, const char *text)
{
	return append_number(r, text, 4);
}

static const char *read_u64(struct reading *r, const char *text)
{
	return append_number(r, text, 8);
}

static const char *read_zeroes(struct reading *r, const char *text)
{
	uint64_t number;

	if (!read_number(text, &number) || number > NUMBER_MOST)
		return "a number up to 16777216 behind zero:";
	append(r->data, NULL, number);
	return NULL;
}

static const char *read_padding(struct reading *r, const char *text)
{
	uint64_t number;

	if (!read_number(text, &number) || !number || number > NUMBER_MOST)
		return "a number from 1 to 16777216 behind pad:";
	append(r->data, NULL, (number - r->data->length % number) % number);
	return NULL;
}

static const char *read_string(struct reading *r, const char *text)
{
	size_t bytes = wide_from(NULL, text) * sizeof(WCHAR);
	UNICODE_STRING string = { (USHORT)bytes, (USHORT)bytes, NULL };

	if (r->strings == STRINGS_MOST)
		return "at most 32 strings";
	if (bytes > UINT16_MAX)
		return "a shorter string";
	r->string[r->strings] = memory_text(text);
	r->string_at[r->strings++] = r->data->length;
	append(r->data, &string, sizeof(string));
	return NULL;
}

static const char *read_heap(struct reading *r, const char *text)
{
	uint64_t number;
	PVOID block;

	if (!read_number(text, &number) || number > NUMBER_MOST)
		return "a number up to 16777216 behind heap:";
	block = r->is_dry ? NULL : heap_allocate(HEAP_LSA, number);
	append(r->data, &block, sizeof(block));
	return NULL;
}

static const char *read_file(struct reading *r, const char *name)
{
	const char *slash = r->scenario ? strrchr(r->scenario, '/') : NULL;
	int folder = *name == '/' || !slash ? 0 : (int)(slash + 1 - r->scenario);
	char *path = memory_new((size_t)folder + strlen(name) + 1), *content;
	const char *wrong;
	size_t bytes;
	FILE *file;

	sprintf(path, "%.*s%s", folder, folder ? r->scenario : "", name);
	file = fopen(path, "rb");
	free(path);
	if (!file)
		return "a file that can be read";
	content = memory_read(file, &bytes, &wrong);
	fclose(file);
	if (!content)
		return "a file that can be read, of at most 16 MiB";
	append(r->data, content, bytes);
	free(content);
	return NULL;
}

static const struct item {
	const char *prefix;
	const char *(*read)(struct reading *r, const char *text);
} items[] = {
	{ "hex:", read_hex },     { "text:", read_text },   { "wide:", read_wide },
	{ "u16:", read_u16 },     { "u32:", read_u32 },     { "u64:", read_u64 },
	{ "zero:", read_zeroes }, { "pad:", read_padding }, { "string:", read_string },
	{ "heap:", read_heap },   { "@", read_file },
};

static const char *read_item(struct reading *r, const char *text)
{
	for (size_t i = 0; i < sizeof(items) / sizeof(*items); i++) {
		size_t length = strlen(items[i].prefix);

		if (strncmp(text, items[i].prefix, length) == 0)
			return items[i].read(r, text + length);
	}
	return "items such as hex:00ff, text:WORDS, @FILE, u32:N, zero:N";
}

/* Ends the item at its comma. Returns the next one, or NULL. */
static char *split_item(char *item)
{
	char *to = item;

	for (; *item && *item != ','; item++) {
		if (*item == '\\' && (item[1] == ',' || item[1] == '\\'))
			item++;
		*to++ = *item;
	}
	if (!*item) {
		*to = '\0';
		return NULL;
	}
	*to = '\0';
	return item + 1;
}

/* Puts the texts of strings behind all items. */
static void append_strings(struct reading *r)
{
	for (size_t i = 0; i < r->strings; i++) {
		struct data *data = r->data;
		uint64_t offset;

		append(data, NULL, data->length % sizeof(WCHAR));
		offset = data->length;
		memcpy(data->bytes + r->string_at[i] + offsetof(UNICODE_STRING, Buffer), &offset,
		       sizeof(offset));
		data->addresses = memory_resize(data->addresses, (data->address_count + 1) *
									 sizeof(*data->addresses));
		data->addresses[data->address_count++] =
			r->string_at[i] + offsetof(UNICODE_STRING, Buffer);
		read_wide(r, r->string[i]);
		data->length -= sizeof(WCHAR);
		free(r->string[i]);
	}
}

const char *data_read(struct data *data, const char *text, const char *scenario, bool is_dry)
{
	struct reading r = { .data = data, .scenario = scenario, .is_dry = is_dry };
	char *copy = memory_text(text);
	const char *wrong = NULL;

	*data = (struct data){ 0 };
	for (char *item = *copy ? copy : NULL, *next; item && !wrong; item = next) {
		next = split_item(item);
		wrong = read_item(&r, item);
	}
	append_strings(&r);
	free(copy);
	if (wrong)
		data_release(data);
	return wrong;
}

void data_place(struct data *data, const void *base)
{
	for (size_t i = 0; i < data->address_count; i++) {
		uint64_t address;

		memcpy(&address, data->bytes + data->addresses[i], sizeof(address));
		address += (uintptr_t)base;
		memcpy(data->bytes + data->addresses[i], &address, sizeof(address));
	}
}

void data_release(struct data *data)
{
	free(data->bytes);
	free(data->addresses);
	*data = (struct data){ 0 };
}
