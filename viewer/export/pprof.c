/* SPDX-License-Identifier: MIT */
/*
 * The format `pprof`: profile.proto of https://github.com/google/pprof, compressed.
 *
 * The message is written as it becomes known: a string, a function or a location when it is first
 * needed, before the sample that needs it. Readers take the parts of each kind in their order, whatever
 * is between them. Only the mappings come last, because their ends are not known before.
 */
#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/export/export.h"
#include "viewer/export/proto.h"
#include "viewer/model/model.h"
#include "viewer/profile/numbers.h"
#include "viewer/profile/profile.h"
#include "viewer/symbols/symbols.h"

/* Fields of the messages. */
enum {
	PROFILE_SAMPLE_TYPE = 1,
	PROFILE_SAMPLE = 2,
	PROFILE_MAPPING = 3,
	PROFILE_LOCATION = 4,
	PROFILE_FUNCTION = 5,
	PROFILE_STRING = 6,
	PROFILE_TIME_NANOS = 9,
	PROFILE_DURATION_NANOS = 10,
	PROFILE_PERIOD_TYPE = 11,
	PROFILE_PERIOD = 12,
	PROFILE_COMMENT = 13,
	PROFILE_DEFAULT_TYPE = 14,
	TYPE_TYPE = 1,
	TYPE_UNIT = 2,
	SAMPLE_LOCATION = 1,
	SAMPLE_VALUE = 2,
	SAMPLE_LABEL = 3,
	LABEL_KEY = 1,
	LABEL_STRING = 2,
	LABEL_NUMBER = 3,
	MAPPING_ID = 1,
	MAPPING_START = 2,
	MAPPING_LIMIT = 3,
	MAPPING_FILE = 5,
	MAPPING_BUILD_ID = 6,
	MAPPING_HAS_FUNCTIONS = 7,
	MAPPING_HAS_FILES = 8,
	MAPPING_HAS_LINES = 9,
	MAPPING_HAS_INLINED = 10,
	LOCATION_ID = 1,
	LOCATION_MAPPING = 2,
	LOCATION_ADDRESS = 3,
	LOCATION_LINE = 4,
	LINE_FUNCTION = 1,
	LINE_LINE = 2,
	FUNCTION_ID = 1,
	FUNCTION_NAME = 2,
	FUNCTION_SYSTEM_NAME = 3,
	FUNCTION_FILE = 4,
};

static const struct {
	const char *type, *unit;
	enum profile_value value;
} types[] = {
	{ "alloc_objects", "count", PROFILE_ALLOCATED_BLOCKS },
	{ "alloc_space", "bytes", PROFILE_ALLOCATED_BYTES },
	{ "inuse_objects", "count", PROFILE_LEAKED_BLOCKS },
	{ "inuse_space", "bytes", PROFILE_LEAKED_BYTES },
};

/* A module of one of the traces. */
struct mapping {
	uint64_t limit; /* behind its last address that is used; 0: it is not used */
	bool has_functions, has_files;
};

struct writer {
	const struct export *e;
	struct buffer *out;
	struct numbers strings, functions, locations;
	struct mapping **mapping; /* by model, and by place of the module */
	size_t *first_id;         /* of a model's first mapping */
	struct buffer sample, list, location, line, other; /* messages that are being made */
};

static uint32_t write_string(struct writer *w, const char *text)
{
	bool is_new;
	uint32_t number = numbers_give(&w->strings, text, strlen(text), &is_new);

	if (is_new)
		proto_text(w->out, PROFILE_STRING, text);
	return number - 1;
}

static void write_type(struct writer *w, unsigned field, const char *type, const char *unit)
{
	proto_number(&w->other, TYPE_TYPE, write_string(w, type));
	proto_number(&w->other, TYPE_UNIT, write_string(w, unit));
	proto_take(w->out, field, &w->other);
}

static uint32_t write_function(struct writer *w, const char *name, const char *linkage_name,
			       const char *file)
{
	const uint32_t key[] = { write_string(w, name), write_string(w, linkage_name),
				 write_string(w, file) };
	bool is_new;
	uint32_t number = numbers_give(&w->functions, key, sizeof(key), &is_new);

	if (!is_new)
		return number;
	proto_number(&w->other, FUNCTION_ID, number);
	proto_number(&w->other, FUNCTION_NAME, key[0]);
	proto_number(&w->other, FUNCTION_SYSTEM_NAME, key[1]);
	proto_number(&w->other, FUNCTION_FILE, key[2]);
	proto_take(w->out, PROFILE_FUNCTION, &w->other);
	return number;
}

/* Appends a function to the location that is being made. */
static void add_line(struct writer *w, const char *name, const char *linkage_name, const char *file,
		     uint32_t line)
{
	proto_number(&w->line, LINE_FUNCTION, write_function(w, name, linkage_name, file));
	proto_number(&w->line, LINE_LINE, line);
	proto_take(&w->location, LOCATION_LINE, &w->line);
}

/* A location that is no place in the code. */
static uint32_t write_word(struct writer *w, const char *word)
{
	bool is_new;
	uint32_t number = numbers_give(&w->locations, word, strlen(word), &is_new);

	if (!is_new)
		return number;
	proto_number(&w->location, LOCATION_ID, number);
	add_line(w, word, word, "", 0);
	proto_take(w->out, PROFILE_LOCATION, &w->location);
	return number;
}

/* The innermost inlined function comes first. A place without a name has no line: a server that has the
 * symbols can find it by build-id and address. */
static void add_lines(struct writer *w, const struct model_frame *frame, struct mapping *mapping)
{
	const struct symbol *symbol = symbols_find(w->e->symbols, frame->module, frame->offset);

	for (; symbol; symbol = symbol->outer) {
		if (!symbol->function)
			continue;
		if (mapping) {
			mapping->has_functions = true;
			mapping->has_files |= symbol->file != NULL;
		}
		add_line(w, symbol->function,
			 symbol->linkage_name ? symbol->linkage_name : symbol->function,
			 symbol->file ? symbol->file : "", symbol->line);
	}
}

static uint32_t write_location(struct writer *w, uint32_t model, const struct model_frame *frame)
{
	const struct model_module *module = frame->module;
	const uint64_t key[] = { model, module ? module->id + 1ull : 0, frame->offset };
	uint64_t address = frame->offset + (module ? module->load : 0);
	bool is_new;
	uint32_t number = numbers_give(&w->locations, key, sizeof(key), &is_new);
	struct mapping *mapping = module ? &w->mapping[model][module->place] : NULL;

	if (!is_new)
		return number;
	proto_number(&w->location, LOCATION_ID, number);
	if (module)
		proto_number(&w->location, LOCATION_MAPPING, w->first_id[model] + module->place);
	proto_number(&w->location, LOCATION_ADDRESS, address);
	add_lines(w, frame, mapping);
	proto_take(w->out, PROFILE_LOCATION, &w->location);
	if (mapping && address + 1 > mapping->limit)
		mapping->limit = address + 1;
	return number;
}

static void add_label(struct writer *w, const char *key, const char *text)
{
	proto_number(&w->other, LABEL_KEY, write_string(w, key));
	proto_number(&w->other, LABEL_STRING, write_string(w, text));
	proto_take(&w->sample, SAMPLE_LABEL, &w->other);
}

static void add_labels(struct writer *w, const struct profile_row *row)
{
	const struct model *model = w->e->models[row->model];
	const char *family = model_family(model, row->family);
	struct buffer package = { 0 };

	model_write_package(model, row->package, &package);
	add_label(w, "package", package.data);
	buffer_release(&package);
	if (family)
		add_label(w, "family", family);
	if (w->e->count == 1)
		return;
	proto_number(&w->other, LABEL_KEY, write_string(w, "pid"));
	proto_number(&w->other, LABEL_NUMBER, (uint64_t)model_process(model)->pid);
	proto_take(&w->sample, SAMPLE_LABEL, &w->other);
}

static void write_sample(struct writer *w, const struct profile_row *row)
{
	const struct model *model = w->e->models[row->model];
	const struct model_stack *stack;
	struct model_stack room;

	stack = model_stack(model, row->stack, &room);
	for (uint32_t i = 0; stack && i < stack->frames; i++)
		proto_varint(&w->list, write_location(w, row->model, &stack->frame[i]));
	if (!stack)
		proto_varint(&w->list, write_word(w, row->is_overwritten ? "(overwritten calls)"
									 : "(no backtrace)"));
	proto_take(&w->sample, SAMPLE_LOCATION, &w->list);
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		uint64_t value = row->value[types[i].value];

		proto_varint(&w->list, value > INT64_MAX ? INT64_MAX : value);
	}
	proto_take(&w->sample, SAMPLE_VALUE, &w->list);
	add_labels(w, row);
	proto_take(w->out, PROFILE_SAMPLE, &w->sample);
}

static bool has_values(const struct profile_row *row)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (row->value[types[i].value])
			return true;
	return false;
}

static void write_mapping(struct writer *w, const struct model_module *module, size_t id,
			  const struct mapping *mapping)
{
	proto_number(&w->other, MAPPING_ID, id);
	proto_number(&w->other, MAPPING_START, module->load);
	proto_number(&w->other, MAPPING_LIMIT, mapping->limit);
	proto_number(&w->other, MAPPING_FILE, write_string(w, module->name ? module->name : ""));
	buffer_hex_bytes(&w->line, module->build_id, module->build_id_bytes);
	buffer_bytes(&w->line, "", 0);
	proto_number(&w->other, MAPPING_BUILD_ID, write_string(w, w->line.data));
	w->line.used = 0;
	proto_number(&w->other, MAPPING_HAS_FUNCTIONS, mapping->has_functions);
	proto_number(&w->other, MAPPING_HAS_FILES, mapping->has_files);
	proto_number(&w->other, MAPPING_HAS_LINES, mapping->has_files);
	proto_number(&w->other, MAPPING_HAS_INLINED, mapping->has_files);
	proto_take(w->out, PROFILE_MAPPING, &w->other);
}

static bool is_exe(const struct model *model, const struct model_module *module)
{
	const char *exe = model_process(model)->exe;

	return exe && module->name && strcmp(exe, module->name) == 0;
}

/* The program itself must come first: readers call the profile by its name. */
static void write_mappings(struct writer *w, bool of_exe)
{
	for (size_t i = 0; i < w->e->count; i++) {
		const struct model *model = w->e->models[i];

		for (uint32_t j = 0; j < model_modules(model); j++) {
			const struct model_module *module = model_module(model, j);

			if (w->mapping[i][j].limit && is_exe(model, module) == of_exe)
				write_mapping(w, module, w->first_id[i] + j, &w->mapping[i][j]);
		}
	}
}

static void write_head(struct writer *w)
{
	const struct model_process *process = model_process(w->e->models[0]);
	const struct model_events *events = &w->e->events[0];

	write_string(w, "");
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		write_type(w, PROFILE_SAMPLE_TYPE, types[i].type, types[i].unit);
	write_type(w, PROFILE_PERIOD_TYPE, "space", "bytes");
	proto_number(w->out, PROFILE_PERIOD, 1);
	proto_number(w->out, PROFILE_DEFAULT_TYPE, write_string(w, "inuse_space"));
	proto_number(w->out, PROFILE_TIME_NANOS, process->start_ns);
	if (events->last_ns > 0)
		proto_number(w->out, PROFILE_DURATION_NANOS, (uint64_t)events->last_ns);
	if (!w->e->is_exact)
		proto_number(w->out, PROFILE_COMMENT,
			     write_string(w, "Something was lost: the numbers are a lower bound."));
}

bool export_write_pprof(const struct export *e, struct buffer *out)
{
	struct writer w = { .e = e, .out = out };
	struct profile *p = export_profile(e);
	size_t id = 1;

	if (!p)
		return false;
	w.mapping = memory_new(e->count, sizeof(*w.mapping));
	w.first_id = memory_new(e->count, sizeof(*w.first_id));
	for (size_t i = 0; i < e->count; i++) {
		w.mapping[i] = memory_new(model_modules(e->models[i]), sizeof(*w.mapping[i]));
		w.first_id[i] = id;
		id += model_modules(e->models[i]);
	}
	write_head(&w);
	for (size_t i = 0; i < p->rows; i++) {
		progress_show(e->progress, "writing stacks", i, p->rows);
		if (has_values(&p->row[i]))
			write_sample(&w, &p->row[i]);
	}
	write_mappings(&w, true);
	write_mappings(&w, false);
	for (size_t i = 0; i < e->count; i++)
		free(w.mapping[i]);
	free(w.mapping);
	free(w.first_id);
	numbers_release(&w.strings);
	numbers_release(&w.functions);
	numbers_release(&w.locations);
	buffer_release(&w.sample);
	buffer_release(&w.list);
	buffer_release(&w.location);
	buffer_release(&w.line);
	buffer_release(&w.other);
	profile_free(p);
	return true;
}
