/* SPDX-License-Identifier: MIT */
#include "viewer/top/picture.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "viewer/base/hash.h"
#include "viewer/base/index.h"
#include "viewer/base/memory.h"
#include "viewer/base/sum.h"
#include "viewer/findings/rows.h"
#include "viewer/model/model.h"

#define SECOND_NS 1000000000u

_Static_assert(sizeof(struct picture_key) == 16, "no padding: its bytes are hashed and compared");

/* What was there at the mark, by key. */
struct picture_mark {
	struct picture_row *row[PICTURE_TABLES];
	struct index index[PICTURE_TABLES];
	uint64_t taken_ns;
};

static uint64_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

struct wanted {
	const struct picture_row *row;
	struct picture_key key;
};

static bool has_key(const void *context, uint32_t item)
{
	const struct wanted *wanted = context;

	return memcmp(&wanted->row[item].key, &wanted->key, sizeof(wanted->key)) == 0;
}

/* Both return 1 + the number of a row, as index_find() and index_add() do. */
static uint32_t find_row(const struct index *index, const struct picture_row *rows,
			 const struct picture_key *key)
{
	struct wanted wanted = { rows, *key };

	return index_find(index, hash_bytes(key, sizeof(*key)), has_key, &wanted);
}

static uint32_t index_row(const struct index *index, const struct picture_row *rows,
			  const struct picture_key *key, size_t row)
{
	struct wanted wanted = { rows, *key };

	return index_add(index, hash_bytes(key, sizeof(*key)), has_key, &wanted, row);
}

/* A picture that is being taken. */
struct taking {
	struct picture *p;
	size_t room[PICTURE_TABLES];
	struct picture_row *package[TRACE_PACKAGES]; /* NULL: there is none */
	struct index stacks;
	struct index sections; /* by key */
};

static struct picture_row *add_row(struct taking *t, enum picture_table table,
				   struct picture_key key)
{
	struct picture *p = t->p;

	memory_room(p->row[table], p->rows[table], t->room[table]);
	p->row[table][p->rows[table]] = (struct picture_row){ .key = key };
	return &p->row[table][p->rows[table]++];
}

static void add_live(struct picture_row *row, uint64_t bytes)
{
	row->count++;
	sum_add(&row->bytes, bytes);
}

static uint64_t count_calls(const struct model *m, uint32_t package)
{
	uint64_t calls = 0;

	for (uint32_t i = 0; i < TRACE_FUNCTIONS; i++)
		sum_add(&calls, model_counter(m, package, i)->calls);
	return calls;
}

/* Each package has a row, so that one can be found for each block. */
static void add_packages(struct taking *t)
{
	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		struct picture_row *row =
			add_row(t, PICTURE_PACKAGES, (struct picture_key){ .package = (uint8_t)i });

		row->package.calls = count_calls(t->p->model, i);
		sum_add(&t->p->calls, row->package.calls);
	}
}

/* Removes the packages of which the trace says nothing. */
static void keep_packages(struct picture *p)
{
	size_t kept = 0;

	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		const struct picture_row *row = &p->row[PICTURE_PACKAGES][i];

		if (model_package(p->model, i)->is_defined || row->package.calls || row->count)
			p->row[PICTURE_PACKAGES][kept++] = *row;
	}
	p->rows[PICTURE_PACKAGES] = kept;
}

static struct picture_key section_key(const struct model_entry *entry)
{
	return (struct picture_key){ .address = entry->address,
				     .stack = entry->stack,
				     .package = entry->package,
				     .family = entry->family };
}

/* Returns how many entries are live. */
static size_t add_sections(struct taking *t)
{
	struct reader_cursor c = { 0 };
	struct model_entry entry;
	size_t entries = 0;

	while (model_next_entry(t->p->model, &c, &entry)) {
		struct picture_row *row;

		entries++;
		if (entry.state != TRACE_ENTRY_SECTION)
			continue;
		row = add_row(t, PICTURE_SECTIONS, section_key(&entry));
		row->max_size = entry.adopted ? 0 : entry.size;
	}
	t->p->live_sections = t->p->rows[PICTURE_SECTIONS];
	index_init(&t->sections, t->p->rows[PICTURE_SECTIONS]);
	for (size_t i = t->p->rows[PICTURE_SECTIONS]; i-- > 0;)
		index_row(&t->sections, t->p->row[PICTURE_SECTIONS],
			  &t->p->row[PICTURE_SECTIONS][i].key, i);
	return entries;
}

static void add_to_section(struct taking *t, const struct model_entry *entry)
{
	struct model_entry section = model_entry(t->p->model, entry->section);
	struct picture_key key = section_key(&section);
	uint32_t number = find_row(&t->sections, t->p->row[PICTURE_SECTIONS], &key);

	if (number)
		add_live(&t->p->row[PICTURE_SECTIONS][number - 1], entry->size);
}

static void add_to_stack(struct taking *t, const struct model_entry *entry)
{
	struct picture_key key = { .stack = entry->stack,
				   .package = entry->package,
				   .family = entry->family,
				   .kind = entry->state == TRACE_ENTRY_SECTION };
	size_t rows = t->p->rows[PICTURE_STACKS];
	uint32_t number = index_row(&t->stacks, t->p->row[PICTURE_STACKS], &key, rows);

	if (number > rows)
		add_row(t, PICTURE_STACKS, key);
	add_live(&t->p->row[PICTURE_STACKS][number - 1], entry->size);
}

/* What is being deleted at this moment is live no more. */
static void add_entries(struct taking *t)
{
	struct picture *p = t->p;
	struct reader_cursor c = { 0 };
	struct model_entry entry;

	index_init(&t->stacks, add_sections(t));
	while (model_next_entry(p->model, &c, &entry)) {
		if (entry.state == TRACE_ENTRY_DELETING)
			continue;
		add_to_stack(t, &entry);
		if (entry.state == TRACE_ENTRY_SECTION)
			continue;
		p->live_blocks++;
		sum_add(&p->live_bytes, entry.size);
		add_live(&p->row[PICTURE_PACKAGES][entry.package], entry.size);
		if (entry.section)
			add_to_section(t, &entry);
	}
	index_release(&t->stacks);
	index_release(&t->sections);
}

static uint32_t best_stack(const struct trace_finding *f)
{
	return f->stack[TRACE_STACK_CALL]       ? f->stack[TRACE_STACK_CALL]
	       : f->stack[TRACE_STACK_ALLOCATE] ? f->stack[TRACE_STACK_ALLOCATE]
						: f->stack[TRACE_STACK_CREATE];
}

static struct picture_key finding_key(const struct trace_finding *f)
{
	uint32_t rest[TRACE_FINDING_STACKS + 2];

	memcpy(rest, f->stack, sizeof(f->stack));
	rest[TRACE_FINDING_STACKS] = f->function;
	rest[TRACE_FINDING_STACKS + 1] = f->block_family;
	return (struct picture_key){ .address = hash_bytes(rest, sizeof(rest)),
				     .stack = best_stack(f),
				     .package = f->package,
				     .family = f->family,
				     .kind = f->kind,
				     .reason = f->reason };
}

static void add_findings(struct taking *t)
{
	const struct trace_finding *f;
	struct reader_cursor c = { 0 };

	while ((f = model_next_finding(t->p->model, &c)) != NULL) {
		struct picture_row *row = add_row(t, PICTURE_FINDINGS, finding_key(f));

		row->count = f->count;
		row->bytes = f->bytes;
		row->finding.first_ns = model_time_ns(t->p->model, f->first_time);
		row->finding.level = rows_level_of_misuse(t->p->model, f);
		sum_add(&t->p->found[row->finding.level], f->count);
	}
}

static uint64_t measure_age(const struct model *m)
{
	uint64_t now = read_clock(CLOCK_REALTIME), start = model_process(m)->start_ns;

	if (model_process(m)->end != TRACE_END_RUNNING)
		return model_span_ns(m);
	return now > start ? now - start : 0;
}

static uint64_t measure_rate(uint64_t calls, uint64_t before, uint64_t ns)
{
	double rate = ns ? (double)(calls - before) * SECOND_NS / (double)ns : 0;

	return calls < before || rate >= 1e18 ? 0 : (uint64_t)(rate + 0.5);
}

/* Counters of a package are looked up in the model of `before`: its rows are sorted. */
static void add_rates(struct picture *p, const struct picture *before)
{
	uint64_t ns = before ? p->taken_ns - before->taken_ns : p->age_ns;

	p->rate = measure_rate(p->calls, before ? before->calls : 0, ns);
	for (size_t i = 0; i < p->rows[PICTURE_PACKAGES]; i++) {
		struct picture_row *row = &p->row[PICTURE_PACKAGES][i];
		uint64_t calls = before ? count_calls(before->model, row->key.package) : 0;

		row->package.rate = measure_rate(row->package.calls, calls, ns);
	}
}

static void compare_with(struct picture *p, const struct picture_mark *mark)
{
	p->mark_ns = mark->taken_ns;
	for (unsigned table = 0; table < PICTURE_TABLES; table++)
		for (size_t i = 0; i < p->rows[table]; i++) {
			struct picture_row *row = &p->row[table][i];
			const struct picture_row *was = mark->row[table];
			uint32_t number = find_row(&mark->index[table], was, &row->key);

			row->was_count = number ? was[number - 1].count : 0;
			row->was_bytes = number ? was[number - 1].bytes : 0;
		}
	for (size_t i = 0; i < p->rows[PICTURE_PACKAGES]; i++) {
		const struct picture_row *row = &p->row[PICTURE_PACKAGES][i];

		p->was_blocks += row->was_count;
		sum_add(&p->was_bytes, row->was_bytes);
	}
}

/* This moment is the mark. */
static void compare_with_now(struct picture *p)
{
	p->mark_ns = p->taken_ns;
	p->was_blocks = p->live_blocks;
	p->was_bytes = p->live_bytes;
	for (unsigned table = 0; table < PICTURE_TABLES; table++)
		for (size_t i = 0; i < p->rows[table]; i++) {
			p->row[table][i].was_count = p->row[table][i].count;
			p->row[table][i].was_bytes = p->row[table][i].bytes;
		}
}

struct picture *picture_take(struct model *model, const struct picture *before,
			     const struct picture_mark *mark)
{
	struct picture *p = memory_new(1, sizeof(*p));
	struct taking t = { .p = p };

	p->model = model;
	p->taken_ns = read_clock(CLOCK_MONOTONIC);
	p->age_ns = measure_age(model);
	add_packages(&t);
	add_entries(&t);
	keep_packages(p);
	add_findings(&t);
	add_rates(p, before);
	if (mark)
		compare_with(p, mark);
	else
		compare_with_now(p);
	return p;
}

void picture_free(struct picture *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < PICTURE_TABLES; i++)
		free(p->row[i]);
	model_close(p->model);
	free(p);
}

bool picture_is_of(const struct picture *p, const struct model *model)
{
	const struct model_process *one = model_process(p->model), *other = model_process(model);

	return one->pid == other->pid && one->start_ns == other->start_ns;
}

size_t picture_find(const struct picture *p, enum picture_table table, const struct picture_key *key)
{
	size_t i = 0;

	while (i < p->rows[table] && memcmp(&p->row[table][i].key, key, sizeof(*key)) != 0)
		i++;
	return i;
}

struct picture_mark *picture_mark(struct picture *p)
{
	struct picture_mark *mark = memory_new(1, sizeof(*mark));

	mark->taken_ns = p->taken_ns;
	for (unsigned table = 0; table < PICTURE_TABLES; table++) {
		size_t rows = p->rows[table];

		mark->row[table] = memory_new(rows, sizeof(struct picture_row));
		if (rows)
			memcpy(mark->row[table], p->row[table], rows * sizeof(struct picture_row));
		index_init(&mark->index[table], rows);
		for (size_t i = rows; i-- > 0;)
			index_row(&mark->index[table], mark->row[table], &p->row[table][i].key, i);
	}
	compare_with_now(p);
	return mark;
}

void picture_mark_free(struct picture_mark *mark)
{
	if (!mark)
		return;
	for (unsigned i = 0; i < PICTURE_TABLES; i++) {
		free(mark->row[i]);
		index_release(&mark->index[i]);
	}
	free(mark);
}

int picture_fill(const struct picture_row *section)
{
	double fill = section->max_size ? (double)section->bytes / (double)section->max_size : -1;

	if (fill < 0)
		return -1;
	return fill > 9.999 ? 9999 : (int)(fill * 1000);
}

bool picture_can_order(enum picture_table table, enum picture_order order)
{
	static const enum picture_table only[PICTURE_ORDERS] = {
		[PICTURE_BY_CALLS] = PICTURE_PACKAGES,
		[PICTURE_BY_FILL] = PICTURE_SECTIONS,
		[PICTURE_BY_TIME] = PICTURE_FINDINGS,
	};

	return order <= PICTURE_BY_GROWTH || only[order] == table;
}

struct order {
	enum picture_table table;
	enum picture_order by;
};

static double weigh(const struct picture_row *row, const struct order *order)
{
	switch (order->by) {
	case PICTURE_BY_COUNT:
		return (double)row->count;
	case PICTURE_BY_GROWTH:
		return order->table == PICTURE_FINDINGS
			       ? (double)row->count - (double)row->was_count
			       : (double)row->bytes - (double)row->was_bytes;
	case PICTURE_BY_CALLS:
		return (double)row->package.rate;
	case PICTURE_BY_FILL:
		return picture_fill(row);
	case PICTURE_BY_TIME:
		return (double)row->finding.first_ns;
	default:
		return (double)row->bytes;
	}
}

/* Rows with the same weight have the same order in each picture. */
static int compare_rows(const void *left, const void *right, void *context)
{
	const struct picture_row *a = left, *b = right;
	double first = weigh(a, context), second = weigh(b, context);

	if (first != second)
		return first > second ? -1 : 1;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return memcmp(&a->key, &b->key, sizeof(a->key));
}

void picture_sort(struct picture *p, enum picture_table table, enum picture_order by)
{
	struct order order = { table, by };

	if (p->rows[table])
		qsort_r(p->row[table], p->rows[table], sizeof(struct picture_row), compare_rows,
			&order);
}

void picture_stacks(const struct picture *p, enum picture_table table, const struct picture_key *key,
		    void (*visit)(void *context, enum trace_finding_stacks which, uint32_t stack),
		    void *context)
{
	const struct trace_finding *f;
	struct reader_cursor c = { 0 };

	if (table == PICTURE_SECTIONS || (table == PICTURE_STACKS && key->kind))
		visit(context, TRACE_STACK_CREATE, key->stack);
	else if (table == PICTURE_STACKS)
		visit(context, TRACE_STACK_ALLOCATE, key->stack);
	while (table == PICTURE_FINDINGS && (f = model_next_finding(p->model, &c)) != NULL) {
		struct picture_key own = finding_key(f);

		if (memcmp(&own, key, sizeof(own)) != 0)
			continue;
		for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++)
			if (f->stack[i])
				visit(context, (enum trace_finding_stacks)i, f->stack[i]);
		return;
	}
}
