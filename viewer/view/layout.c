/* SPDX-License-Identifier: MIT */
#include "viewer/view/layout.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"

#define FURTHER 4u /* columns */

/* Returns the bytes of a character, or of an escape sequence; of these, *columns is 0. */
static size_t measure_character(const char *text, size_t bytes, size_t *columns)
{
	size_t length = 1;

	*columns = 1;
	if (*text == '\033') {
		*columns = 0;
		while (length < bytes && text[length] != 'm')
			length++;
		return length < bytes ? length + 1 : length;
	}
	while (length < bytes && (text[length] & 0xc0) == 0x80)
		length++;
	return length;
}

size_t layout_columns(const char *text, size_t bytes)
{
	/* Most text is plain ASCII, all of it. */
	size_t sum = buffer_span(text, bytes, 0, 0), columns;

	for (size_t at = sum; at < bytes; sum += columns)
		at += measure_character(text + at, bytes - at, &columns);
	return sum;
}

static void append(struct buffer *to, const char *text, size_t bytes, bool is_ascii)
{
	static const struct {
		const char *character, *instead;
	} known[] = { { "…", "..." }, { "←", "<-" } };
	size_t columns;

	for (size_t at = 0, length; is_ascii && at < bytes; at += length) {
		const char *instead = "?";

		length = measure_character(text + at, bytes - at, &columns);
		if (text[at] >= 0 || columns == 0) {
			buffer_bytes(to, text + at, length);
			continue;
		}
		for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
			if (length == strlen(known[i].character) &&
			    memcmp(text + at, known[i].character, length) == 0)
				instead = known[i].instead;
		buffer_text(to, instead);
	}
	if (!is_ascii)
		buffer_bytes(to, text, bytes);
}

/* Returns where a line is broken: behind the last blank within the width, or else the first. */
static size_t find_break(const char *line, size_t bytes, size_t width)
{
	size_t at = strspn(line, " "), columns = at, last = 0, wide;

	while (at < bytes && (columns < width || !last)) {
		if (line[at] == ' ')
			last = at + 1;
		at += measure_character(line + at, bytes - at, &wide);
		columns += wide;
	}
	return columns < width || !last ? bytes : last;
}

static void append_line(struct buffer *to, const char *line, size_t bytes, unsigned width,
			bool is_ascii)
{
	size_t indent = 0, further = 0, end;

	while (indent < bytes && line[indent] == ' ')
		indent++;
	while (width && layout_columns(line, bytes) + further > width) {
		end = find_break(line, bytes, width - further);
		if (end == bytes)
			break;
		append(to, line, end - 1, is_ascii);
		further = indent + FURTHER < width / 2 ? indent + FURTHER : FURTHER;
		buffer_format(to, "\n%*s", (int)further, "");
		line += end;
		bytes -= end;
	}
	append(to, line, bytes, is_ascii);
}

static bool has_only_ascii(const char *text, size_t bytes)
{
	unsigned char all = 0;

	for (size_t i = 0; i < bytes; i++)
		all |= (unsigned char)text[i];
	return all < 0x80;
}

void layout_lines(struct buffer *to, const char *lines, size_t bytes, unsigned width, bool is_ascii)
{
	if (!width && (!is_ascii || has_only_ascii(lines, bytes))) {
		buffer_bytes(to, lines, bytes);
		return;
	}
	while (bytes) {
		const char *end = memchr(lines, '\n', bytes);
		size_t length = end ? (size_t)(end - lines) : bytes;

		append_line(to, lines, length, width, is_ascii);
		if (end)
			buffer_text(to, "\n");
		lines += length + (end != NULL);
		bytes -= length + (end != NULL);
	}
}

void layout_cut(struct buffer *to, const char *text, size_t columns)
{
	size_t bytes = strlen(text), at = 0, wide, used = 0;

	if (layout_columns(text, bytes) <= columns) {
		buffer_text(to, text);
		return;
	}
	while (at < bytes) {
		size_t length = measure_character(text + at, bytes - at, &wide);

		if (used + wide > columns - 1)
			break;
		used += wide;
		at += length;
	}
	buffer_bytes(to, text, at);
	buffer_text(to, "…");
}

/*
 * Returns where the next part of a qualified name begins, behind "::", or if `is_list` where its list of
 * parameters begins; NULL if there is none. Neither is within brackets of any kind.
 */
static const char *find_part(const char *name, bool is_list)
{
	int depth = 0;

	for (const char *at = name; *at; at++) {
		size_t before = (size_t)(at - name);

		if (depth == 0 && !is_list && at[0] == ':' && at[1] == ':')
			return at + 2;
		/* "(anonymous namespace)" and "operator()" are names. */
		if (depth == 0 && is_list && *at == '(' && before > 0 && at[-1] != ':' &&
		    (before < 8 || strncmp(at - 8, "operator", 8) != 0))
			return at;
		if (strchr("<({[", *at))
			depth++;
		else if (strchr(">)}]", *at) && (before == 0 || at[-1] != '-'))
			depth--;
	}
	return NULL;
}

/* Leaves out what tells least: the parameters, then namespaces and classes from the outermost one on. */
static void cut_function(struct buffer *to, const char *name, size_t columns)
{
	const char *list = find_part(name, true), *next;
	char *plain = memory_text(name, list ? (size_t)(list - name) : strlen(name));
	const char *at = plain;

	while (layout_columns(at, strlen(at)) + (at > plain) > columns &&
	       (next = find_part(at, false)) != NULL)
		at = next;
	buffer_text(to, at > plain ? "…" : "");
	layout_cut(to, at, columns - (at > plain));
	free(plain);
}

/* Leaves out the beginning: of a place, the end is the line. */
static void cut_beginning(struct buffer *to, const char *text, size_t columns)
{
	size_t bytes = strlen(text), left = layout_columns(text, bytes), wide;

	for (; left > columns - 1; left -= wide) {
		size_t length = measure_character(text, bytes, &wide);

		text += length;
		bytes -= length;
	}
	buffer_text(to, "…");
	buffer_text(to, text);
}

void layout_cut_place(struct buffer *to, const char *text, size_t columns)
{
	const char *at = NULL, *next = text;
	struct buffer function = { 0 };
	size_t tail;

	while ((next = strstr(next, " at ")) != NULL)
		at = next++;
	tail = at ? layout_columns(at, strlen(at)) : 0;
	if (!at || layout_columns(text, strlen(text)) <= columns) {
		layout_cut(to, text, columns);
		return;
	}
	if (tail + 2 > columns) {
		cut_beginning(to, text, columns);
		return;
	}
	buffer_bytes(&function, text, (size_t)(at - text));
	cut_function(to, function.data, columns - tail);
	buffer_text(to, at);
	buffer_release(&function);
}
