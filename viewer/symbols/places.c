/* SPDX-License-Identifier: MIT */
#include "viewer/symbols/places.h"

#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/model/model.h"
#include "viewer/pe/pe_key.h"

static const char *add_folder(void *list, const struct argument *row, const char *value)
{
	const char *folder, *expected = arguments_take_folder(&folder, row, value);

	return expected ? expected : arguments_take_list(list, row, value);
}

static const char *add_module(void *list, const struct argument *row, const char *value)
{
	const char *path = strchr(value, '=');

	return !path || path == value || !path[1] ? "NAME=PATH"
						  : arguments_take_list(list, row, value);
}

struct argument_group places_arguments(struct places *p)
{
	static const struct argument rows[] = {
		{ "sysroot", 0, "DIR", "look for the files of modules below DIR",
		  arguments_take_folder, ARGUMENT_INTO(places, sysroot) },
		{ "debug-dir", 0, "DIR",
		  "look for modules and debug information in DIR, by\n"
		  "name or build-id; may be repeated",
		  add_folder, ARGUMENT_INTO(places, folders) },
		{ "module", 0, "NAME=PATH", "the file of a module; may be repeated", add_module,
		  ARGUMENT_INTO(places, modules) },
		{ "no-debuginfod", 0, NULL, "do not ask the servers of DEBUGINFOD_URLS",
		  arguments_take_flag, ARGUMENT_INTO(places, no_debuginfod) },
	};

	return ARGUMENT_GROUP(rows, p);
}

enum { BY_BUILD_ID, BY_BARE_BUILD_ID, BINARY_OF_BUILD_ID, BY_DEBUG_NAME, BY_NAME, BY_PATH, WAYS };

/* The same of a PE file: as symbol servers have it, or by its name. */
static bool write_pe_place(struct buffer *path, const char *folder,
			   const struct model_module *module, unsigned way)
{
	struct trace_pe_id id;

	if (way != BY_BUILD_ID && way != BY_NAME && way != BY_PATH)
		return false;
	buffer_text(path, folder);
	buffer_text(path, "/");
	if (way == BY_PATH) {
		buffer_bytes(path, module->path, module->path_bytes);
		return true;
	}
	buffer_text(path, module->base);
	if (way == BY_BUILD_ID) {
		memcpy(&id, module->build_id, sizeof(id));
		buffer_text(path, "/");
		pe_key_write_file(path, &id);
		buffer_text(path, "/");
		buffer_text(path, module->base);
	}
	return true;
}

/* One way in which a file can lie in a folder. Returns false if it needs a build-id and has none. */
static bool write_place(struct buffer *path, const char *folder, const struct model_module *module,
			unsigned way)
{
	if (module->kind == TRACE_MODULE_PE)
		return write_pe_place(path, folder, module, way);
	if (way <= BINARY_OF_BUILD_ID && module->build_id_bytes < 2)
		return false;
	buffer_text(path, folder);
	buffer_text(path, way == BY_BUILD_ID || way == BINARY_OF_BUILD_ID ? "/.build-id/" : "/");
	if (way <= BINARY_OF_BUILD_ID) {
		/* "ab/cdef01" */
		buffer_hex_bytes(path, module->build_id, 1);
		buffer_text(path, "/");
		buffer_hex_bytes(path, module->build_id + 1, module->build_id_bytes - 1);
	} else if (way == BY_PATH) {
		buffer_bytes(path, module->path, module->path_bytes);
	} else {
		buffer_text(path, module->base);
	}
	buffer_text(path, way == BY_BUILD_ID || way == BY_BARE_BUILD_ID || way == BY_DEBUG_NAME
				  ? ".debug"
				  : "");
	return true;
}

static bool is_of_module(const char *name_and_path, const struct model_module *module)
{
	size_t length = strcspn(name_and_path, "=");
	const char *names[] = { module->base, module->name };

	for (size_t i = 0; i < 2; i++)
		if (strlen(names[i]) == length && memcmp(names[i], name_and_path, length) == 0)
			return true;
	return false;
}

bool places_find(const struct places *p, const struct model_module *module, size_t i,
		 struct buffer *path)
{
	path->used = 0;
	for (size_t j = 0; j < p->modules.count; j++) {
		if (!is_of_module(p->modules.item[j], module) || i-- != 0)
			continue;
		buffer_text(path, strchr(p->modules.item[j], '=') + 1);
		return true;
	}
	for (size_t j = 0; j < p->folders.count; j++)
		for (unsigned way = 0; way < WAYS; way++) {
			if (write_place(path, p->folders.item[j], module, way) && i-- == 0)
				return true;
			path->used = 0;
		}
	if (p->sysroot && i-- == 0) {
		buffer_text(path, p->sysroot);
		buffer_bytes(path, module->path, module->path_bytes);
		return true;
	}
	if (i == 0)
		buffer_bytes(path, module->path, module->path_bytes);
	return i == 0;
}

char *places_search_path(const struct places *p)
{
	struct buffer b = { 0 };

	/* As it is without a path: beside the file, and where systems have it. */
	buffer_text(&b, ":.debug:/usr/lib/debug");
	for (size_t i = 0; i < p->folders.count; i++) {
		buffer_text(&b, ":");
		buffer_text(&b, p->folders.item[i]);
	}
	if (p->sysroot) {
		buffer_text(&b, ":");
		buffer_text(&b, p->sysroot);
		buffer_text(&b, "/usr/lib/debug");
	}
	return buffer_take(&b);
}

void places_write(const struct places *p, struct buffer *b)
{
	for (size_t i = 0; i < p->folders.count; i++) {
		buffer_text(b, ", nor in ");
		buffer_plain(b, p->folders.item[i]);
	}
	if (p->sysroot) {
		buffer_text(b, ", nor below ");
		buffer_plain(b, p->sysroot);
	}
}
