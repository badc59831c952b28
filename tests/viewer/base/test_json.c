/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/json.h"

static void write_sample(struct json *j)
{
	json_open_object(j, NULL);
	json_write_text(j, "text", "a \"b\" \\ \n \x01 \x7f \xc3\xa9/");
	json_write_text(j, "unknown", NULL);
	json_write_number(j, "number", UINT64_MAX);
	json_write_integer(j, "integer", -5);
	json_open_array(j, "array");
	json_write_boolean(j, NULL, true);
	json_write_address(j, NULL, 0x7f12);
	json_close_array(j);
	json_open_array(j, "empty");
	json_close_array(j);
	json_open_object(j, "nothing");
	json_close_object(j);
	json_write_null(j, "last");
	json_close_object(j);
}

static void expect(bool is_compact, const char *expected)
{
	struct buffer out = { 0 };
	struct json j = { .out = &out, .is_compact = is_compact };

	write_sample(&j);
	cr_expect_str_eq(out.data, expected);
	buffer_release(&out);
}

Test(json, a_document_has_one_item_a_line)
{
	expect(false, "{\n"
		      "  \"text\": \"a \\\"b\\\" \\\\ \\n \\u0001 \x7f \xc3\xa9/\",\n"
		      "  \"unknown\": null,\n"
		      "  \"number\": 9223372036854775807,\n"
		      "  \"integer\": -5,\n"
		      "  \"array\": [\n"
		      "    true,\n"
		      "    \"0x7f12\"\n"
		      "  ],\n"
		      "  \"empty\": [],\n"
		      "  \"nothing\": {},\n"
		      "  \"last\": null\n"
		      "}\n");
}

Test(json, a_compact_document_is_one_line)
{
	expect(true, "{\"text\":\"a \\\"b\\\" \\\\ \\n \\u0001 \x7f \xc3\xa9/\",\"unknown\":null,"
		     "\"number\":9223372036854775807,\"integer\":-5,\"array\":[true,\"0x7f12\"],"
		     "\"empty\":[],\"nothing\":{},\"last\":null}\n");
}

Test(json, every_control_character_is_escaped)
{
	struct buffer out = { 0 };
	struct json j = { .out = &out, .is_compact = true };

	for (char c = 1; c < 0x20; c++)
		json_write_text(&j, NULL, (char[]){ c, '\0' });
	for (size_t i = 0; i < out.used; i++)
		cr_expect_geq(out.data[i], 0x20);
	cr_expect(strstr(out.data,
			 "\"\\b\",\"\\t\",\"\\n\",\"\\u000B\",\"\\f\",\"\\r\",\"\\u000E\""));
	buffer_release(&out);
}
