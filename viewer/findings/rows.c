/* SPDX-License-Identifier: MIT */
#include "viewer/findings/rows.h"

#include <stdlib.h>
#include <string.h>

#include "include/kinds.h"
#include "viewer/base/hash.h"
#include "viewer/base/index.h"
#include "viewer/base/memory.h"
#include "viewer/base/sum.h"
#include "viewer/findings/history.h"
#include "viewer/findings/shares.h"
#include "viewer/model/model.h"

_Static_assert(sizeof(struct row) == 80, "a row is short");

/* While the rows are made. */
struct builder {
	struct rows *r;
	struct groups *groups;
	struct index index; /* of the rows: for up to `room` of them */
	size_t room;
	/* What was added last. The next one is often equal. */
	size_t model;
	struct groups_key key;
	uint32_t number; /* 1 + that of the row; 0: none */
};

/* An identity that is being looked for. */
struct wanted {
	const struct rows *r;
	const struct groups_identity *identity;
};

static bool is_row(const void *context, uint32_t item)
{
	const struct wanted *wanted = context;

	return memcmp(&wanted->r->row[item].identity, wanted->identity,
		      sizeof(*wanted->identity)) == 0;
}

static uint64_t hash_identity(const struct groups_identity *identity)
{
	return hash_bytes(identity, sizeof(*identity));
}

/* Many occurrences are often few rows. An index that grows with them stays in the processor's caches. */
static void grow_index(struct builder *b)
{
	const struct rows *r = b->r;

	b->room = b->room ? 2 * b->room : 1024;
	index_release(&b->index);
	index_init(&b->index, b->room);
	for (size_t i = 0; i < r->count; i++) {
		struct wanted wanted = { r, &r->row[i].identity };

		index_add(&b->index, hash_identity(wanted.identity), is_row, &wanted, i);
	}
}

static bool is_last(const struct builder *b, size_t model, const struct groups_key *key)
{
	return b->number && b->model == model && b->key.kind == key->kind &&
	       b->key.reason == key->reason && b->key.family == key->family &&
	       memcmp(b->key.refs, key->refs, sizeof(key->refs)) == 0;
}

/* Returns the row of an occurrence, which may be new. */
static struct row *find_row(struct builder *b, size_t model, const struct groups_key *key,
			    const void *first)
{
	struct groups_identity identity;
	struct wanted wanted = { b->r, &identity };

	if (is_last(b, model, key))
		return &b->r->row[b->number - 1];
	if (b->r->count == b->room)
		grow_index(b);
	identity = groups_identify(b->groups, model, key);
	b->model = model;
	b->key = *key;
	b->number = index_add(&b->index, hash_identity(&identity), is_row, &wanted, b->r->count);
	if (b->number > b->r->count)
		b->r->row[b->r->count++] = (struct row){
			.identity = identity,
			.model = (uint32_t)model & UINT32_MAX >> 8,
			.first = first,
			.lead = b->number - 1,
		};
	return &b->r->row[b->number - 1];
}

/* Adds occurrences to the row that they belong to. */
static struct row *add_occurrences(struct builder *b, size_t model, const struct groups_key *key,
				   const void *first, uint64_t count, uint64_t bytes)
{
	struct row *row = find_row(b, model, key, first);

	if (b->r->shares)
		shares_add(b->r->shares, b->number - 1, (uint32_t)model, count);
	sum_add(&row->count, count);
	sum_add(&row->bytes, bytes);
	return row;
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

/* Is a leaked block in a section that has leaked as well? */
static bool is_indirect(const struct model *model, const struct model_entry *entry)
{
	struct model_entry section;

	if (entry->state != TRACE_ENTRY_BLOCK || !entry->section)
		return false;
	section = model_entry(model, entry->section);
	return model_is_leak(&section);
}

static uint64_t absolute(const struct model *model, uint64_t ticks)
{
	return ticks ? model_process(model)->start_ns + (uint64_t)model_time_ns(model, ticks) : 0;
}

/* Extends the time of a row by that of some occurrences. */
static void add_times(struct row *row, uint64_t first_ns, uint64_t last_ns)
{
	row->is_older |= first_ns == 0;
	if (first_ns && (!row->first_ns || first_ns < row->first_ns))
		row->first_ns = first_ns;
	if (last_ns > row->last_ns)
		row->last_ns = last_ns;
}

static void add_leak(struct builder *b, size_t index, const struct model_entry *entry)
{
	const struct model *model = b->r->model[index];
	struct groups_key key = key_of_leak(entry);
	struct row *row = add_occurrences(b, index, &key, entry->source, 1, entry->size);
	const struct path *path = history_path(b->r->history[index], entry->source);
	uint64_t time = absolute(model, history_time(b->r->history[index], entry->source));

	add_times(row, time, time);
	row->is_mixed |= row->count > 1 && row->reach != entry->reach;
	if (entry->reach > row->reach)
		row->reach = entry->reach & 7;
	row->at_unload |= model_package(model, entry->package)->is_unloaded;
	row->is_direct |= !is_indirect(model, entry);
	if (row->count == 1 && path)
		row->status = path->status;
	row->is_on_no_path |= !path || path->status != row->status;
}

static void add_model(struct builder *b, size_t index)
{
	struct rows *r = b->r;
	const struct model *model = r->model[index];
	struct reader_cursor entries = { 0 }, misuses = { 0 };
	const struct trace_finding *misuse;
	struct model_entry entry;

	r->history[index] = history_new(model);
	while (model_next_entry(model, &entries, &entry)) {
		r->ignored += entry.ignored && !entry.inherited;
		if (!model_is_leak(&entry))
			continue;
		if (model_has_leak_kind(model, entry.reach)) {
			add_leak(b, index, &entry);
			continue;
		}
		r->other_kinds++;
		if (entry.state == TRACE_ENTRY_BLOCK)
			sum_add(&r->other_bytes, entry.size);
	}
	while ((misuse = model_next_finding(model, &misuses)) != NULL) {
		struct groups_key key = key_of_misuse(misuse);

		if (misuse->reason == TRACE_REASON_INJECTED) {
			memory_room(r->failed, r->faileds, r->failed_room);
			r->failed[r->faileds++] = (struct rows_failed){ (uint32_t)index, misuse };
		}
		add_times(add_occurrences(b, index, &key, misuse, misuse->count, misuse->bytes),
			  absolute(model, misuse->first_time),
			  absolute(model, history_last(r->history[index], misuse)));
	}
	for (unsigned i = 0; i < TRACE_LOST_COUNT; i++)
		sum_add(&r->lost[i], model_lost(model, (enum trace_lost)i));
	r->is_exact = r->is_exact && model_is_exact(model);
}

static void follow_section(struct builder *b, struct row *row)
{
	const struct model *model = b->r->model[row->model];
	struct model_entry block = model_entry(model, row->first), section;
	struct groups_identity identity;
	struct wanted wanted = { b->r, &identity };
	struct groups_key key;
	uint32_t number;

	if (!is_indirect(model, &block))
		return;
	section = model_entry(model, block.section);
	key = key_of_leak(&section);
	identity = groups_identify(b->groups, row->model, &key);
	number = index_find(&b->index, hash_identity(&identity), is_row, &wanted);
	if (number)
		row->lead = number - 1;
}

/* How many rows there can be at most. */
static size_t count_occurrences(struct model *const *models, size_t count)
{
	size_t occurrences = 0;

	for (size_t i = 0; i < count; i++) {
		struct reader_cursor misuses = { 0 };

		occurrences += reader_count_entries(model_reader(models[i]));
		while (model_next_finding(models[i], &misuses))
			occurrences++;
	}
	return occurrences;
}

struct rows *rows_new(struct model *const *models, size_t count)
{
	struct builder b = { .r = memory_new(1, sizeof(*b.r)) };
	size_t most = count_occurrences(models, count);
	struct rows *r = b.r;

	r->model = memory_new(count, sizeof(struct model *));
	memcpy(r->model, models, count * sizeof(struct model *));
	r->models = count;
	r->is_exact = true;
	r->row = memory_new(most, sizeof(*r->row));
	r->shares = count > 1 ? shares_new(most) : NULL;
	r->history = memory_new(count, sizeof(struct history *));
	b.groups = groups_new(models, count);
	grow_index(&b);
	for (size_t i = 0; i < count; i++)
		add_model(&b, i);
	for (size_t i = 0; i < r->count; i++)
		if (!r->row[i].is_direct && r->row[i].identity.kind == TRACE_KIND_BLOCK_LEAK)
			follow_section(&b, &r->row[i]);
	groups_free(b.groups);
	index_release(&b.index);
	return r;
}

void rows_free(struct rows *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->models; i++)
		history_free(r->history[i]);
	free(r->history);
	shares_free(r->shares);
	free(r->failed);
	free(r->model);
	free(r->row);
	free(r);
}

bool rows_is_leak(const struct row *row)
{
	return row->identity.kind == TRACE_KIND_BLOCK_LEAK ||
	       row->identity.kind == TRACE_KIND_SECTION_LEAK;
}

/* Memory of the private heap that changes hands is a warning: nobody documents that it must not. */
enum trace_level rows_level_of_misuse(const struct model *model, const struct trace_finding *misuse)
{
	const char *family;

	if (misuse->kind != TRACE_KIND_WRONG_TRANSFER || misuse->reason != TRACE_REASON_WRONG_FAMILY)
		return kinds_level((enum trace_kind)misuse->kind);
	family = model_family(model, misuse->block_family);
	return family && strcmp(family, "private-heap") == 0 ? TRACE_LEVEL_WARNING
							     : TRACE_LEVEL_ERROR;
}

enum trace_level rows_level(const struct rows *r, const struct row *row)
{
	return rows_is_leak(row) ? kinds_level((enum trace_kind)row->identity.kind)
				 : rows_level_of_misuse(r->model[row->model], row->first);
}

struct groups_key rows_key(const struct rows *r, const struct row *row, struct model_entry *entry)
{
	if (!rows_is_leak(row))
		return key_of_misuse(row->first);
	*entry = model_entry(r->model[row->model], row->first);
	return key_of_leak(entry);
}

const struct path *rows_path(const struct rows *r, const struct row *row)
{
	return rows_is_leak(row) && !row->is_on_no_path
		       ? history_path(r->history[row->model], row->first)
		       : NULL;
}

static int compare_failed(const void *trace, const void *failed)
{
	uint32_t a = *(const uint32_t *)trace, b = ((const struct rows_failed *)failed)->trace;

	return a < b ? -1 : a > b;
}

const struct rows_failed *rows_failed(const struct rows *r, uint32_t trace, size_t *count)
{
	const struct rows_failed *end = r->failed + r->faileds, *first, *last;

	*count = 0;
	first = r->faileds
			? bsearch(&trace, r->failed, r->faileds, sizeof(*r->failed), compare_failed)
			: NULL;
	if (!first)
		return NULL;
	for (last = first + 1; last < end && last->trace == trace;)
		last++;
	while (first > r->failed && first[-1].trace == trace)
		first--;
	*count = (size_t)(last - first);
	return first;
}
