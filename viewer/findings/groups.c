/* SPDX-License-Identifier: MIT */
#include "viewer/findings/groups.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/hash.h"
#include "viewer/base/index.h"
#include "viewer/base/map.h"
#include "viewer/base/memory.h"
#include "viewer/model/model.h"

struct word {
	char *text;
	uint32_t number; /* from 1 */
	UT_hash_handle hh;
};

/* Where a backtrace lies that is unlike those before it. */
struct content {
	uint64_t hash;
	uint32_t model, ref;
};

/* The numbers of what one model has. */
struct numbers {
	uint32_t family[256];
	uint32_t *module; /* by place in the model's list */
	uint32_t *stack;  /* by place in the log; 0: not asked for yet */
};

struct groups {
	struct model *const *models;
	size_t count;
	struct numbers *numbers; /* of each model */
	struct word *words;
	struct content *content; /* number 1 is content[0] */
	uint32_t contents;
	struct index by_content;
};

/* The frames of a backtrace as pairs of a module's number and an offset. */
struct pairs {
	uint32_t frames;
	uint64_t word[2 * TRACE_FRAMES_MAX];
};

static uint32_t number_word(struct groups *g, const char *text)
{
	struct word *word;

	HASH_FIND_STR(g->words, text, word);
	if (!word) {
		word = memory_new(1, sizeof(*word));
		word->text = memory_text(text, strlen(text));
		word->number = HASH_COUNT(g->words) + 1;
		HASH_ADD_KEYPTR(hh, g->words, word->text, strlen(word->text), word);
	}
	return word->number;
}

/* The sign in front tells a build-id from a path, and both from a family. */
static uint32_t number_module(struct groups *g, const struct model_module *module)
{
	struct buffer key = { 0 };
	uint32_t number;

	buffer_text(&key, module->build_id_bytes ? "#" : "@");
	buffer_hex_bytes(&key, module->build_id, module->build_id_bytes);
	if (!module->build_id_bytes)
		buffer_utf8(&key, module->path, module->path_bytes);
	number = number_word(g, key.data);
	buffer_release(&key);
	return number;
}

struct groups *groups_new(struct model *const *models, size_t count)
{
	struct groups *g = memory_new(1, sizeof(*g));
	size_t stacks = 0;

	g->models = models;
	g->count = count;
	g->numbers = memory_new(count, sizeof(*g->numbers));
	for (size_t i = 0; i < count; i++) {
		struct numbers *n = &g->numbers[i];
		uint32_t modules = model_modules(models[i]);

		for (uint32_t j = 0; j < 256; j++)
			if (model_family(models[i], j))
				n->family[j] = number_word(g, model_family(models[i], j));
		n->module = memory_new(modules, sizeof(*n->module));
		for (uint32_t j = 0; j < modules; j++)
			n->module[j] = number_module(g, model_module(models[i], j));
		n->stack =
			memory_new(reader_stack_places(model_reader(models[i])), sizeof(*n->stack));
		stacks += model_process(models[i])->stacks;
	}
	g->content = memory_new(stacks, sizeof(*g->content));
	index_init(&g->by_content, stacks);
	return g;
}

static void free_word(struct word *word)
{
	free(word->text);
	free(word);
}

void groups_free(struct groups *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->count; i++) {
		free(g->numbers[i].module);
		free(g->numbers[i].stack);
	}
	map_release(g->words, free_word);
	index_release(&g->by_content);
	free(g->numbers);
	free(g->content);
	free(g);
}

static void list_pairs(const struct groups *g, size_t model, uint32_t ref, struct pairs *pairs)
{
	struct model_stack room;
	const struct model_stack *stack = model_stack(g->models[model], ref, &room);

	pairs->frames = stack ? stack->frames : 0;
	for (uint32_t i = 0; i < pairs->frames; i++) {
		const struct model_module *module = stack->frame[i].module;

		pairs->word[2 * i] = module ? g->numbers[model].module[module->place] : 0;
		pairs->word[2 * i + 1] = stack->frame[i].offset;
	}
}

/* A backtrace that is being looked for. */
struct wanted {
	const struct groups *g;
	uint64_t hash;
	struct pairs pairs;
};

static bool is_content(const void *context, uint32_t item)
{
	const struct wanted *wanted = context;
	const struct content *content = &wanted->g->content[item];
	struct pairs pairs;

	if (content->hash != wanted->hash)
		return false;
	list_pairs(wanted->g, content->model, content->ref, &pairs);
	return pairs.frames == wanted->pairs.frames &&
	       memcmp(pairs.word, wanted->pairs.word, 2 * pairs.frames * sizeof(*pairs.word)) == 0;
}

static uint32_t number_stack(struct groups *g, size_t model, uint32_t ref)
{
	const struct reader *reader = model_reader(g->models[model]);
	struct wanted wanted;
	uint32_t *number;

	if (!reader_stack(reader, ref))
		return 0;
	number = &g->numbers[model].stack[reader_stack_place(reader, ref)];
	if (*number)
		return *number;
	wanted.g = g;
	list_pairs(g, model, ref, &wanted.pairs);
	wanted.hash =
		hash_bytes(wanted.pairs.word, 2 * wanted.pairs.frames * sizeof(*wanted.pairs.word));
	*number = index_add(&g->by_content, wanted.hash, is_content, &wanted, g->contents);
	if (*number > g->contents)
		g->content[g->contents++] = (struct content){ wanted.hash, (uint32_t)model, ref };
	return *number;
}

struct groups_identity groups_identify(struct groups *g, size_t model, const struct groups_key *key)
{
	struct groups_identity identity = { .kind = key->kind & 63u,
					    .reason = key->reason & 63u,
					    .family = g->numbers[model].family[key->family] &
						      UINT32_MAX >> 12 };

	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++)
		identity.stack[i] = number_stack(g, model, key->refs[i]);
	return identity;
}
