/* SPDX-License-Identifier: MIT */
#include "viewer/model/definitions.h"

#include <stdlib.h>
#include <string.h>

#include "include/program.h"
#include "include/site.h"
#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/read/reader.h"

static void replace_name(char **name, const struct trace_text *t)
{
	free(*name);
	*name = buffer_take_cut(t->text, t->length, TRACE_NAME_MAX);
}

static int compare_modules(const void *left, const void *right)
{
	const struct model_module *a = left, *b = right;

	return a->id < b->id ? -1 : a->id > b->id;
}

const struct model_module *definitions_module(const struct definitions *d, uint32_t id)
{
	struct model_module key = { .id = id };

	/* Most often the ids are 1, 2, 3 and so on. */
	if (id - 1 < d->modules && d->module[id - 1].id == id)
		return &d->module[id - 1];
	return d->modules ? bsearch(&key, d->module, d->modules, sizeof(key), compare_modules)
			  : NULL;
}

static struct model_module decode_module(const struct trace_module *t)
{
	const char *slash = memrchr(t->path, '/', t->path_bytes);
	const char *base = slash ? slash + 1 : t->path;
	size_t base_bytes = (size_t)(t->path + t->path_bytes - base);
	bool is_path = !memchr(t->path, '\0', t->path_bytes);
	struct model_module module = { .id = t->id,
				       .kind = (enum trace_module_kind)t->kind,
				       .path = t->path,
				       .path_bytes = is_path ? t->path_bytes : 0,
				       .load = t->base,
				       .site = site_module(t),
				       .build_id_bytes = t->build_id_bytes };

	module.name = buffer_take_cut(t->path, t->path_bytes, TRACE_NAME_MAX);
	module.base = base_bytes ? buffer_take_cut(base, base_bytes, TRACE_NAME_MAX)
				 : memory_text("?", 1);
	memcpy(module.build_id, t->build_id, sizeof(module.build_id));
	return module;
}

/* Each id is given once. A second one is an error of the writer: one of the two is ignored. */
static void take_modules(struct definitions *d, const struct reader *r)
{
	const struct trace_record *record;
	struct reader_cursor c = { 0 };
	uint32_t room = 0;
	uint64_t known[(UINT16_MAX + 1) / 64] = { 0 }; /* a bit for each id */

	while ((record = reader_next_record(r, &c)) != NULL) {
		const struct trace_module *t = (const struct trace_module *)record;

		if (record->type != TRACE_RECORD_MODULE || known[t->id / 64] >> t->id % 64 & 1)
			continue;
		known[t->id / 64] |= 1ull << t->id % 64;
		memory_room(d->module, d->modules, room);
		d->module[d->modules++] = decode_module(t);
	}
	if (d->modules)
		qsort(d->module, d->modules, sizeof(*d->module), compare_modules);
	for (uint32_t i = 0; i < d->modules; i++)
		d->module[i].place = i;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_symbols(const void *left, const void *right)
{
	const struct trace_symbol *a = *(const struct trace_symbol *const *)left,
				  *b = *(const struct trace_symbol *const *)right;
	int order = compare_numbers(a->module, b->module);

	if (!order)
		order = compare_numbers(a->kind, b->kind);
	if (!order)
		order = compare_numbers(a->offset, b->offset);
	return order ? order : compare_numbers(a->place, b->place);
}

static void take_symbols(struct definitions *d, const struct reader *r)
{
	struct reader_cursor counted = { 0 }, c = { 0 };
	const struct trace_record *record;
	struct model_module *module;
	size_t count = 0;

	while ((record = reader_next_record(r, &counted)) != NULL)
		count += record->type == TRACE_RECORD_SYMBOL;
	if (!count)
		return;
	d->symbol = memory_new(count, sizeof(*d->symbol));
	count = 0;
	while ((record = reader_next_record(r, &c)) != NULL)
		if (record->type == TRACE_RECORD_SYMBOL)
			d->symbol[count++] = (const struct trace_symbol *)record;
	qsort(d->symbol, count, sizeof(*d->symbol), compare_symbols);
	for (size_t i = 0; i < count; i++) {
		module = (struct model_module *)definitions_module(d, d->symbol[i]->module);
		if (!module)
			continue;
		if (!module->symbols)
			module->symbol = &d->symbol[i];
		module->symbols++;
	}
}

static void take_package(struct definitions *d, const struct trace_package *t)
{
	struct model_package *package = &d->package[t->index];

	package->is_defined = true;
	package->has_id = !(t->flags & TRACE_PACKAGE_NO_ID);
	package->id = t->package_id;
	package->is_host_table = t->table == TRACE_TABLE_OF_HOST;
	package->module = definitions_module(d, t->module);
}

static void take_text(struct definitions *d, const struct trace_text *t)
{
	struct model_function *function;

	switch (t->head.type) {
	case TRACE_RECORD_FAMILY:
		replace_name(&d->family[t->number], t);
		break;
	case TRACE_RECORD_FUNCTION:
		function = &d->function[t->number & 255];
		replace_name(&function->name, t);
		function->family = (uint8_t)(t->number >> 8);
		function->role = (enum trace_role)(t->number >> 16);
		break;
	case TRACE_RECORD_PACKAGE_NAME:
		d->package[t->number].is_defined = true;
		replace_name(&d->package[t->number].name, t);
		break;
	case TRACE_RECORD_PACKAGE_GONE:
		d->package[t->number].is_unloaded = true;
		d->package[t->number].has_failed = t->length > 0;
		break;
	case TRACE_RECORD_PARAMETER:
		replace_name(&d->function[t->number & 255].parameter[t->number >> 8], t);
		break;
	case TRACE_RECORD_DOUBT:
		d->package[t->number & 255].doubt = t->number >> 8;
		break;
	case TRACE_RECORD_ALLOCATOR:
		d->allocator[t->number & 255][t->number >> 8 & 255] =
			(uint8_t)(1 + (t->number >> 16));
		break;
	case TRACE_RECORD_EXE:
		free(d->exe);
		d->exe = buffer_take_utf8(t->text, t->length);
		break;
	default:
		break;
	}
}

/* Of a process of Wine, the executable is the program that it runs: the file, if it is known. */
static void name_program_of_wine(struct definitions *d, const struct reader *r)
{
	struct buffer arguments = { 0 };
	const struct trace_record *record;
	struct reader_cursor c = { 0 };
	uint32_t position = 0;
	const char *program;

	while ((record = reader_next_record(r, &c)) != NULL) {
		const struct trace_text *t = (const struct trace_text *)record;

		if (record->type != TRACE_RECORD_ARGUMENT)
			continue;
		if (t->number != position)
			buffer_bytes(&arguments, "", 1);
		position = t->number;
		buffer_bytes(&arguments, t->text, t->length);
	}
	program = arguments.used ? program_of_wine(arguments.data, arguments.used) : NULL;
	if (program) {
		const char *name = program_name_of_windows(program);

		free(d->exe);
		d->exe = buffer_take_utf8(program, strlen(program));
		for (char *at = d->exe; *at; at++)
			*at = *at == '\\' ? '/' : *at;
		for (uint32_t i = 0; i < d->modules; i++) {
			if (d->module[i].kind != TRACE_MODULE_PE ||
			    strcasecmp(d->module[i].base, name) != 0)
				continue;
			free(d->exe);
			d->exe = memory_text(d->module[i].name, strlen(d->module[i].name));
			break;
		}
	}
	buffer_release(&arguments);
}

void definitions_read(struct definitions *d, const struct reader *r)
{
	struct reader_cursor c = { 0 };
	const struct trace_record *record;

	/* Modules first: a package may be written before the module that it came from. */
	take_modules(d, r);
	take_symbols(d, r);
	while ((record = reader_next_record(r, &c)) != NULL) {
		if (record->type == TRACE_RECORD_STACK)
			d->stacks++;
		else if (record->type == TRACE_RECORD_PACKAGE)
			take_package(d, (const struct trace_package *)record);
		else if (record->type != TRACE_RECORD_MODULE && record->type != TRACE_RECORD_SYMBOL)
			take_text(d, (const struct trace_text *)record);
	}
	if (d->exe && program_is_wine(d->exe, strlen(d->exe)))
		name_program_of_wine(d, r);
	free(d->package[TRACE_PACKAGE_OTHER].name);
	d->package[TRACE_PACKAGE_OTHER].name = memory_text("other", 5);
}

void definitions_release(struct definitions *d)
{
	for (uint32_t i = 0; i < d->modules; i++) {
		free(d->module[i].name);
		free(d->module[i].base);
	}
	for (unsigned i = 0; i < TRACE_PACKAGES; i++)
		free(d->package[i].name);
	for (unsigned i = 0; i < TRACE_FUNCTIONS; i++) {
		free(d->function[i].name);
		for (unsigned j = 0; j < TRACE_PARAMETERS; j++)
			free(d->function[i].parameter[j]);
	}
	for (unsigned i = 0; i < 256; i++)
		free(d->family[i]);
	free(d->module);
	free(d->symbol);
	free(d->exe);
}
