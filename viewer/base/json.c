/* SPDX-License-Identifier: MIT */
#include "viewer/base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "viewer/base/buffer.h"

static void write_newline(struct json *j)
{
	static const char line[] = "\n                                ";

	if (!j->is_compact)
		buffer_bytes(j->out, line, 1 + 2 * j->depth);
}

static void write_escape(struct buffer *out, char c)
{
	static const char named[] = "\bb\tt\nn\ff\rr\"\"\\\\";
	const char *place = memchr(named, c, sizeof(named) - 1);
	char escape[] = { '\\', 'u', '0', '0', (char)('0' + (c >> 4)), "0123456789ABCDEF"[c & 15] };

	/* A letter that stands for another is no control character. */
	if (place && (place - named) % 2 == 0)
		escape[1] = place[1];
	buffer_bytes(out, escape, escape[1] == 'u' ? sizeof(escape) : 2);
}

static void write_string(const struct json *j, const char *text)
{
	struct buffer *out = j->out;
	const char *at = text, *end = text + strlen(text), *less;
	size_t span;

	buffer_bytes(out, "\"", 1);
	while (at < end) {
		span = buffer_span(at, (size_t)(end - at), '"', '\\');
		less = j->is_in_html ? memchr(at, '<', span) : NULL;
		span = less ? (size_t)(less - at) : span;
		buffer_bytes(out, at, span);
		at += span;
		if (at < end && (unsigned char)*at >= 0x7f)
			buffer_bytes(out, at++, 1);
		else if (at < end)
			write_escape(out, *at++);
	}
	buffer_bytes(out, "\"", 1);
}

/* What comes before a value. */
static void begin_item(struct json *j, const char *key)
{
	if (j->has_items)
		buffer_text(j->out, ",");
	if (j->depth)
		write_newline(j);
	j->has_items = true;
	if (!key)
		return;
	write_string(j, key);
	buffer_text(j->out, j->is_compact ? ":" : ": ");
}

static void open_bracket(struct json *j, const char *key, const char *bracket)
{
	begin_item(j, key);
	buffer_text(j->out, bracket);
	j->depth++;
	j->has_items = false;
}

static void close_bracket(struct json *j, const char *bracket)
{
	j->depth--;
	if (j->has_items)
		write_newline(j);
	buffer_text(j->out, bracket);
	buffer_text(j->out, j->depth ? "" : "\n");
	j->has_items = j->depth != 0;
}

void json_open_object(struct json *j, const char *key)
{
	open_bracket(j, key, "{");
}

void json_close_object(struct json *j)
{
	close_bracket(j, "}");
}

void json_open_array(struct json *j, const char *key)
{
	open_bracket(j, key, "[");
}

void json_close_array(struct json *j)
{
	close_bracket(j, "]");
}

void json_write_text(struct json *j, const char *key, const char *text)
{
	begin_item(j, key);
	if (text)
		write_string(j, text);
	else
		buffer_text(j->out, "null");
}

void json_write_number(struct json *j, const char *key, uint64_t number)
{
	begin_item(j, key);
	buffer_decimal(j->out, number > INT64_MAX ? INT64_MAX : number);
}

void json_write_integer(struct json *j, const char *key, int64_t number)
{
	begin_item(j, key);
	buffer_signed(j->out, number);
}

void json_write_real(struct json *j, const char *key, double number)
{
	begin_item(j, key);
	buffer_format(j->out, "%.6g", number);
}

void json_write_address(struct json *j, const char *key, uint64_t address)
{
	begin_item(j, key);
	buffer_text(j->out, "\"");
	buffer_hex(j->out, address);
	buffer_text(j->out, "\"");
}

void json_write_site(struct json *j, const char *key, uint64_t site)
{
	char text[17];

	snprintf(text, sizeof(text), "%016" PRIx64, site);
	json_write_text(j, key, site ? text : NULL);
}

void json_write_time(struct json *j, const char *key, uint64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / 1000000000u);
	struct buffer b = { 0 };
	struct tm tm;
	char text[64];

	if (gmtime_r(&seconds, &tm)) {
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
		buffer_format(&b, "%s.%06" PRIu64 "Z", text, time_ns % 1000000000u / 1000u);
	}
	json_write_text(j, key, b.data);
	buffer_release(&b);
}

void json_write_boolean(struct json *j, const char *key, bool value)
{
	begin_item(j, key);
	buffer_text(j->out, value ? "true" : "false");
}

void json_write_null(struct json *j, const char *key)
{
	begin_item(j, key);
	buffer_text(j->out, "null");
}

void json_write_number_if(struct json *j, const char *key, bool is_known, uint64_t number)
{
	if (is_known)
		json_write_number(j, key, number);
	else
		json_write_null(j, key);
}

void json_write_address_if(struct json *j, const char *key, bool is_known, uint64_t address)
{
	if (is_known)
		json_write_address(j, key, address);
	else
		json_write_null(j, key);
}
