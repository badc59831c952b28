/* SPDX-License-Identifier: MIT */
#include "viewer/report/json_frames.h"

#include <stdlib.h>

#include "viewer/base/buffer.h"
#include "viewer/base/map.h"
#include "viewer/base/memory.h"
#include "viewer/model/model.h"
#include "viewer/symbols/symbols.h"

/* The JSON of a frame that has been written before. */
struct cached {
	struct model_frame frame; /* the key: zeroed first, because of its padding */
	json_t *frames;           /* an array: one for each inlined function, then the outer one */
	UT_hash_handle hh;
};

struct json_frames {
	struct symbols *symbols;
	struct cached *cache;
};

json_t *json_address(uint64_t address)
{
	struct buffer b = { 0 };
	json_t *text;

	buffer_hex(&b, address);
	text = json_string(b.data);
	buffer_release(&b);
	return text;
}

json_t *json_number(uint64_t number)
{
	return json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number);
}

json_t *json_text(const char *text)
{
	return text ? json_string(text) : json_null();
}

static int append_bytes(const char *text, size_t bytes, void *buffer)
{
	buffer_bytes(buffer, text, bytes);
	return 0;
}

void json_write(struct buffer *b, const json_t *json, size_t flags)
{
	json_dump_callback(json, append_bytes, b, flags);
	buffer_text(b, "\n");
}

static json_t *make_build_id(const struct model_module *module)
{
	struct buffer b = { 0 };
	json_t *text;

	if (!module || module->build_id_bytes == 0)
		return json_null();
	buffer_hex_bytes(&b, module->build_id, module->build_id_bytes);
	text = json_string(b.data);
	buffer_release(&b);
	return text;
}

static json_t *make_frame(const struct model_frame *frame, const struct symbol *symbol)
{
	json_t *json = json_object();

	json_object_set_new(json, "address",
			    frame->has_address ? json_address(frame->address) : json_null());
	json_object_set_new(json, "module", json_text(frame->module ? frame->module->name : NULL));
	json_object_set_new(json, "offset",
			    frame->module || !frame->has_address ? json_address(frame->offset)
								 : json_null());
	json_object_set_new(json, "build_id", make_build_id(frame->module));
	json_object_set_new(json, "function", json_text(symbol->function));
	json_object_set_new(json, "file", json_text(symbol->file));
	json_object_set_new(json, "line", symbol->line ? json_number(symbol->line) : json_null());
	json_object_set_new(json, "inlined", json_boolean(symbol->is_inlined));
	return json;
}

static json_t *find_frames(struct json_frames *j, const struct model_frame *frame)
{
	const struct symbol *symbol;
	struct model_frame key;
	struct cached *cached;

	memset(&key, 0, sizeof(key));
	key.module = frame->module;
	key.offset = frame->offset;
	key.address = frame->address;
	key.has_address = frame->has_address;
	HASH_FIND(hh, j->cache, &key, sizeof(key), cached);
	if (cached)
		return cached->frames;
	cached = memory_new(1, sizeof(*cached));
	memcpy(&cached->frame, &key, sizeof(key));
	cached->frames = json_array();
	symbol = symbols_find(j->symbols, frame->module, frame->offset);
	for (; symbol; symbol = symbol->outer)
		json_array_append_new(cached->frames, make_frame(frame, symbol));
	HASH_ADD(hh, j->cache, frame, sizeof(cached->frame), cached);
	return cached->frames;
}

struct json_frames *json_frames_new(struct symbols *symbols)
{
	struct json_frames *j = memory_new(1, sizeof(*j));

	j->symbols = symbols;
	return j;
}

static void free_cached(struct cached *cached)
{
	json_decref(cached->frames);
	free(cached);
}

void json_frames_free(struct json_frames *j)
{
	if (!j)
		return;
	map_release(j->cache, free_cached);
	free(j);
}

json_t *json_frames_stack(struct json_frames *j, const struct model_stack *stack)
{
	json_t *json = json_array();

	for (uint32_t i = 0; stack && i < stack->frames; i++)
		json_array_extend(json, find_frames(j, &stack->frame[i]));
	return json;
}
