/* SPDX-License-Identifier: MIT */
#include "viewer/findings/findings.h"

#include <stdlib.h>
#include <string.h>

#include "include/kinds.h"
#include "viewer/base/memory.h"
#include "viewer/base/sum.h"
#include "viewer/findings/fingerprint.h"
#include "viewer/findings/groups.h"
#include "viewer/findings/message.h"
#include "viewer/model/model.h"

/* While the findings are made. */
struct builder {
	struct findings *f;
	size_t room;
	struct groups groups;
};

/*
 * Returns the finding that an occurrence belongs to. A new one has only what makes it distinct, and
 * *is_new is set: the caller fills in the rest.
 */
static struct finding *find_finding(struct builder *b, struct model *model,
				    const struct groups_key *key, bool *is_new)
{
	size_t index = groups_find(&b->groups, model, key, is_new);
	struct findings *f = b->f;
	struct finding *finding;

	if (!*is_new)
		return &f->all[index];
	memory_room(f->all, f->count, b->room);
	finding = &f->all[f->count++];
	*finding = (struct finding){ .kind = key->kind,
				     .reason = key->reason,
				     .level = kinds_level(key->kind),
				     .model = model,
				     .family = key->family };
	for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++)
		finding->stack[i] = model_stack(model, key->refs[i]);
	return finding;
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
	struct groups_key key = { .kind = is_section ? TRACE_KIND_SECTION_LEAK
						     : TRACE_KIND_BLOCK_LEAK,
				  .family = model_family(model, entry->family) };
	struct finding *finding;
	bool is_new;

	if (!is_section)
		key.refs[TRACE_STACK_ALLOCATE] = entry->stack;
	if (section)
		key.refs[TRACE_STACK_CREATE] = section->stack;
	finding = find_finding(b, model, &key, &is_new);
	sum_add(&finding->count, 1);
	sum_add(&finding->bytes, entry->size);
	finding->at_unload |= model_package(model, entry->package)->is_unloaded;
	if (!is_new)
		return;
	finding->package = entry->package;
	finding->has_address = finding->has_size = true;
	finding->address = entry->address;
	finding->size = entry->size;
	if (section)
		finding->section =
			(struct finding_section){ .known = true,
						  .handle = section->address,
						  .sizes_known = !section->adopted,
						  .max_size = (uint32_t)section->size,
						  .initial_size = (uint32_t)section->initial_size };
}

static struct finding_section decode_section(const struct trace_section *section, bool known,
					     bool sizes_known)
{
	return (struct finding_section){ .known = known,
					 .handle = section->handle,
					 .sizes_known = known && sizes_known,
					 .max_size = section->max_size,
					 .initial_size = section->initial_size };
}

static void decode_misuse(struct finding *finding, const struct model *model,
			  const struct trace_finding *t)
{
	finding->block_family = t->block_family ? model_family(model, t->block_family) : NULL;
	finding->function = model_function(model, t->function)->name;
	finding->package = t->package;
	finding->has_address = (t->flags & TRACE_FINDING_HAS_ADDRESS) != 0;
	finding->address = t->address;
	finding->has_size = (t->flags & TRACE_FINDING_HAS_SIZE) != 0;
	finding->size = t->size;
	finding->block = t->block;
	finding->section = decode_section(&t->section, (t->flags & TRACE_FINDING_HAS_SECTION) != 0,
					  (t->flags & TRACE_FINDING_SECTION_SIZES) != 0);
	finding->owner = decode_section(&t->owner, (t->flags & TRACE_FINDING_HAS_OWNER) != 0,
					(t->flags & TRACE_FINDING_OWNER_SIZES) != 0);
}

/* Is the entry a live block in the section, or heap, of the block that the finding concerns? */
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
	struct groups_key key = { .kind = (enum trace_kind)t->kind,
				  .reason = (enum trace_reason)t->reason,
				  .family = model_family(model, t->family) };
	struct finding *finding;
	bool is_new;

	memcpy(key.refs, t->stack, sizeof(key.refs));
	/* Here the call is the deletion. It has both names, and either may have been recorded. */
	if (t->kind == TRACE_KIND_LIVE_AT_DELETE && !key.refs[TRACE_STACK_DELETE])
		key.refs[TRACE_STACK_DELETE] = key.refs[TRACE_STACK_CALL];
	if (t->kind == TRACE_KIND_LIVE_AT_DELETE && !key.refs[TRACE_STACK_CALL])
		key.refs[TRACE_STACK_CALL] = key.refs[TRACE_STACK_DELETE];
	finding = find_finding(b, model, &key, &is_new);
	sum_add(&finding->count, t->count);
	sum_add(&finding->bytes, t->bytes);
	if (!is_new)
		return;
	decode_misuse(finding, model, t);
	find_neighbours(finding, model);
}

static void add_model(struct builder *b, struct model *model)
{
	groups_begin_model(&b->groups);
	for (size_t i = 0; i < model_entries(model); i++) {
		const struct model_entry *entry = model_entry(model, i);

		if (is_leaked_block(entry) || is_leaked_section(entry))
			add_leak(b, model, entry);
	}
	for (size_t i = 0; i < model_findings(model); i++)
		add_misuse(b, model, model_finding(model, i));
	for (unsigned i = 0; i < TRACE_LOST_COUNT; i++)
		sum_add(&b->f->lost[i], model_lost(model, (enum trace_lost)i));
	b->f->is_exact = b->f->is_exact && model_is_exact(model);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* Ties are broken by what is the same in each run, and last by the order of the file. */
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

/* Sorts pointers, because a finding is large. */
static void sort_findings(struct findings *f)
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

static void count_finding(struct findings *f, const struct finding *finding)
{
	sum_add(finding->level == TRACE_LEVEL_ERROR     ? &f->errors
		: finding->level == TRACE_LEVEL_WARNING ? &f->warnings
							: &f->notes,
		finding->count);
	if (finding->kind == TRACE_KIND_BLOCK_LEAK) {
		sum_add(&f->leaked_blocks, finding->count);
		sum_add(&f->leaked_bytes, finding->bytes);
	} else if (finding->kind == TRACE_KIND_SECTION_LEAK) {
		sum_add(&f->leaked_sections, finding->count);
	}
}

struct findings *findings_new(struct model *const *models, size_t count, struct findings_namer namer)
{
	struct builder b = { .f = memory_new(1, sizeof(*b.f)) };

	b.f->is_exact = true;
	for (size_t i = 0; i < count; i++)
		add_model(&b, models[i]);
	groups_release(&b.groups);
	sort_findings(b.f);
	for (size_t i = 0; i < b.f->count; i++) {
		struct finding *finding = &b.f->all[i];

		fingerprint_make(finding, &namer);
		finding->message = message_make(finding, &namer);
		count_finding(b.f, finding);
	}
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
