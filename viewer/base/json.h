/* SPDX-License-Identifier: MIT */
/*
 * Writes JSON into a buffer, item by item, so that a document needs no memory. A zeroed struct with
 * `out` set is ready. The caller sees to it that each thing that is opened is closed, and that an item
 * of an object has a key of its own.
 *
 * libjansson, which the viewer reads JSON with, has names that begin with json_ as well: no function
 * here may have one of those.
 *
 * A document has one item a line, indented by two spaces a level; or it is compact, on one line.
 *
 * For one thread at a time.
 */
#ifndef LSATRACE_VIEWER_BASE_JSON_H
#define LSATRACE_VIEWER_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

struct buffer;

struct json {
	struct buffer *out;
	bool is_compact;
	bool is_in_html; /* '<' is escaped: in a script of a page, it could end that */
	unsigned depth;  /* arrays and objects that are open, at most 16 */
	bool has_items;  /* the innermost of them is not empty */
};

/* Each of the following writes one item. `key` is NULL in an array, and for the document itself. */
void json_open_object(struct json *j, const char *key);
void json_close_object(struct json *j);
void json_open_array(struct json *j, const char *key);
void json_close_array(struct json *j);

/* Valid UTF-8; NULL: null. Keys are the same. */
void json_write_text(struct json *j, const char *key, const char *text);
/* An integer of a JSON reader has 63 bits: a greater number becomes the greatest one. */
void json_write_number(struct json *j, const char *key, uint64_t number);
void json_write_integer(struct json *j, const char *key, int64_t number);
/* Six digits of a finite number. */
void json_write_real(struct json *j, const char *key, double number);
/* "0x7f12" */
void json_write_address(struct json *j, const char *key, uint64_t address);
/* The site of a call: 16 hexadecimal digits; 0: null. Not every reader keeps all bits of a number. */
void json_write_site(struct json *j, const char *key, uint64_t site);
/* Nanoseconds since 1970: "2023-11-14T22:13:20.123456Z" (RFC 3339) */
void json_write_time(struct json *j, const char *key, uint64_t time_ns);
void json_write_boolean(struct json *j, const char *key, bool value);
void json_write_null(struct json *j, const char *key);
/* If it is not known: null. */
void json_write_number_if(struct json *j, const char *key, bool is_known, uint64_t number);
void json_write_address_if(struct json *j, const char *key, bool is_known, uint64_t address);

#endif
