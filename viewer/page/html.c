/* SPDX-License-Identifier: MIT */
#include "viewer/page/html.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/model/model.h"

void html_text(struct buffer *b, const char *text)
{
	struct buffer plain = { 0 };
	const char *at;

	buffer_plain(&plain, text);
	for (at = plain.data ? plain.data : ""; *at;) {
		size_t span = strcspn(at, "&<>\"'");

		buffer_bytes(b, at, span);
		at += span;
		switch (*at) {
		case '\0':
			continue;
		case '&':
			buffer_text(b, "&amp;");
			break;
		case '<':
			buffer_text(b, "&lt;");
			break;
		case '>':
			buffer_text(b, "&gt;");
			break;
		case '"':
			buffer_text(b, "&quot;");
			break;
		default:
			buffer_text(b, "&#39;");
		}
		at++;
	}
	buffer_release(&plain);
}

static void close_tag(struct buffer *b, const char *tag)
{
	buffer_text(b, "</");
	buffer_bytes(b, tag, strcspn(tag, " "));
	buffer_text(b, ">");
}

void html_lines(struct buffer *b, const char *tag, const char *lines)
{
	buffer_format(b, "<%s>", tag);
	while (*lines) {
		size_t length = strcspn(lines, "\n");
		char *line = memory_text(lines, length);

		html_text(b, line);
		free(line);
		lines += length;
		if (*lines)
			buffer_bytes(b, lines++, 1);
	}
	close_tag(b, tag);
}

void html_element(struct buffer *b, const char *tag, const char *text)
{
	buffer_format(b, "<%s>", tag);
	html_text(b, text);
	close_tag(b, tag);
}

void html_number(struct buffer *b, const char *tag, uint64_t number)
{
	buffer_format(b, "<%s>", tag);
	buffer_decimal(b, number);
	close_tag(b, tag);
}

void html_package(struct buffer *b, const struct model *model, uint32_t package)
{
	struct buffer name = { 0 };

	model_write_package(model, package, &name);
	html_text(b, name.data);
	buffer_release(&name);
}
