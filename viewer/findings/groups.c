/* SPDX-License-Identifier: MIT */
#include "viewer/findings/groups.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/map.h"
#include "viewer/base/memory.h"
#include "viewer/model/model.h"

struct word {
	char *text;
	uint32_t number; /* from 1 */
	UT_hash_handle hh;
};

/* A backtrace: its frames as pairs of a word for the module, and the offset. */
struct content {
	uint64_t *pairs;
	uint32_t number; /* from 1 */
	UT_hash_handle hh;
};

/* What a reference of a model leads to, so that each is looked at only once. */
struct reference {
	uint64_t place;   /* number of the model << 32 | reference */
	uint32_t content; /* its number; 0: unknown */
	UT_hash_handle hh;
};

/* Its bytes are hashed, so it must have no padding. */
struct identity {
	uint32_t kind, reason, family;
	uint32_t stack[TRACE_FINDING_STACKS];
};

struct group {
	struct identity identity;
	size_t index;
	UT_hash_handle hh;
};

void groups_begin_model(struct groups *g)
{
	g->models++;
}

static uint32_t number_word(struct groups *g, const char *text)
{
	struct word *word;

	if (!text)
		return 0;
	HASH_FIND_STR(g->words, text, word);
	if (!word) {
		word = memory_new(1, sizeof(*word));
		word->text = memory_text(text, strlen(text));
		word->number = HASH_COUNT(g->words) + 1;
		HASH_ADD_KEYPTR(hh, g->words, word->text, strlen(word->text), word);
	}
	return word->number;
}

/* The sign in front tells a build-id from a path. */
static uint32_t number_module(struct groups *g, const struct model_module *module)
{
	struct buffer key = { 0 };
	uint32_t number;

	if (!module)
		return 0;
	buffer_text(&key, module->build_id_bytes ? "#" : "@");
	buffer_hex_bytes(&key, module->build_id, module->build_id_bytes);
	if (!module->build_id_bytes)
		buffer_text(&key, module->name);
	number = number_word(g, key.data);
	buffer_release(&key);
	return number;
}

static uint32_t number_content(struct groups *g, const struct model_stack *stack)
{
	size_t bytes = stack->frames * 2 * sizeof(uint64_t);
	uint64_t *pairs = memory_new(1, bytes);
	struct content *content;

	for (uint32_t i = 0; i < stack->frames; i++) {
		pairs[2 * i] = number_module(g, stack->frame[i].module);
		pairs[2 * i + 1] = stack->frame[i].offset;
	}
	HASH_FIND(hh, g->contents, pairs, bytes, content);
	if (content) {
		free(pairs);
		return content->number;
	}
	content = memory_new(1, sizeof(*content));
	content->pairs = pairs;
	content->number = HASH_COUNT(g->contents) + 1;
	HASH_ADD_KEYPTR(hh, g->contents, pairs, bytes, content);
	return content->number;
}

static uint32_t number_stack(struct groups *g, struct model *model, uint32_t ref)
{
	uint64_t place = (uint64_t)g->models << 32 | ref;
	const struct model_stack *stack;
	struct reference *reference;

	if (ref == 0)
		return 0;
	HASH_FIND(hh, g->references, &place, sizeof(place), reference);
	if (!reference) {
		stack = model_stack(model, ref);
		reference = memory_new(1, sizeof(*reference));
		reference->place = place;
		reference->content = stack ? number_content(g, stack) : 0;
		HASH_ADD(hh, g->references, place, sizeof(place), reference);
	}
	return reference->content;
}

size_t groups_find(struct groups *g, struct model *model, const struct groups_key *key, bool *is_new)
{
	struct identity identity = { .kind = key->kind,
				     .reason = key->reason,
				     .family = number_word(g, key->family) };
	struct group *group;

	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++)
		identity.stack[i] = number_stack(g, model, key->refs[i]);
	HASH_FIND(hh, g->groups, &identity, sizeof(identity), group);
	*is_new = !group;
	if (!group) {
		group = memory_new(1, sizeof(*group));
		group->identity = identity;
		group->index = HASH_COUNT(g->groups);
		HASH_ADD(hh, g->groups, identity, sizeof(identity), group);
	}
	return group->index;
}

static void free_word(struct word *word)
{
	free(word->text);
	free(word);
}

static void free_content(struct content *content)
{
	free(content->pairs);
	free(content);
}

void groups_release(struct groups *g)
{
	map_release(g->words, free_word);
	map_release(g->contents, free_content);
	map_release(g->references, free);
	map_release(g->groups, free);
}
