/* SPDX-License-Identifier: MIT */
#include "viewer/findings/findings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "include/kinds.h"
#include "viewer/base/hash.h"
#include "viewer/base/index.h"
#include "viewer/base/memory.h"
#include "viewer/base/sum.h"
#include "viewer/findings/fingerprint.h"
#include "viewer/findings/groups.h"
#include "viewer/findings/message.h"
#include "viewer/findings/neighbours.h"
#include "viewer/findings/paths.h"
#include "viewer/findings/shares.h"
#include "viewer/findings/wrappers.h"
#include "viewer/model/model.h"
#include "viewer/symbols/symbols.h"

/*
 * What is kept of a finding. A ledger of n bytes can hold n / 32 distinct leaks, so this is short;
 * all else is made from the first occurrence when the finding is asked for.
 */
struct findings_row {
	struct groups_identity identity;
	uint32_t model : 29; /* of the first occurrence */
	uint32_t at_unload : 1;
	uint32_t is_direct : 1;     /* block leak: the section of an occurrence did not leak */
	uint32_t is_on_no_path : 1; /* leak: not all occurrences are on the same error path */
	uint64_t count, bytes;
	const void *first; /* the first occurrence: a struct trace_entry of a leak, or trace_finding */
	uint32_t lead;     /* the row under which it is shown; itself: none */
	int32_t status;    /* of the error path */
};

_Static_assert(sizeof(struct findings_row) == 64, "a row is short");

struct findings_mark {
	const char *suppressed_by;
	uint64_t ceiling : 63;
	uint64_t by_weak : 1;
};

/* While the findings are made. */
struct builder {
	struct findings *f;
	struct groups *groups;
	struct index index;
};

/* What findings_get() has filled in. */
struct findings_one {
	struct finding finding;
	struct model_stack stack[TRACE_FINDING_STACKS];
	struct model_stack before, after;
};

/* An identity that is being looked for. */
struct wanted {
	const struct findings *f;
	const struct groups_identity *identity;
};

static bool is_row(const void *context, uint32_t item)
{
	const struct wanted *wanted = context;

	return memcmp(&wanted->f->row[item].identity, wanted->identity,
		      sizeof(*wanted->identity)) == 0;
}

/* Adds occurrences to the finding that they belong to, which may be new. */
static struct findings_row *add_occurrences(struct builder *b, size_t model,
					    const struct groups_key *key, const void *first,
					    uint64_t count, uint64_t bytes)
{
	struct groups_identity identity = groups_identify(b->groups, model, key);
	struct wanted wanted = { b->f, &identity };
	uint32_t *slot =
		index_find(&b->index, hash_bytes(&identity, sizeof(identity)), is_row, &wanted);
	struct findings_row *row;

	if (!*slot) {
		b->f->row[b->f->count++] = (struct findings_row){
			.identity = identity,
			.model = (uint32_t)model & INT32_MAX >> 2,
			.first = first,
			.lead = (uint32_t)b->f->count - 1,
		};
		*slot = (uint32_t)b->f->count;
	}
	row = &b->f->row[*slot - 1];
	if (b->f->shares)
		shares_add(b->f->shares, *slot - 1, (uint32_t)model, count);
	sum_add(&row->count, count);
	sum_add(&row->bytes, bytes);
	return row;
}

bool findings_is_leak(const struct model_entry *entry)
{
	if (entry->inherited || entry->ignored)
		return false;
	return entry->state == TRACE_ENTRY_SECTION ? !entry->adopted
						   : entry->state == TRACE_ENTRY_BLOCK &&
							     (!entry->in_section || entry->section);
}

static struct groups_key key_of_leak(const struct model_entry *entry)
{
	bool is_section = entry->state == TRACE_ENTRY_SECTION;
	struct groups_key key = { .kind = is_section ? TRACE_KIND_SECTION_LEAK
						     : TRACE_KIND_BLOCK_LEAK,
				  .family = entry->family };

	if (!is_section)
		key.refs[TRACE_STACK_ALLOCATE] = entry->stack;
	if (is_section)
		key.refs[TRACE_STACK_CREATE] = entry->stack;
	else if (entry->section)
		key.refs[TRACE_STACK_CREATE] = entry->section->stack;
	return key;
}

static const char *name_maker(const struct model *model, uint8_t handed_out)
{
	return handed_out ? model_function(model, handed_out - 1u)->name : NULL;
}

static void decode_leak(struct finding *finding, const struct model *model,
			const struct model_entry *entry)
{
	struct model_entry section = *entry;

	finding->package = entry->package;
	finding->thread = entry->source->tid;
	finding->handed_out = name_maker(model, entry->handed_out);
	finding->has_address = finding->has_size = true;
	finding->address = entry->address;
	finding->size = entry->size;
	if (entry->section)
		section = model_entry(model, entry->section);
	if (section.state == TRACE_ENTRY_SECTION)
		finding->section =
			(struct finding_section){ .known = true,
						  .handle = section.address,
						  .sizes_known = !section.adopted,
						  .max_size = (uint32_t)section.size,
						  .initial_size = (uint32_t)section.initial_size };
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

static struct groups_key key_of_misuse(const struct trace_finding *t)
{
	struct groups_key key = { .kind = (enum trace_kind)t->kind,
				  .reason = (enum trace_reason)t->reason,
				  .family = t->family };

	memcpy(key.refs, t->stack, sizeof(key.refs));
	/* Here the call is the deletion. It has both names, and either may have been recorded. */
	if (t->kind == TRACE_KIND_LIVE_AT_DELETE && !key.refs[TRACE_STACK_DELETE])
		key.refs[TRACE_STACK_DELETE] = key.refs[TRACE_STACK_CALL];
	if (t->kind == TRACE_KIND_LIVE_AT_DELETE && !key.refs[TRACE_STACK_CALL])
		key.refs[TRACE_STACK_CALL] = key.refs[TRACE_STACK_DELETE];
	return key;
}

static void decode_misuse(struct finding *finding, const struct model *model,
			  const struct trace_finding *t)
{
	finding->block_family = t->block_family ? model_family(model, t->block_family) : NULL;
	finding->function = model_function(model, t->function)->name;
	finding->handed_out = name_maker(model, t->handed_out);
	finding->parameter = model_function(model, t->function)->parameter[t->parameter];
	finding->package = t->package;
	finding->thread = t->tid;
	finding->first_ns =
		model_process(model)->start_ns + (uint64_t)model_time_ns(model, t->first_time);
	if (t->count == 1)
		finding->last_ns = finding->first_ns;
	finding->has_address = (t->flags & TRACE_FINDING_HAS_ADDRESS) != 0;
	finding->address = t->address;
	finding->has_size = (t->flags & TRACE_FINDING_HAS_SIZE) != 0;
	finding->size = t->size;
	finding->place = (enum trace_place)t->place;
	finding->place_of = t->place_of;
	finding->block = t->block;
	finding->damage = t->reason == TRACE_REASON_CANARY ? t->damage : 0;
	finding->section = decode_section(&t->section, (t->flags & TRACE_FINDING_HAS_SECTION) != 0,
					  (t->flags & TRACE_FINDING_SECTION_SIZES) != 0);
	finding->owner = decode_section(&t->owner, (t->flags & TRACE_FINDING_HAS_OWNER) != 0,
					(t->flags & TRACE_FINDING_OWNER_SIZES) != 0);
}

static struct finding_neighbour
decode_neighbour(const struct model *model, const struct trace_entry *t, struct model_stack *room)
{
	struct model_entry entry;

	if (!t)
		return (struct finding_neighbour){ 0 };
	entry = model_entry(model, t);
	return (struct finding_neighbour){ .known = true,
					   .address = entry.address,
					   .size = entry.size,
					   .stack = model_stack(model, entry.stack, room) };
}

static void find_neighbours(struct findings *f, const struct findings_row *row, uint8_t family)
{
	const struct model *model = f->models[row->model];
	struct finding *finding = &f->one->finding;
	struct neighbours_place place = { .family = family,
					  .in_section = finding->section.known,
					  .section = finding->section.known ? finding->section.handle
									    : 0,
					  .address = finding->block };
	const struct trace_entry *before, *after;

	finding->has_neighbours = finding->kind >= TRACE_KIND_OVERFLOW &&
				  finding->kind <= TRACE_KIND_USE_AFTER_DELETE;
	if (!finding->has_neighbours)
		return;
	neighbours_find(&f->neighbours[row->model], model, &place, &before, &after);
	finding->before = decode_neighbour(model, before, &f->one->before);
	finding->after = decode_neighbour(model, after, &f->one->after);
}

static bool is_leaked_entry(const struct trace_entry *t, const struct model *model)
{
	struct model_entry entry = model_entry(model, t);

	return findings_is_leak(&entry);
}

/* Is a leaked block in a section that has leaked as well? */
static bool is_indirect(const struct model *model, const struct model_entry *entry)
{
	return entry->state == TRACE_ENTRY_BLOCK && entry->section &&
	       is_leaked_entry(entry->section, model);
}

static void add_leak(struct builder *b, size_t index, const struct model_entry *entry)
{
	const struct model *model = b->f->models[index];
	struct groups_key key = key_of_leak(entry);
	struct findings_row *row = add_occurrences(b, index, &key, entry->source, 1, entry->size);
	const struct path *path = paths_find(b->f->paths[index], entry->source);

	row->at_unload |= model_package(model, entry->package)->is_unloaded;
	row->is_direct |= !is_indirect(model, entry);
	if (row->count == 1 && path)
		row->status = path->status;
	row->is_on_no_path |= !path || path->status != row->status;
}

static void add_model(struct builder *b, size_t index)
{
	const struct model *model = b->f->models[index];
	struct reader_cursor entries = { 0 }, misuses = { 0 };
	const struct trace_finding *misuse;
	struct model_entry entry;

	b->f->paths[index] = paths_new(model, is_leaked_entry);
	while (model_next_entry(model, &entries, &entry)) {
		b->f->ignored += entry.ignored && !entry.inherited;
		if (findings_is_leak(&entry))
			add_leak(b, index, &entry);
	}
	while ((misuse = model_next_finding(model, &misuses)) != NULL) {
		struct groups_key key = key_of_misuse(misuse);

		add_occurrences(b, index, &key, misuse, misuse->count, misuse->bytes);
	}
	for (unsigned i = 0; i < TRACE_LOST_COUNT; i++)
		sum_add(&b->f->lost[i], model_lost(model, (enum trace_lost)i));
	b->f->is_exact = b->f->is_exact && model_is_exact(model);
}

/* Memory of the private heap that changes hands is a warning: nobody documents that it must not. */
static enum trace_level level_of(const struct findings *f, const struct findings_row *row)
{
	const struct trace_finding *misuse = row->first;
	const char *family;

	if (row->identity.kind != TRACE_KIND_WRONG_TRANSFER ||
	    row->identity.reason != TRACE_REASON_WRONG_FAMILY)
		return kinds_level((enum trace_kind)row->identity.kind);
	family = model_family(f->models[row->model], misuse->block_family);
	return family && strcmp(family, "private-heap") == 0 ? TRACE_LEVEL_WARNING
							     : TRACE_LEVEL_ERROR;
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* Wrong accesses, which end the process, come first; then wrong calls, then leaks; then other levels. */
static unsigned rank_of(const struct findings *f, const struct findings_row *row)
{
	enum trace_level level = level_of(f, row);

	if (level != TRACE_LEVEL_ERROR)
		return level == TRACE_LEVEL_WARNING ? 3 : 4;
	switch (row->identity.kind) {
	case TRACE_KIND_OVERFLOW:
	case TRACE_KIND_UNDERFLOW:
	case TRACE_KIND_USE_AFTER_FREE:
	case TRACE_KIND_USE_AFTER_DELETE:
		return 0;
	case TRACE_KIND_BLOCK_LEAK:
	case TRACE_KIND_SECTION_LEAK:
		return 2;
	default:
		return 1;
	}
}

static bool is_leak_kind(enum trace_kind kind)
{
	return kind == TRACE_KIND_BLOCK_LEAK || kind == TRACE_KIND_SECTION_LEAK;
}

/* The error path of a row's first occurrence, if all are on such a one; else NULL. */
static const struct path *path_of(const struct findings *f, const struct findings_row *row)
{
	return is_leak_kind((enum trace_kind)row->identity.kind) && !row->is_on_no_path
		       ? paths_find(f->paths[row->model], row->first)
		       : NULL;
}

/* A block leak is shown under the leak of its section. */
static void follow_section(struct builder *b, struct findings_row *row)
{
	const struct model *model = b->f->models[row->model];
	struct model_entry block = model_entry(model, row->first), section;
	struct groups_identity identity;
	struct wanted wanted = { b->f, &identity };
	struct groups_key key;
	uint32_t number;

	if (!is_indirect(model, &block))
		return;
	section = model_entry(model, block.section);
	key = key_of_leak(&section);
	identity = groups_identify(b->groups, row->model, &key);
	number = *index_find(&b->index, hash_bytes(&identity, sizeof(identity)), is_row, &wanted);
	if (number)
		row->lead = number - 1;
}

struct on_path {
	const struct path *path;
	uint32_t row;
};

static int compare_rows(const void *left, const void *right, void *findings);

static int compare_on_path(const void *left, const void *right, void *findings)
{
	const struct on_path *a = left, *b = right;

	if (a->path != b->path)
		return a->path < b->path ? -1 : 1;
	return compare_rows(&a->row, &b->row, findings);
}

/* Block leaks of one call are shown under the most costly one of them. */
static void follow_calls(struct findings *f)
{
	struct on_path *list = memory_new(f->count, sizeof(*list));
	size_t count = 0;

	for (size_t i = 0; i < f->count; i++) {
		const struct findings_row *row = &f->row[i];
		const struct path *path = path_of(f, row);

		if (path && row->identity.kind == TRACE_KIND_BLOCK_LEAK && row->lead == i)
			list[count++] = (struct on_path){ path, (uint32_t)i };
	}
	if (count)
		qsort_r(list, count, sizeof(*list), compare_on_path, f);
	for (size_t i = 1; i < count; i++)
		if (list[i].path == list[i - 1].path)
			f->row[list[i].row].lead = f->row[list[i - 1].row].lead;
	free(list);
}

/* Ties are broken by what is the same in each run, and last by the order of the file. */
static int compare_rows(const void *left, const void *right, void *findings)
{
	const struct findings *f = findings;
	uint32_t first = *(const uint32_t *)left, second = *(const uint32_t *)right;
	const struct findings_row *a = &f->row[first], *b = &f->row[second];
	int order = compare_numbers(rank_of(f, a), rank_of(f, b));

	if (!order)
		order = compare_numbers(b->bytes, a->bytes);
	if (!order)
		order = compare_numbers(b->count, a->count);
	if (!order)
		order = compare_numbers(a->identity.kind, b->identity.kind);
	if (!order)
		order = compare_numbers(a->identity.reason, b->identity.reason);
	return order ? order : compare_numbers(first, second);
}

/* What is shown under another row follows it. */
static int compare_places(const void *left, const void *right, void *findings)
{
	const struct findings *f = findings;
	uint32_t first = *(const uint32_t *)left, second = *(const uint32_t *)right;
	uint32_t lead = f->row[first].lead, other = f->row[second].lead;

	if (lead != other)
		return compare_rows(&lead, &other, findings);
	if (first == lead || second == lead)
		return first == second ? 0 : first == lead ? -1 : 1;
	return compare_rows(left, right, findings);
}

static void sort_rows(struct findings *f)
{
	f->order = memory_new(f->count, sizeof(*f->order));
	for (size_t i = 0; i < f->count; i++)
		f->order[i] = (uint32_t)i;
	if (f->count)
		qsort_r(f->order, f->count, sizeof(*f->order), compare_places, f);
}

/* How many findings there can be at most. */
static size_t count_occurrences(struct model *const *models, size_t count)
{
	size_t occurrences = 0;

	for (size_t i = 0; i < count; i++) {
		struct reader_cursor entries = { 0 }, misuses = { 0 };
		struct model_entry entry;

		while (model_next_entry(models[i], &entries, &entry))
			occurrences += findings_is_leak(&entry);
		while (model_next_finding(models[i], &misuses))
			occurrences++;
	}
	return occurrences;
}

static void decode_mark(const struct findings *f, const struct findings_mark *mark,
			struct finding *finding)
{
	finding->suppressed_by = mark->suppressed_by;
	if (!f->has_baseline || finding->level == TRACE_LEVEL_NOTE)
		return;
	finding->ceiling = mark->ceiling;
	finding->by_weak = mark->by_weak;
	finding->baseline = !mark->ceiling                   ? FINDING_NEW
			    : finding->count > mark->ceiling ? FINDING_GROWN
							     : FINDING_KNOWN;
}

/* Fills in all but the fingerprint and the message. */
static void decode_row(struct findings *f, const struct findings_row *row, struct findings_one *one)
{
	const struct model *model = f->models[row->model];
	bool is_leak = is_leak_kind((enum trace_kind)row->identity.kind);
	struct finding *finding = &one->finding;
	struct model_entry entry;
	struct groups_key key;

	if (is_leak)
		entry = model_entry(model, row->first);
	key = is_leak ? key_of_leak(&entry) : key_of_misuse(row->first);
	*finding = (struct finding){ .kind = key.kind,
				     .reason = key.reason,
				     .level = level_of(f, row),
				     .count = row->count,
				     .bytes = row->bytes,
				     .model = model,
				     .trace = row->model,
				     .family = model_family(model, key.family),
				     .at_unload = row->at_unload };
	for (unsigned j = 0; j < TRACE_FINDING_STACKS; j++)
		finding->stack[j] = model_stack(model, key.refs[j], &one->stack[j]);
	if (is_leak)
		decode_leak(finding, model, &entry);
	else
		decode_misuse(finding, model, row->first);
	if (f->mark)
		decode_mark(f, &f->mark[row - f->row], finding);
}

/* A row, while rows with one fingerprint are told apart. */
struct print {
	uint64_t exact;
	uint32_t row;
};

/* Where findings are decoded to be compared. */
struct comparison {
	struct findings *f;
	struct findings_one one, other;
};

static int compare_prints(const void *left, const void *right, void *comparison)
{
	const struct print *a = left, *b = right;
	struct comparison *c = comparison;
	int order = compare_numbers(a->exact, b->exact);

	if (order || a == b)
		return order;
	decode_row(c->f, &c->f->row[a->row], &c->one);
	decode_row(c->f, &c->f->row[b->row], &c->other);
	order = fingerprint_order(&c->one.finding, &c->other.finding);
	return order ? order : compare_numbers(a->row, b->row);
}

static void number_twins(struct findings *f)
{
	struct print *print = memory_new(f->count, sizeof(*print));
	struct comparison *c = memory_new(1, sizeof(*c));

	c->f = f;
	f->twin = memory_new(f->count, sizeof(*f->twin));
	for (size_t i = 0; i < f->count; i++) {
		decode_row(f, &f->row[i], &c->one);
		print[i] = (struct print){ fingerprint_make(&c->one.finding, &f->namer).exact,
					   (uint32_t)i };
	}
	if (f->count)
		qsort_r(print, f->count, sizeof(*print), compare_prints, c);
	for (size_t i = 1; i < f->count; i++)
		if (print[i].exact == print[i - 1].exact)
			f->twin[print[i].row] = f->twin[print[i - 1].row] + 1;
	free(print);
	free(c);
}

static const struct symbol *find_symbol(void *symbols, const struct model_module *module,
					uint64_t offset)
{
	return symbols_find(symbols, module, offset);
}

static const char *find_data(void *symbols, const struct model_module *module, uint64_t offset,
			     uint64_t *from)
{
	return symbols_find_data(symbols, module, offset, from);
}

struct findings_namer findings_name_by(struct symbols *symbols)
{
	return (struct findings_namer){ find_symbol, symbols, find_data };
}

struct findings *findings_new(struct model *const *models, size_t count,
			      struct findings_namer namer, const struct argument_list *globs)
{
	struct builder b = { .f = memory_new(1, sizeof(*b.f)) };
	size_t most = count_occurrences(models, count);

	b.f->models = memory_new(count, sizeof(struct model *));
	memcpy(b.f->models, models, count * sizeof(struct model *));
	b.f->model_count = count;
	b.f->namer = namer;
	b.f->is_exact = true;
	b.f->row = memory_new(most, sizeof(*b.f->row));
	b.f->shares = count > 1 ? shares_new(most) : NULL;
	b.f->neighbours = memory_new(count, sizeof(*b.f->neighbours));
	b.f->paths = memory_new(count, sizeof(struct paths *));
	b.f->wrappers = memory_new(count, sizeof(struct wrappers *));
	b.f->globs = globs;
	b.f->one = memory_new(1, sizeof(*b.f->one));
	b.groups = groups_new(models, count);
	index_init(&b.index, most);
	for (size_t i = 0; i < count; i++)
		add_model(&b, i);
	for (size_t i = 0; i < b.f->count; i++)
		if (!b.f->row[i].is_direct && b.f->row[i].identity.kind == TRACE_KIND_BLOCK_LEAK)
			follow_section(&b, &b.f->row[i]);
	follow_calls(b.f);
	groups_free(b.groups);
	index_release(&b.index);
	number_twins(b.f);
	sort_rows(b.f);
	findings_count(b.f);
	return b.f;
}

static void count_finding(struct findings *f, const struct finding *finding)
{
	uint64_t *by_level[] = { &f->notes, &f->warnings, &f->errors };

	f->by_baseline[finding->baseline]++;
	if (finding_counts(finding))
		f->failing[finding->level]++;
	if (finding->suppressed_by) {
		sum_add(&f->suppressed, finding->count);
		return;
	}
	sum_add(by_level[finding->level], finding->count);
	if (finding->kind == TRACE_KIND_BLOCK_LEAK) {
		sum_add(&f->leaked_blocks, finding->count);
		sum_add(&f->leaked_bytes, finding->bytes);
	} else if (finding->kind == TRACE_KIND_SECTION_LEAK) {
		sum_add(&f->leaked_sections, finding->count);
	}
}

/* Moves the suppressed findings behind the others, which stay in their order. */
static void move_suppressed(struct findings *f)
{
	uint32_t *order = memory_new(f->count, sizeof(*order));
	uint32_t *number = f->number ? memory_new(f->count, sizeof(*number)) : NULL;
	size_t count = 0;

	for (unsigned suppressed = 0; suppressed < 2; suppressed++) {
		for (size_t i = 0; i < f->count; i++) {
			if ((f->mark && f->mark[f->order[i]].suppressed_by) != suppressed)
				continue;
			if (number)
				number[count] = f->number[i];
			order[count++] = f->order[i];
		}
		if (!suppressed)
			f->shown = count;
	}
	free(f->order);
	free(f->number);
	f->order = order;
	f->number = number;
}

void findings_count(struct findings *f)
{
	f->errors = f->warnings = f->notes = f->suppressed = 0;
	f->leaked_blocks = f->leaked_bytes = f->leaked_sections = 0;
	memset(f->by_baseline, 0, sizeof(f->by_baseline));
	memset(f->failing, 0, sizeof(f->failing));
	for (size_t i = 0; i < f->count; i++)
		count_finding(f, findings_look(f, i));
	move_suppressed(f);
}

void findings_select(struct findings *f, const uint32_t *index, size_t count)
{
	uint64_t errors = f->errors, warnings = f->warnings, notes = f->notes;
	uint32_t *order = memory_new(count, sizeof(*order)),
		 *number = memory_new(count, sizeof(*number));

	for (size_t i = 0; i < count; i++) {
		order[i] = f->order[index[i]];
		number[i] = f->number ? f->number[index[i]] : index[i] + 1;
	}
	free(f->order);
	free(f->number);
	f->order = order;
	f->number = number;
	f->is_selected = f->is_selected || count < f->count;
	f->count = count;
	findings_count(f);
	f->hidden_errors += errors - f->errors;
	f->hidden_warnings += warnings - f->warnings;
	f->hidden_notes += notes - f->notes;
}

static struct findings_mark *mark_of(struct findings *f, size_t i)
{
	if (!f->mark)
		f->mark = memory_new(f->count, sizeof(*f->mark));
	return &f->mark[f->order[i]];
}

void findings_suppress(struct findings *f, size_t i, const char *by)
{
	mark_of(f, i)->suppressed_by = by;
}

void findings_compare(struct findings *f, size_t i, uint64_t ceiling, bool by_weak)
{
	struct findings_mark *mark = mark_of(f, i);

	mark->ceiling = ceiling > INT64_MAX ? INT64_MAX : ceiling;
	mark->by_weak = by_weak;
}

static void set_fingerprint(struct findings *f, uint32_t row)
{
	struct finding *finding = &f->one->finding;
	struct fingerprint print = fingerprint_make(finding, &f->namer);
	int used = snprintf(finding->fingerprint, sizeof(finding->fingerprint), "%016" PRIx64,
			    print.exact);

	if (f->twin[row])
		snprintf(finding->fingerprint + used, sizeof(finding->fingerprint) - (size_t)used,
			 ":%" PRIu32, f->twin[row] + 1);
	snprintf(finding->fingerprint_weak, sizeof(finding->fingerprint_weak), "%016" PRIx64,
		 print.weak);
	finding->has_offsets = print.has_offsets;
}

/* What is shown with a leak: its error path, and what follows it. Those that share its lead lie side
 * by side in the order. */
static void set_group(struct findings *f, size_t i)
{
	const struct findings_row *row = &f->row[f->order[i]];
	const struct path *path = path_of(f, row);
	struct finding *finding = &f->one->finding;

	finding->is_indirect = finding->kind == TRACE_KIND_BLOCK_LEAK && !row->is_direct;
	if (path) {
		finding->entry_point = model_function(finding->model, path->function)->name;
		finding->status = (uint32_t)path->status;
	}
	finding->is_led = row->lead != f->order[i];
	finding->group = row->lead;
	for (size_t j = i + 1; !finding->is_led && j < f->count; j++) {
		const struct findings_row *other = &f->row[f->order[j]];

		if (other->lead != row->lead)
			break;
		finding->is_leading = true;
		finding->led_findings++;
		sum_add(&finding->led_count, other->count);
		sum_add(&finding->led_bytes, other->bytes);
	}
}

const struct finding *findings_look(struct findings *f, size_t i)
{
	free(f->one->finding.message);
	decode_row(f, &f->row[f->order[i]], f->one);
	f->one->finding.number = f->number ? f->number[i] : i + 1;
	return &f->one->finding;
}

const struct finding *findings_get(struct findings *f, size_t i)
{
	const struct findings_row *row = &f->row[f->order[i]];
	struct finding *finding = &f->one->finding;

	findings_look(f, i);
	if (!is_leak_kind(finding->kind))
		find_neighbours(f, row, ((const struct trace_finding *)row->first)->family);
	if (f->shares)
		finding->share = shares_list(f->shares, f->order[i], &finding->shares);
	set_fingerprint(f, f->order[i]);
	if (is_leak_kind(finding->kind))
		set_group(f, i);
	if (!f->wrappers[row->model])
		f->wrappers[row->model] = wrappers_new(finding->model, &f->namer, f->globs);
	wrappers_skip(f->wrappers[row->model], finding);
	finding->message = message_make(finding, &f->namer);
	return finding;
}

void findings_free(struct findings *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->model_count; i++) {
		neighbours_release(&f->neighbours[i]);
		wrappers_free(f->wrappers[i]);
		paths_free(f->paths[i]);
	}
	free(f->paths);
	free(f->wrappers);
	free(f->one->finding.message);
	free(f->one);
	shares_free(f->shares);
	free(f->models);
	free(f->neighbours);
	free(f->order);
	free(f->number);
	free(f->twin);
	free(f->mark);
	free(f->row);
	free(f);
}
