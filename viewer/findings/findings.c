/* SPDX-License-Identifier: MIT */
#include "viewer/findings/findings.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"

#include <uthash.h>

/* A text and its number: two texts are equal when their numbers are. */
struct word {
	char *text;
	uint32_t number;
	UT_hash_handle hh;
};

/* A backtrace by content: its frames as pairs of the module's number and the offset. */
struct content {
	uint64_t *pairs;
	uint32_t number; /* from 1 */
	UT_hash_handle hh;
};

/* What a reference of a model was found to be, so that each is looked at once. */
struct known {
	uint64_t place;  /* number of the model << 32 | reference */
	uint32_t number; /* of its content, 0: unknown */
	UT_hash_handle hh;
};

/* What makes a finding distinct. Has no padding, since its bytes are hashed. */
struct identity {
	uint32_t kind, reason, family;
	uint32_t stack[TRACE_FINDING_STACKS];
};

struct group {
	struct identity identity;
	size_t index; /* in findings.all */
	UT_hash_handle hh;
};

struct builder {
	struct findings *f;
	size_t room;
	struct findings_namer namer;
	uint32_t models; /* that were added, the one at hand included */
	struct word *words;
	struct content *contents;
	struct known *known;
	struct group *groups;
};

#define KIND_TEXT(name, text, level) [TRACE_KIND_##name] = text,
#define KIND_LEVEL(name, text, level) [TRACE_KIND_##name] = TRACE_LEVEL_##level,
#define REASON_TEXT(name, text) [TRACE_REASON_##name] = text,

static const char *const kind_texts[] = { TRACE_KINDS(KIND_TEXT) };
static const enum trace_level kind_levels[] = { TRACE_KINDS(KIND_LEVEL) };
static const char *const reason_texts[] = { TRACE_REASONS(REASON_TEXT) };
static const char *const level_texts[] = {
	[TRACE_LEVEL_NOTE] = "note",
	[TRACE_LEVEL_WARNING] = "warning",
	[TRACE_LEVEL_ERROR] = "error",
};

static const char *const lost_texts[TRACE_LOST_COUNT][2] = {
	[TRACE_LOST_EVENTS] = { "events", "calls are not in the history" },
	[TRACE_LOST_STACKS] = { "stacks", "calls have no backtrace" },
	[TRACE_LOST_BLOCKS] = { "blocks", "blocks and sections could not be followed" },
	[TRACE_LOST_JUDGEMENTS] = { "judgements", "calls could not be judged" },
	[TRACE_LOST_FINDINGS] = { "findings", "findings could not be kept" },
	[TRACE_LOST_DEFINITIONS] = { "definitions", "modules, packages or texts are not named" },
	[TRACE_LOST_PACKAGES] = { "packages", "packages could not be traced" },
};

const char *findings_kind_text(enum trace_kind kind)
{
	return kind_texts[kind];
}

const char *findings_reason_text(enum trace_reason reason)
{
	return reason == TRACE_REASON_NONE ? NULL : reason_texts[reason];
}

const char *findings_level_text(enum trace_level level)
{
	return level_texts[level];
}

const char *findings_lost_name(enum trace_lost what)
{
	return lost_texts[what][0];
}

const char *findings_lost_words(enum trace_lost what)
{
	return lost_texts[what][1];
}

static void add(uint64_t *sum, uint64_t number)
{
	if (__builtin_add_overflow(*sum, number, sum))
		*sum = UINT64_MAX;
}

static uint32_t number_word(struct builder *b, const char *text)
{
	struct word *word;

	if (!text)
		return 0;
	HASH_FIND_STR(b->words, text, word);
	if (!word) {
		word = memory_new(1, sizeof(*word));
		word->text = memory_text(text, strlen(text));
		word->number = HASH_COUNT(b->words) + 1;
		HASH_ADD_KEYPTR(hh, b->words, word->text, strlen(word->text), word);
	}
	return word->number;
}

/* By build-id, else by path; with a sign before it, since one must not be taken for the other. */
static uint32_t number_module(struct builder *b, const struct model_module *module)
{
	struct buffer key = { 0 };
	uint32_t number;

	if (!module)
		return 0;
	buffer_text(&key, module->build_id_bytes ? "#" : "@");
	buffer_digits(&key, module->build_id, module->build_id_bytes);
	if (!module->build_id_bytes)
		buffer_text(&key, module->name);
	number = number_word(b, key.data);
	buffer_release(&key);
	return number;
}

static uint32_t number_content(struct builder *b, const struct model_stack *stack)
{
	uint64_t *pairs = memory_new(stack->frames, 2 * sizeof(*pairs));
	struct content *content;

	for (uint32_t i = 0; i < stack->frames; i++) {
		pairs[2 * i] = number_module(b, stack->frame[i].module);
		pairs[2 * i + 1] = stack->frame[i].offset;
	}
	HASH_FIND(hh, b->contents, pairs, stack->frames * 2 * sizeof(*pairs), content);
	if (content) {
		free(pairs);
		return content->number;
	}
	content = memory_new(1, sizeof(*content));
	content->pairs = pairs;
	content->number = HASH_COUNT(b->contents) + 1;
	HASH_ADD_KEYPTR(hh, b->contents, pairs, stack->frames * 2 * sizeof(*pairs), content);
	return content->number;
}

static uint32_t number_stack(struct builder *b, struct model *model, uint32_t ref)
{
	uint64_t place = (uint64_t)b->models << 32 | ref;
	const struct model_stack *stack;
	struct known *known;

	if (ref == 0)
		return 0;
	HASH_FIND(hh, b->known, &place, sizeof(place), known);
	if (!known) {
		stack = model_stack(model, ref);
		known = memory_new(1, sizeof(*known));
		known->place = place;
		known->number = stack ? number_content(b, stack) : 0;
		HASH_ADD(hh, b->known, place, sizeof(place), known);
	}
	return known->number;
}

/*
 * The finding that this occurrence belongs to. One that is new has nothing but what makes it
 * distinct; *is_new says so, and the caller fills in the rest.
 */
static struct finding *find_group(struct builder *b, struct model *model, struct identity identity,
				  const uint32_t refs[TRACE_FINDING_STACKS], bool *is_new)
{
	struct findings *f = b->f;
	struct finding *finding;
	struct group *group;

	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++)
		identity.stack[i] = number_stack(b, model, refs[i]);
	HASH_FIND(hh, b->groups, &identity, sizeof(identity), group);
	*is_new = !group;
	if (group)
		return &f->all[group->index];
	group = memory_new(1, sizeof(*group));
	group->identity = identity;
	group->index = f->count;
	HASH_ADD(hh, b->groups, identity, sizeof(identity), group);
	memory_room(f->all, f->count, b->room);
	finding = &f->all[f->count++];
	*finding = (struct finding){ .kind = (enum trace_kind)identity.kind,
				     .reason = (enum trace_reason)identity.reason,
				     .level = kind_levels[identity.kind],
				     .model = model };
	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++)
		finding->stack[i] = model_stack(model, refs[i]);
	return finding;
}

static struct finding_section section_of(const struct model_entry *entry)
{
	return (struct finding_section){ .known = true,
					 .handle = entry->address,
					 .sizes_known = !entry->adopted,
					 .max_size = (uint32_t)entry->size,
					 .initial_size = (uint32_t)entry->initial_size };
}

static bool is_leaked_block(const struct model_entry *entry)
{
	return entry->state == TRACE_ENTRY_BLOCK && !entry->inherited &&
	       (!entry->in_section || entry->section);
}

static bool is_leaked_section(const struct model_entry *entry)
{
	return entry->state == TRACE_ENTRY_SECTION && !entry->inherited && !entry->adopted;
}

static void add_leak(struct builder *b, struct model *model, const struct model_entry *entry)
{
	bool is_section = entry->state == TRACE_ENTRY_SECTION;
	const struct model_entry *section = is_section ? entry : entry->section;
	struct identity identity = { .kind = is_section ? TRACE_KIND_SECTION_LEAK
							: TRACE_KIND_BLOCK_LEAK };
	uint32_t refs[TRACE_FINDING_STACKS] = { 0 };
	struct finding *finding;
	bool is_new;

	identity.family = number_word(b, model_family(model, entry->family));
	if (!is_section)
		refs[TRACE_STACK_ALLOCATE] = entry->stack;
	if (section)
		refs[TRACE_STACK_CREATE] = section->stack;
	finding = find_group(b, model, identity, refs, &is_new);
	add(&finding->count, 1);
	add(&finding->bytes, entry->size);
	finding->at_unload |= model_package(model, entry->package)->unloaded;
	if (!is_new)
		return;
	finding->family = model_family(model, entry->family);
	finding->package = entry->package;
	finding->has_address = finding->has_size = true;
	finding->address = entry->address;
	finding->size = entry->size;
	if (section)
		finding->section = section_of(section);
}

static struct finding_section section_as_recorded(const struct trace_section *section, bool known,
						  bool sizes_known)
{
	return (struct finding_section){ .known = known,
					 .handle = section->handle,
					 .sizes_known = known && sizes_known,
					 .max_size = section->max_size,
					 .initial_size = section->initial_size };
}

static void describe_misuse(struct finding *finding, const struct model *model,
			    const struct trace_finding *t)
{
	finding->family = model_family(model, t->family);
	finding->block_family = t->block_family ? model_family(model, t->block_family) : NULL;
	finding->function = model_function(model, t->function)->name;
	finding->package = t->package;
	finding->has_address = (t->flags & TRACE_FINDING_HAS_ADDRESS) != 0;
	finding->address = t->address;
	finding->has_size = (t->flags & TRACE_FINDING_HAS_SIZE) != 0;
	finding->size = t->size;
	finding->block = t->block;
	finding->section =
		section_as_recorded(&t->section, (t->flags & TRACE_FINDING_HAS_SECTION) != 0,
				    (t->flags & TRACE_FINDING_SECTION_SIZES) != 0);
	finding->owner = section_as_recorded(&t->owner, (t->flags & TRACE_FINDING_HAS_OWNER) != 0,
					     (t->flags & TRACE_FINDING_OWNER_SIZES) != 0);
}

/* Is it a live block of the section that the finding concerns, or of the heap? */
static bool is_beside(const struct finding *f, const struct model *model,
		      const struct model_entry *entry)
{
	if (entry->state != TRACE_ENTRY_BLOCK && entry->state != TRACE_ENTRY_SUSPECT)
		return false;
	if (entry->address == f->block || model_family(model, entry->family) != f->family)
		return false;
	return f->section.known ? entry->section && entry->section->address == f->section.handle
				: !entry->in_section;
}

static void take_neighbour(struct finding_neighbour *n, struct model *model,
			   const struct model_entry *entry)
{
	*n = (struct finding_neighbour){ .known = true,
					 .address = entry->address,
					 .size = entry->size,
					 .stack = model_stack(model, entry->stack) };
}

static void find_neighbours(struct finding *f, struct model *model)
{
	f->has_neighbours = f->kind >= TRACE_KIND_OVERFLOW && f->kind <= TRACE_KIND_USE_AFTER_DELETE;
	for (size_t i = 0; f->has_neighbours && i < model_entries(model); i++) {
		const struct model_entry *entry = model_entry(model, i);

		if (!is_beside(f, model, entry))
			continue;
		if (entry->address < f->block) {
			if (!f->before.known || entry->address > f->before.address)
				take_neighbour(&f->before, model, entry);
		} else if (!f->after.known || entry->address < f->after.address) {
			take_neighbour(&f->after, model, entry);
		}
	}
}

static void add_misuse(struct builder *b, struct model *model, const struct trace_finding *t)
{
	struct identity identity = { .kind = t->kind, .reason = t->reason };
	uint32_t refs[TRACE_FINDING_STACKS];
	struct finding *finding;
	bool is_new;

	memcpy(refs, t->stack, sizeof(refs));
	/* The call is the deletion: both names are promised, and either may have been recorded. */
	if (t->kind == TRACE_KIND_LIVE_AT_DELETE && !refs[TRACE_STACK_DELETE])
		refs[TRACE_STACK_DELETE] = refs[TRACE_STACK_CALL];
	if (t->kind == TRACE_KIND_LIVE_AT_DELETE && !refs[TRACE_STACK_CALL])
		refs[TRACE_STACK_CALL] = refs[TRACE_STACK_DELETE];
	identity.family = number_word(b, model_family(model, t->family));
	finding = find_group(b, model, identity, refs, &is_new);
	add(&finding->count, t->count);
	add(&finding->bytes, t->bytes);
	if (!is_new)
		return;
	describe_misuse(finding, model, t);
	find_neighbours(finding, model);
}

static void add_model(struct builder *b, struct model *model)
{
	b->models++;
	for (size_t i = 0; i < model_entries(model); i++) {
		const struct model_entry *entry = model_entry(model, i);

		if (is_leaked_block(entry) || is_leaked_section(entry))
			add_leak(b, model, entry);
	}
	for (size_t i = 0; i < model_findings(model); i++)
		add_misuse(b, model, model_finding(model, i));
	for (unsigned i = 0; i < TRACE_LOST_COUNT; i++)
		add(&b->f->lost[i], model_lost(model, (enum trace_lost)i));
	b->f->exact = b->f->exact && model_exact(model);
}

/*
 * FNV-1a, 64 bits. Terminators are hashed too, so that no two lists of texts run into each other.
 */
static void mix(uint64_t *hash, const char *text)
{
	do {
		*hash ^= (unsigned char)*text;
		*hash *= 0x100000001b3ull;
	} while (*text++);
}

/* Whose functions are named or not depending on what is installed. */
static bool is_c_library(const struct model_module *module)
{
	static const char *const names[] = { "libc.so", "libpthread.so", "ld-linux", "libc-2." };

	for (size_t i = 0; module && i < sizeof(names) / sizeof(*names); i++)
		if (strncmp(module->base, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* "f.constprop.0" is f: a compiler that splits a function names the parts so. */
static void mix_function(uint64_t *hash, const char *function)
{
	struct buffer name = { 0 };
	size_t length = strcspn(function, ".");

	buffer_bytes(&name, function, length ? length : strlen(function));
	mix(hash, name.data);
	buffer_release(&name);
}

static void mix_frame(uint64_t *hash, const struct model_frame *frame,
		      const struct findings_namer *namer)
{
	const struct symbol *symbol = namer->find(namer->context, frame->module, frame->offset);
	struct buffer offset = { 0 };

	for (; symbol && symbol->function; symbol = symbol->outer) {
		mix_function(hash, symbol->function);
		mix(hash, frame->module->base);
	}
	if (!symbol)
		return;
	/* Without a module it is an address, of code that was made at run time: worth nothing. */
	if (frame->module)
		buffer_hex(&offset, frame->offset);
	mix(hash, frame->module ? frame->module->base : "");
	mix(hash, frame->module ? offset.data : "");
	buffer_release(&offset);
}

static void make_fingerprint(struct finding *finding, const struct findings_namer *namer)
{
	uint64_t hash = 0xcbf29ce484222325ull;
	struct buffer text = { 0 };

	mix(&hash, kind_texts[finding->kind]);
	mix(&hash, reason_texts[finding->reason]);
	mix(&hash, finding->family ? finding->family : "");
	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++) {
		const struct model_stack *stack = finding->stack[i];

		mix(&hash, "stack");
		for (uint32_t j = 0; stack && j < stack->frames; j++)
			if (!is_c_library(stack->frame[j].module))
				mix_frame(&hash, &stack->frame[j], namer);
	}
	buffer_format(&text, "%016llx", (unsigned long long)hash);
	memcpy(finding->fingerprint, text.data, sizeof(finding->fingerprint));
	buffer_release(&text);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* Ties are broken by what is the same in each run, and at last by the order of the file. */
static int compare_findings(const void *left, const void *right)
{
	const struct finding *a = *(const struct finding *const *)left;
	const struct finding *b = *(const struct finding *const *)right;
	int order = compare_numbers(b->level, a->level);

	if (!order)
		order = compare_numbers(b->bytes, a->bytes);
	if (!order)
		order = compare_numbers(b->count, a->count);
	if (!order)
		order = compare_numbers(a->kind, b->kind);
	if (!order)
		order = compare_numbers(a->reason, b->reason);
	return order ? order : a < b ? -1 : a > b;
}

/* Where they lie, and not themselves: a finding is of hundreds of bytes. */
static void sort(struct findings *f)
{
	struct finding **order = memory_new(f->count, sizeof(struct finding *));
	struct finding *sorted = memory_new(f->count, sizeof(*sorted));

	for (size_t i = 0; i < f->count; i++)
		order[i] = &f->all[i];
	if (f->count)
		qsort(order, f->count, sizeof(*order), compare_findings);
	for (size_t i = 0; i < f->count; i++)
		sorted[i] = *order[i];
	free(order);
	free(f->all);
	f->all = sorted;
}

static void finish(struct builder *b)
{
	struct findings *f = b->f;

	sort(f);
	for (size_t i = 0; i < f->count; i++) {
		struct finding *finding = &f->all[i];

		make_fingerprint(finding, &b->namer);
		finding->message = findings_message(finding, &b->namer);
		add(finding->level == TRACE_LEVEL_ERROR     ? &f->errors
		    : finding->level == TRACE_LEVEL_WARNING ? &f->warnings
							    : &f->notes,
		    finding->count);
		if (finding->kind == TRACE_KIND_BLOCK_LEAK) {
			add(&f->leaked_blocks, finding->count);
			add(&f->leaked_bytes, finding->bytes);
		} else if (finding->kind == TRACE_KIND_SECTION_LEAK) {
			add(&f->leaked_sections, finding->count);
		}
	}
}

static void release_words(struct builder *b)
{
	struct word *word, *next_word;
	struct content *content, *next_content;

	word = b->words;
	HASH_CLEAR(hh, b->words);
	for (; word; word = next_word) {
		next_word = word->hh.next;
		free(word->text);
		free(word);
	}
	content = b->contents;
	HASH_CLEAR(hh, b->contents);
	for (; content; content = next_content) {
		next_content = content->hh.next;
		free(content->pairs);
		free(content);
	}
}

static void release(struct builder *b)
{
	struct known *known, *next_known;
	struct group *group, *next_group;

	release_words(b);
	known = b->known;
	HASH_CLEAR(hh, b->known);
	for (; known; known = next_known) {
		next_known = known->hh.next;
		free(known);
	}
	group = b->groups;
	HASH_CLEAR(hh, b->groups);
	for (; group; group = next_group) {
		next_group = group->hh.next;
		free(group);
	}
}

struct findings *findings_new(struct model *const *models, size_t count, struct findings_namer namer)
{
	struct builder b = { .f = memory_new(1, sizeof(*b.f)), .namer = namer };

	b.f->exact = true;
	for (size_t i = 0; i < count; i++)
		add_model(&b, models[i]);
	finish(&b);
	release(&b);
	return b.f;
}

void findings_free(struct findings *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->count; i++)
		free(f->all[i].message);
	free(f->all);
	free(f);
}
