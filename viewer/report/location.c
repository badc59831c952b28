/* SPDX-License-Identifier: MIT */
#include "viewer/report/location.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "viewer/base/buffer.h"
#include "viewer/base/map.h"
#include "viewer/base/memory.h"
#include "viewer/findings/finding.h"
#include "viewer/model/model.h"
#include "viewer/symbols/source_path.h"
#include "viewer/symbols/symbols.h"

/* A path that was asked for. */
struct known {
	char *asked;
	struct source source;
	char *path; /* of the source; NULL: there is none */
	UT_hash_handle hh;
};

struct sources {
	char *root;
	struct known *known;
};

static bool is_repository(const char *folder)
{
	static const char *const names[] = { ".git", ".hg", ".svn", ".bzr", "_darcs" };
	struct buffer path = { 0 };
	bool is_one = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && !is_one; i++) {
		path.used = 0;
		buffer_format(&path, "%s/%s", folder, names[i]);
		is_one = access(path.data, F_OK) == 0;
	}
	buffer_release(&path);
	return is_one;
}

/* Returns the repository that encloses the current folder, or else that folder. */
static char *find_repository(void)
{
	char *current = realpath(".", NULL);
	char *folder = memory_text(current ? current : "/", strlen(current ? current : "/")), *end;

	while (!is_repository(folder) && (end = strrchr(folder, '/')) != NULL && end != folder)
		*end = '\0';
	if (!is_repository(folder)) {
		free(folder);
		return current ? current : memory_text("/", 1);
	}
	free(current);
	return folder;
}

struct sources *sources_new(const char *root)
{
	struct sources *s = memory_new(1, sizeof(*s));

	s->root = root ? realpath(root, NULL) : find_repository();
	if (root && !s->root)
		s->root = memory_text(root, strlen(root));
	return s;
}

static void free_known(struct known *known)
{
	free(known->asked);
	free(known->path);
	free(known);
}

void sources_free(struct sources *s)
{
	if (!s)
		return;
	map_release(s->known, free_known);
	free(s->root);
	free(s);
}

const char *sources_root(const struct sources *s)
{
	return s->root;
}

/* Returns the rest of an absolute path below the root, or NULL. */
static const char *skip_root(const struct sources *s, const char *path)
{
	size_t length = strcmp(s->root, "/") == 0 ? 0 : strlen(s->root);

	if (strncmp(path, s->root, length) != 0 || path[length] != '/')
		return NULL;
	return path + length + 1;
}

/*
 * A file that was compiled on Windows lies in a checkout elsewhere. The longest end of its path that is a
 * file below the root is taken for it. Returns that end, or NULL.
 */
static const char *find_end_below_root(const struct sources *s, const char *path)
{
	struct buffer joined = { 0 };
	const char *end = path;

	while ((end = strchr(end, '/')) != NULL) {
		joined.used = 0;
		buffer_format(&joined, "%s/%s", s->root, ++end);
		if (access(joined.data, F_OK) == 0)
			break;
	}
	buffer_release(&joined);
	return end;
}

static void place_windows_source(const struct sources *s, struct known *known)
{
	const char *below = find_end_below_root(s, known->asked);

	known->source.is_relative = below != NULL;
	known->path =
		memory_text(below ? below : known->asked, strlen(below ? below : known->asked));
	known->source.path = known->path;
}

/*
 * The file may be gone, or have been built on another machine: then its path is taken as it is. With
 * -ffile-prefix-map, debug information has relative paths, and does not say to which folder: such a path
 * is taken if the file lies below the root.
 */
static void place_source(const struct sources *s, struct known *known)
{
	struct buffer joined = { 0 };
	const char *below;
	char *real;

	if (*known->asked != '/')
		buffer_format(&joined, "%s/", s->root);
	buffer_text(&joined, known->asked);
	real = realpath(joined.data, NULL);
	if (real || *known->asked == '/') {
		below = skip_root(s, real ? real : joined.data);
		known->source.is_relative = below != NULL;
		if (!below && *known->asked == '/')
			below = known->asked;
		if (below)
			known->path = buffer_take_utf8(below, strlen(below));
	}
	known->source.path = known->path;
	free(real);
	buffer_release(&joined);
}

const struct source *sources_find(struct sources *s, const char *path)
{
	struct known *known;

	HASH_FIND_STR(s->known, path, known);
	if (!known) {
		known = memory_new(1, sizeof(*known));
		known->asked = memory_text(path, strlen(path));
		if (source_path_has_drive(path))
			place_windows_source(s, known);
		else
			place_source(s, known);
		HASH_ADD_KEYPTR(hh, s->known, known->asked, strlen(known->asked), known);
	}
	return known->path ? &known->source : NULL;
}

/* The greater, the better. */
static int rank_source(const struct source *source, uint32_t line)
{
	return source ? 1 + (line != 0) + 2 * source->is_relative : 0;
}

/* Takes the symbols at a frame for the location if they are better than what it has. Leaves out the
 * first `*skipped` of all, and counts them down. */
static int consider_frame(struct location *l, int rank, struct sources *s, struct symbols *symbols,
			  const struct model_frame *frame, unsigned *skipped)
{
	const struct symbol *symbol = symbols_find(symbols, frame->module, frame->offset);

	for (; symbol && *skipped; symbol = symbol->outer)
		--*skipped;
	for (; symbol; symbol = symbol->outer) {
		const struct source *source = symbol->file ? sources_find(s, symbol->file) : NULL;

		/* The first name stands for the location until a source file is found. */
		if (!l->function && symbol->function && rank == 0)
			l->function = memory_text(symbol->function, strlen(symbol->function));
		if (rank_source(source, symbol->line) <= rank)
			continue;
		rank = rank_source(source, symbol->line);
		l->source = source;
		l->line = symbol->line;
		free(l->function);
		l->function = symbol->function
				      ? memory_text(symbol->function, strlen(symbol->function))
				      : NULL;
	}
	return rank;
}

struct location location_find(struct sources *s, struct symbols *symbols, const struct finding *f,
			      unsigned which)
{
	struct location l = { 0 };
	const struct model_module *module = NULL;
	const struct model_stack *stack = f->stack[which];
	unsigned skipped = f->skipped[which];
	bool in_package;
	int rank = 0;

	in_package = stack && model_is_in_package(f->model, f->package,
						  model_own_frame(f->model, f->package, stack));
	for (uint32_t i = 0; stack && i < stack->frames && rank < 4; i++) {
		const struct model_frame *frame = &stack->frame[i];

		if (!skipped && in_package && !model_is_in_package(f->model, f->package, frame))
			continue;
		if (!module && !skipped)
			module = frame->module;
		rank = consider_frame(&l, rank, s, symbols, frame, &skipped);
	}
	if (!module)
		module = model_package(f->model, f->package)->module;
	if (!l.source && module && module->path_bytes && *module->name == '/') {
		l.source = sources_find(s, module->name);
		l.is_module = true;
	}
	return l;
}

void location_release(struct location *l)
{
	free(l->function);
	l->function = NULL;
}

void location_write_uri(struct buffer *b, const struct source *source)
{
	bool has_drive = !source->is_relative && source_path_has_drive(source->path);

	if (!source->is_relative)
		buffer_text(b, has_drive ? "file:///" : "file://");
	for (const char *at = source->path; *at; at++) {
		if (isalnum((unsigned char)*at) || strchr("/-._~", *at) ||
		    (has_drive && at == source->path + 1))
			buffer_bytes(b, at, 1);
		else
			buffer_format(b, "%%%02X", (unsigned char)*at);
	}
}
