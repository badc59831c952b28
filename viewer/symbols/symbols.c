/* SPDX-License-Identifier: MIT */
#include "viewer/symbols/symbols.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/hash.h"
#include "viewer/base/index.h"
#include "viewer/base/map.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/model/model.h"
#include "viewer/pe/pe_key.h"
#include "viewer/symbols/debuginfo.h"
#include "viewer/symbols/demangle.h"
#include "viewer/symbols/places.h"
#include "viewer/symbols/server.h"
#include "viewer/symbols/source_path.h"

#define OBSTACLE_WORDS ": its debug information "
#define KEPT_BYTES (40u << 20)       /* of answers: 100,000 of three functions each */
#define KEPT_MOST (KEPT_BYTES / 120) /* answers: of one function each */
#define MALLOC_BYTES 24              /* what malloc() needs beside a text */
#define RECENT 1024                  /* a power of two */

/* An ELF or PE file, that modules of one or more traces were loaded from. */
struct binary {
	char *key;  /* path and build-id */
	char *path; /* of its file */
	struct debuginfo *info;
	UT_hash_handle hh;
};

/* A module, and the binary that it was loaded from. */
struct loaded {
	const struct model_module *module;
	struct debuginfo *info;            /* NULL: there is none, or a packed trace is asked */
	const struct model_module *packed; /* that has the answers; NULL: none has */
	char *stripped;                    /* why functions have no names; NULL: they have */
	bool has_gap;                      /* it is said that a part of `info` is missing */
	UT_hash_handle hh;
};

/* A source file, by the two texts that name it in the debug information: by their addresses. */
struct source {
	struct source_key {
		const char *file, *folder;
	} key;
	char *path;
	UT_hash_handle hh;
};

/* A path, or another name, of a packed trace. */
struct path {
	char *text;
	UT_hash_handle hh;
};

/* What has the answer: the debug information of a file, or a module of a packed trace. */
struct question {
	const void *source;
	uint64_t offset;
};

struct answer {
	struct question question;
	unsigned count;
	bool is_packed;
	struct symbol symbol[]; /* innermost first */
};

/* The last answer of some addresses. A report asks for one address several times in a row. */
struct recent {
	const struct model_module *module; /* NULL: none */
	uint64_t offset;
	const struct symbol *symbol;
};

struct symbols {
	struct loaded *loaded;
	struct binary *binaries;
	struct source *sources;
	struct path *paths;
	struct answer **answer;
	size_t answers;
	struct index by_question; /* of answer[] */
	struct recent recent[RECENT];
	size_t kept_bytes; /* of the answers */
	char **changed;
	size_t changes, change_room;
	char **missing;
	size_t missings, missing_room;
	bool has_silence; /* `missing` tells of a server that did not answer */
	const struct places *places;
	const struct model *lender; /* NULL: there is none */
	struct debuginfo_search search;
	uint64_t opened; /* binaries, for the progress bar */
	struct progress *progress;
};

static const struct symbol unknown;
static const struct places nowhere;

struct symbols *symbols_new(struct progress *progress)
{
	struct symbols *s = memory_new(1, sizeof(*s));

	s->progress = progress;
	s->answer = memory_new(KEPT_MOST, sizeof(*s->answer));
	index_init(&s->by_question, KEPT_MOST);
	symbols_look_in(s, &nowhere);
	return s;
}

void symbols_look_in(struct symbols *s, const struct places *places)
{
	s->places = places;
	free(s->search.path);
	s->search = (struct debuginfo_search){ places_search_path(places), places, s->progress };
	if (places->no_debuginfod)
		server_forget();
}

void symbols_borrow(struct symbols *s, const struct model *lender)
{
	s->lender = lender;
}

static void free_answer(struct answer *answer)
{
	for (unsigned i = 0; i < answer->count; i++) {
		if (answer->symbol[i].linkage_name != answer->symbol[i].function)
			free(answer->symbol[i].linkage_name);
		free(answer->symbol[i].function);
	}
	free(answer);
}

/* A question that is being looked for. */
struct wanted {
	const struct symbols *symbols;
	const struct question *question;
};

static bool is_answer(const void *context, uint32_t item)
{
	const struct wanted *wanted = context;
	const struct question *question = &wanted->symbols->answer[item]->question;

	return question->offset == wanted->question->offset &&
	       question->source == wanted->question->source;
}

static uint32_t add_answer(const struct symbols *s, const struct question *question, size_t item)
{
	struct wanted wanted = { s, question };

	return index_add(&s->by_question, hash_bytes(question, sizeof(*question)), is_answer,
			 &wanted, item);
}

/* Forgets answers: all, or those of packed traces. */
static void forget_answers(struct symbols *s, bool all)
{
	size_t kept = 0;

	index_release(&s->by_question);
	index_init(&s->by_question, KEPT_MOST);
	for (size_t i = 0; i < s->answers; i++) {
		if (all || s->answer[i]->is_packed) {
			free_answer(s->answer[i]);
			continue;
		}
		s->answer[kept] = s->answer[i];
		add_answer(s, &s->answer[kept]->question, kept);
		kept++;
	}
	s->answers = kept;
	memset(s->recent, 0, sizeof(s->recent));
}

static void free_source(struct source *source)
{
	free(source->path);
	free(source);
}

static void free_path(struct path *path)
{
	free(path->text);
	free(path);
}

static void free_loaded(struct loaded *loaded)
{
	free(loaded->stripped);
	free(loaded);
}

static void free_binary(struct binary *binary)
{
	debuginfo_close(binary->info);
	free(binary->key);
	free(binary->path);
	free(binary);
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->answers; i++)
		free_answer(s->answer[i]);
	index_release(&s->by_question);
	free(s->answer);
	map_release(s->sources, free_source);
	map_release(s->paths, free_path);
	map_release(s->loaded, free_loaded);
	map_release(s->binaries, free_binary);
	for (size_t i = 0; i < s->changes; i++)
		free(s->changed[i]);
	free(s->changed);
	for (size_t i = 0; i < s->missings; i++)
		free(s->missing[i]);
	free(s->missing);
	free(s->search.path);
	free(s);
}

void symbols_forget(struct symbols *s)
{
	forget_answers(s, false);
	map_release(s->loaded, free_loaded);
	s->loaded = NULL;
}

const char *symbols_changed(const struct symbols *s, size_t i)
{
	return i < s->changes ? s->changed[i] : NULL;
}

/* " (build-id 1234)", or the key by which symbol servers know a PE file */
static void write_build(struct buffer *b, const struct model_module *module)
{
	struct trace_pe_id id;

	if (!module->build_id_bytes)
		return;
	if (module->kind == TRACE_MODULE_PE) {
		memcpy(&id, module->build_id, sizeof(id));
		buffer_text(b, " (");
		pe_key_write_file(b, &id);
	} else {
		buffer_text(b, " (build-id ");
		buffer_hex_bytes(b, module->build_id, module->build_id_bytes);
	}
	buffer_text(b, ")");
}

/* "a.so (build-id 1234) WORDS"; modules of one file have one sentence. */
static void add_missing(struct symbols *s, const struct model_module *module, const char *words,
			const struct buffer *places)
{
	struct buffer line = { 0 };

	buffer_plain(&line, module->base);
	write_build(&line, module);
	buffer_text(&line, words);
	buffer_text(&line, places && places->data ? places->data : "");
	for (size_t i = 0; i < s->missings; i++)
		if (strcmp(s->missing[i], line.data) == 0) {
			buffer_release(&line);
			return;
		}
	memory_room(s->missing, s->missings, s->missing_room);
	s->missing[s->missings++] = buffer_take(&line);
}

const char *symbols_missing(struct symbols *s, size_t i)
{
	if (server_silent() && !s->has_silence) {
		struct buffer line = { 0 };

		s->has_silence = true;
		server_write_silence(&line, server_silent(), SERVER_SECONDS);
		memory_room(s->missing, s->missings, s->missing_room);
		s->missing[s->missings++] = buffer_take(&line);
	}
	return i < s->missings ? s->missing[i] : NULL;
}

/*
 * Opens the first file with lines that may be the module's; or else the first with symbols. Of the C
 * library, the lines are not read: they tell a package's author nothing, and take longer than all the rest
 * of a report.
 */
static struct debuginfo *open_best(struct symbols *s, const struct model_module *module,
				   struct binary *binary, bool *has_changed)
{
	bool wants_lines = !model_is_c_library(module), is_other;
	struct debuginfo *best = NULL, *next;
	struct buffer path = { 0 };

	*has_changed = false;
	for (size_t i = 0; places_find(s->places, module, i, &path); i++) {
		char *kept = memory_text(path.data, path.used);

		next = debuginfo_open(kept, module->kind, module->build_id, module->build_id_bytes,
				      &s->search, &is_other);
		*has_changed |= is_other;
		if (next && wants_lines)
			debuginfo_read_lines(next, kept);
		if (next && (!best || debuginfo_has_lines(next))) {
			debuginfo_close(best);
			free(binary->path);
			best = next;
			binary->path = kept;
		} else {
			debuginfo_close(next);
			free(kept);
		}
		if (best && (debuginfo_has_lines(best) || !wants_lines))
			break;
	}
	*has_changed &= !best;
	buffer_release(&path);
	return best;
}

static void note_missing(struct symbols *s, const struct model_module *module,
			 const struct debuginfo *info)
{
	const char *obstacle = info && !debuginfo_has_lines(info) ? debuginfo_obstacle(info) : NULL;
	struct buffer b = { 0 };

	if (obstacle) {
		buffer_text(&b, obstacle);
		add_missing(s, module, OBSTACLE_WORDS, &b);
	} else if (!info) {
		buffer_plain(&b, module->name);
		places_write(s->places, &b);
		buffer_text(&b, "; --module, --debug-dir and --sysroot say where it is");
		add_missing(s, module, " has no symbols: it is not at ", &b);
	}
	buffer_release(&b);
}

/* Finds the module of the same build in the trace that lends its symbols. */
static const struct model_module *find_lent(const struct symbols *s,
					    const struct model_module *module)
{
	for (uint32_t i = 0; s->lender && i < model_modules(s->lender); i++) {
		const struct model_module *other = model_module(s->lender, i);

		if (other->symbols && model_is_same_build(module, other))
			return other;
	}
	return NULL;
}

static struct debuginfo *open_binary(struct symbols *s, const struct model_module *module)
{
	struct buffer key = { 0 };
	struct binary *binary;
	bool has_changed;

	if (module->path_bytes == 0 || module->path[0] != '/')
		return NULL;
	buffer_hex_bytes(&key, module->build_id, module->build_id_bytes);
	buffer_bytes(&key, module->path, module->path_bytes);
	HASH_FIND_STR(s->binaries, key.data, binary);
	if (binary) {
		buffer_release(&key);
		return binary->info;
	}
	progress_show(s->progress, "reading symbols", s->opened, s->opened + 1);
	s->opened++;
	binary = memory_new(1, sizeof(*binary));
	binary->key = buffer_take(&key);
	binary->info = open_best(s, module, binary, &has_changed);
	HASH_ADD_KEYPTR(hh, s->binaries, binary->key, strlen(binary->key), binary);
	if (!binary->info && find_lent(s, module))
		return NULL;
	if (has_changed) {
		memory_room(s->changed, s->changes, s->change_room);
		s->changed[s->changes++] = memory_text(module->name, strlen(module->name));
	} else {
		note_missing(s, module, binary->info);
	}
	return binary->info;
}

/* What the file did not tell when the trace was packed. */
static void note_gap(struct symbols *s, const struct model_module *module)
{
	size_t count;
	const struct trace_symbol *const *t = model_find_symbol(module, TRACE_SYMBOL_GAP, 0, &count);
	struct buffer b = { 0 };
	char *words;

	if (!count)
		return;
	words = buffer_take_cut((*t)->text, (*t)->function_bytes, TRACE_NAME_MAX);
	buffer_plain(&b, words);
	add_missing(s, module, OBSTACLE_WORDS, &b);
	buffer_release(&b);
	free(words);
}

static struct loaded *find_loaded(struct symbols *s, const struct model_module *module)
{
	struct loaded *loaded;

	HASH_FIND_PTR(s->loaded, &module, loaded);
	if (!loaded) {
		loaded = memory_new(1, sizeof(*loaded));
		loaded->module = module;
		loaded->packed = module->symbols ? module : NULL;
		if (loaded->packed)
			note_gap(s, module);
		else
			loaded->info = open_binary(s, module);
		if (!loaded->info && !loaded->packed)
			loaded->packed = find_lent(s, module);
		HASH_ADD_PTR(s->loaded, module, loaded);
	}
	return loaded;
}

static const char *find_source(struct symbols *s, const struct place *place)
{
	struct source *source;
	struct source_key key;
	char *path;

	if (!place->file)
		return NULL;
	memset(&key, 0, sizeof(key)); /* its bytes are hashed */
	key.file = place->file;
	key.folder = place->folder;
	HASH_FIND(hh, s->sources, &key, sizeof(key), source);
	if (source)
		return source->path;
	source = memory_new(1, sizeof(*source));
	source->key = key;
	path = source_path_join(place->folder, place->file);
	source->path = buffer_take_cut(path, strlen(path), TRACE_NAME_MAX);
	free(path);
	HASH_ADD(hh, s->sources, key, sizeof(key), source);
	return source->path;
}

/* Returns a copy that is kept with an answer; NULL for NULL. */
static char *keep_text(struct symbols *s, const char *text)
{
	char *kept;

	if (!text)
		return NULL;
	kept = buffer_take_cut(text, strlen(text), TRACE_NAME_MAX);
	s->kept_bytes += strlen(kept) + MALLOC_BYTES;
	return kept;
}

/* The same of a function's name. Of one that would be cut, the template arguments go first: what it is comes
 * behind them. */
static char *keep_name(struct symbols *s, const char *name)
{
	struct buffer brief = { 0 };
	char *kept;

	if (!name || strlen(name) <= TRACE_NAME_MAX)
		return keep_text(s, name);
	demangle_leave_out_arguments(&brief, name);
	kept = keep_text(s, brief.data);
	buffer_release(&brief);
	return kept;
}

/* A copy of a text in a trace; NULL if it is empty. */
static char *copy_text(struct symbols *s, const char *text, size_t bytes)
{
	char *kept = bytes ? buffer_take_cut(text, bytes, TRACE_NAME_MAX) : NULL;

	s->kept_bytes += kept ? strlen(kept) + MALLOC_BYTES : 0;
	return kept;
}

static const char *copy_path(struct symbols *s, const char *text, size_t bytes)
{
	char *copy = bytes ? buffer_take_cut(text, bytes, TRACE_NAME_MAX) : NULL;
	struct path *path = NULL;

	if (!copy)
		return NULL;
	HASH_FIND_STR(s->paths, copy, path);
	if (path) {
		free(copy);
		return path->text;
	}
	path = memory_new(1, sizeof(*path));
	path->text = copy;
	HASH_ADD_KEYPTR(hh, s->paths, path->text, strlen(path->text), path);
	return path->text;
}

static struct answer *new_answer(struct symbols *s, const struct question *question, size_t count)
{
	size_t bytes = sizeof(struct answer) + count * sizeof(struct symbol);
	struct answer *answer = memory_new(1, bytes);

	answer->question = *question;
	answer->count = (unsigned)count;
	s->kept_bytes += bytes + 2 * MALLOC_BYTES; /* and for the hash table */
	return answer;
}

/* The answer that a packed trace has. */
static struct answer *copy_answer(struct symbols *s, const struct question *question)
{
	size_t count;
	const struct trace_symbol *const *t =
		model_find_symbol(question->source, TRACE_SYMBOL_CODE, question->offset, &count);
	struct answer *answer =
		new_answer(s, question, count < TRACE_SYMBOL_PLACES ? count : TRACE_SYMBOL_PLACES);

	answer->is_packed = true;
	for (unsigned i = 0; i < answer->count; i++) {
		struct symbol *symbol = &answer->symbol[i];
		const char *linkage = t[i]->text + t[i]->function_bytes;

		symbol->function = copy_text(s, t[i]->text, t[i]->function_bytes);
		symbol->linkage_name = copy_text(s, linkage, t[i]->linkage_bytes);
		symbol->file = copy_path(s, linkage + t[i]->linkage_bytes, t[i]->file_bytes);
		symbol->line = (uint32_t)t[i]->number;
		symbol->is_inlined = t[i]->inlined;
	}
	return answer;
}

/* The answer that the file of the module has. */
static struct answer *ask(struct symbols *s, struct debuginfo *info, const struct question *question)
{
	struct place places[TRACE_SYMBOL_PLACES];
	/* A return address can be the first byte of the next line, or even of the next function. */
	unsigned count = debuginfo_find(info, question->offset - 1, places, TRACE_SYMBOL_PLACES);
	struct answer *answer = new_answer(s, question, count);

	for (unsigned i = 0; i < answer->count; i++) {
		struct symbol *symbol = &answer->symbol[i];
		const char *function = places[i].function, *linkage = places[i].linkage_name;
		char *demangled = function ? demangle(function) : NULL;
		bool is_one = linkage && linkage == function && !demangled &&
			      strlen(linkage) <= TRACE_NAME_MAX;

		symbol->function = keep_name(s, demangled ? demangled : function);
		symbol->linkage_name = is_one ? symbol->function : keep_text(s, linkage);
		free(demangled);
		symbol->file = find_source(s, &places[i]);
		symbol->line = places[i].line;
		symbol->is_inlined = places[i].is_inlined;
	}
	return answer;
}

/* The file is there, but was stripped, and does not name a function that was asked for. */
static void note_stripped(struct symbols *s, struct loaded *loaded)
{
	struct buffer b = { 0 };

	if (loaded->stripped || debuginfo_has_lines(loaded->info) ||
	    debuginfo_obstacle(loaded->info) || model_is_c_library(loaded->module))
		return;
	buffer_text(&b, "is not in the file, nor beside it");
	buffer_text(&b, loaded->module->kind == TRACE_MODULE_PE ? "" : ", nor in /usr/lib/debug");
	buffer_text(&b, s->places->folders.count ? "" : ", nor is there a --debug-dir");
	places_write(s->places, &b);
	add_missing(s, loaded->module, OBSTACLE_WORDS, &b);
	loaded->stripped = buffer_take(&b);
}

static void note_split(struct symbols *s, struct loaded *loaded)
{
	struct buffer b = { 0 };

	if (loaded->has_gap || !debuginfo_gap(loaded->info))
		return;
	loaded->has_gap = true;
	buffer_text(&b, debuginfo_gap(loaded->info));
	add_missing(s, loaded->module, OBSTACLE_WORDS, &b);
	buffer_release(&b);
}

/* The program that reads a PDB may fail at any question. */
static struct answer *make_answer(struct symbols *s, struct debuginfo *info,
				  const struct model_module *module, const struct question *question)
{
	bool had_lines = info && debuginfo_has_lines(info);
	struct answer *answer = info ? ask(s, info, question) : copy_answer(s, question);

	if (had_lines && !debuginfo_has_lines(info))
		note_missing(s, module, info);
	for (unsigned i = 1; i < answer->count; i++)
		answer->symbol[i - 1].outer = &answer->symbol[i];
	return answer;
}

const char *symbols_find_data(struct symbols *s, const struct model_module *module, uint64_t offset,
			      uint64_t *from)
{
	const struct loaded *loaded = module ? find_loaded(s, module) : NULL;
	const struct trace_symbol *const *t;
	size_t count;

	if (loaded && loaded->info)
		return debuginfo_find_data(loaded->info, offset, from);
	if (!loaded || !loaded->packed)
		return NULL;
	t = model_find_symbol(loaded->packed, TRACE_SYMBOL_DATA, offset, &count);
	if (!count)
		return NULL;
	*from = (*t)->number;
	return copy_path(s, (*t)->text, (*t)->function_bytes);
}

static const struct symbol *find_symbol(struct symbols *s, const struct model_module *module,
					uint64_t offset)
{
	struct loaded *loaded = module && offset ? find_loaded(s, module) : NULL;
	const struct answer *answer;
	struct question question;
	uint32_t number;

	if (!loaded || (!loaded->info && !loaded->packed))
		return &unknown;
	memset(&question, 0, sizeof(question)); /* padding is part of the hash */
	question.source = loaded->info ? (const void *)loaded->info : loaded->packed;
	question.offset = offset;
	if (s->kept_bytes > KEPT_BYTES || s->answers == KEPT_MOST) {
		forget_answers(s, true);
		s->kept_bytes = 0;
	}
	number = add_answer(s, &question, s->answers);
	if (number > s->answers)
		s->answer[s->answers++] = make_answer(s, loaded->info, module, &question);
	answer = s->answer[number - 1];
	if (loaded->info && !answer->symbol[0].function)
		note_stripped(s, loaded);
	if (loaded->info)
		note_split(s, loaded);
	return answer->count ? answer->symbol : &unknown;
}

const struct symbol *symbols_find(struct symbols *s, const struct model_module *module,
				  uint64_t offset)
{
	const uint64_t golden = 0x9e3779b97f4a7c15; /* spreads over all bits */
	size_t place = ((uintptr_t)module + offset) * golden >> 32 & (RECENT - 1);
	struct recent *recent = &s->recent[place];

	if (!module || recent->module != module || recent->offset != offset)
		*recent = (struct recent){ module, offset, find_symbol(s, module, offset) };
	return recent->symbol;
}

bool symbols_are_known(struct symbols *s, const struct model_module *module)
{
	return find_loaded(s, module)->info != NULL;
}

bool symbols_has_names(struct symbols *s, const struct model_module *module)
{
	const struct loaded *loaded = find_loaded(s, module);

	return loaded->info || loaded->packed;
}

const struct model_module *symbols_nameless(const struct symbols *s, size_t i)
{
	for (const struct loaded *l = s->loaded; l; l = l->hh.next)
		if (!l->info && !l->packed && i-- == 0)
			return l->module;
	return NULL;
}

const char *symbols_obstacle(struct symbols *s, const struct model_module *module)
{
	const struct loaded *loaded = find_loaded(s, module);
	const char *obstacle = !loaded->info ? NULL
			       : debuginfo_has_lines(loaded->info)
				       ? debuginfo_gap(loaded->info)
				       : debuginfo_obstacle(loaded->info);

	return obstacle ? obstacle : loaded->stripped;
}
