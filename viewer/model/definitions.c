/* SPDX-License-Identifier: MIT */
#include "viewer/model/definitions.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/read/reader.h"

#include <uthash.h>

struct module_node {
	struct model_module module; /* first: this is what is handed out */
	UT_hash_handle hh;          /* by module.id */
};

/* A part of an argument. A long argument has several, with one position. */
struct piece {
	uint32_t position;
	size_t order;
	const struct trace_text *text;
};

static char *copy_text(const struct trace_text *t)
{
	return buffer_take_utf8(t->text, t->length);
}

static void replace_text(char **text, char *with)
{
	free(*text);
	*text = with;
}

const struct model_module *definitions_module(const struct definitions *d, uint32_t id)
{
	struct module_node *node;

	HASH_FIND(hh, d->modules, &id, sizeof(id), node);
	return node ? &node->module : NULL;
}

static void take_module(struct definitions *d, const struct trace_module *t)
{
	struct module_node *node;
	struct model_module *module;
	const char *slash, *base;

	if (definitions_module(d, t->id))
		return; /* each id is given once; a second one is an error of the writer */
	node = memory_new(1, sizeof(*node));
	module = &node->module;
	module->id = t->id;
	module->load = t->base;
	module->name = buffer_take_utf8(t->path, t->path_bytes);
	if (t->path_bytes && !memchr(t->path, '\0', t->path_bytes))
		module->path = memory_text(t->path, t->path_bytes);
	slash = strrchr(module->name, '/');
	base = slash ? slash + 1 : module->name;
	module->base = *base ? memory_text(base, strlen(base)) : memory_text("?", 1);
	module->build_id_bytes = t->build_id_bytes;
	memcpy(module->build_id, t->build_id, sizeof(module->build_id));
	HASH_ADD(hh, d->modules, module.id, sizeof(module->id), node);
}

static void take_package(struct definitions *d, const struct trace_package *t)
{
	struct model_package *package = &d->package[t->index];

	package->is_defined = true;
	package->has_id = !(t->flags & TRACE_PACKAGE_NO_ID);
	package->id = t->package_id;
	package->table = t->table;
	package->module = definitions_module(d, t->module);
}

static void take_allocator(struct definitions *d, const struct trace_text *t)
{
	struct model_allocator taken = { (uint8_t)t->number, (uint8_t)(t->number >> 8),
					 (enum trace_allocator)(t->number >> 16) };

	for (size_t i = 0; i < d->allocators; i++) {
		struct model_allocator *a = &d->allocator[i];

		if (a->package == taken.package && a->family == taken.family) {
			*a = taken;
			return;
		}
	}
	memory_room(d->allocator, d->allocators, d->allocator_room);
	d->allocator[d->allocators++] = taken;
}

static void take_text(struct definitions *d, const struct trace_text *t)
{
	struct model_function *function;

	switch (t->head.type) {
	case TRACE_RECORD_FAMILY:
		replace_text(&d->family[t->number], copy_text(t));
		break;
	case TRACE_RECORD_FUNCTION:
		function = &d->function[t->number & 255];
		replace_text(&function->name, copy_text(t));
		function->family = (uint8_t)(t->number >> 8);
		function->role = (enum trace_role)(t->number >> 16);
		break;
	case TRACE_RECORD_PACKAGE_NAME:
		d->package[t->number].is_defined = true;
		replace_text(&d->package[t->number].name, copy_text(t));
		break;
	case TRACE_RECORD_PACKAGE_GONE:
		d->package[t->number].is_unloaded = true;
		break;
	case TRACE_RECORD_DOUBT:
		d->package[t->number & 255].doubt = t->number >> 8;
		break;
	case TRACE_RECORD_ALLOCATOR:
		take_allocator(d, t);
		break;
	case TRACE_RECORD_EXE:
		replace_text(&d->exe, copy_text(t));
		break;
	default:
		break;
	}
}

static int compare_pieces(const void *left, const void *right)
{
	const struct piece *a = left, *b = right;

	if (a->position != b->position)
		return a->position < b->position ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

/* A position may be any number, so it orders the arguments but is not used as an index. */
static void join_arguments(struct definitions *d, struct piece *piece, size_t pieces)
{
	struct buffer text = { 0 };

	if (pieces == 0)
		return;
	qsort(piece, pieces, sizeof(*piece), compare_pieces);
	d->argument = memory_new(pieces, sizeof(*d->argument));
	for (size_t i = 0; i < pieces; i++) {
		buffer_bytes(&text, piece[i].text->text, piece[i].text->length);
		if (i + 1 < pieces && piece[i + 1].position == piece[i].position)
			continue;
		d->argument[d->arguments++] = buffer_take_utf8(text.data, text.used);
		text.used = 0;
	}
	buffer_release(&text);
}

void definitions_read(struct definitions *d, const struct reader *r)
{
	struct reader_cursor modules = { 0 }, c = { 0 };
	const struct trace_record *record;
	struct piece *piece = NULL;
	size_t pieces = 0, room = 0;

	/* Modules first: a package may be written before the module that it came from. */
	while ((record = reader_next_record(r, &modules)) != NULL)
		if (record->type == TRACE_RECORD_MODULE)
			take_module(d, (const struct trace_module *)record);
	while ((record = reader_next_record(r, &c)) != NULL) {
		const struct trace_text *text = (const struct trace_text *)record;

		if (record->type == TRACE_RECORD_STACK) {
			d->stacks++;
		} else if (record->type == TRACE_RECORD_PACKAGE) {
			take_package(d, (const struct trace_package *)record);
		} else if (record->type == TRACE_RECORD_ARGUMENT) {
			memory_room(piece, pieces, room);
			piece[pieces] = (struct piece){ text->number, pieces, text };
			pieces++;
		} else if (record->type != TRACE_RECORD_MODULE) {
			take_text(d, text);
		}
	}
	join_arguments(d, piece, pieces);
	free(piece);
	replace_text(&d->package[TRACE_PACKAGE_OTHER].name, memory_text("other", 5));
}

void definitions_release(struct definitions *d)
{
	struct module_node *node = d->modules, *next;

	HASH_CLEAR(hh, d->modules);
	for (; node; node = next) {
		next = node->hh.next;
		free(node->module.path);
		free(node->module.name);
		free(node->module.base);
		free(node);
	}
	for (size_t i = 0; i < d->arguments; i++)
		free(d->argument[i]);
	for (unsigned i = 0; i < TRACE_PACKAGES; i++)
		free(d->package[i].name);
	for (unsigned i = 0; i < TRACE_FUNCTIONS; i++)
		free(d->function[i].name);
	for (unsigned i = 0; i < 256; i++)
		free(d->family[i]);
	free(d->argument);
	free(d->exe);
	free(d->allocator);
}
