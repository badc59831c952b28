/* SPDX-License-Identifier: MIT */
#include "viewer/findings/findings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/memory.h"
#include "viewer/base/sum.h"
#include "viewer/findings/decode.h"
#include "viewer/findings/fingerprint.h"
#include "viewer/findings/history.h"
#include "viewer/findings/message.h"
#include "viewer/findings/order.h"
#include "viewer/findings/rows.h"
#include "viewer/findings/shares.h"
#include "viewer/findings/wrappers.h"
#include "viewer/model/model.h"
#include "viewer/model/neighbours.h"
#include "viewer/symbols/symbols.h"

/* Of each row: its fingerprints, which take long to make. */
struct findings_print {
	uint64_t exact, weak;
	uint32_t twin : 31; /* how many rows have the same exact one, and come before */
	uint32_t has_offsets : 1;
};

struct findings_mark {
	const char *suppressed_by;
	uint64_t ceiling : 63;
	uint64_t by_weak : 1;
};

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

/* Where findings are decoded to be compared. A merge compares one with many, which is decoded once. */
struct comparison {
	const struct rows *r;
	const struct findings_print *print; /* of each row, as the next one */
	struct fingerprint_steps *steps;
	struct side {
		struct decoded decoded;
		const struct row *row; /* that is decoded */
	} side[2];
};

static const struct finding *decode_side(struct comparison *c, unsigned side, uint32_t row)
{
	struct side *s = &c->side[side];

	if (s->row != &c->r->row[row])
		decode_row(&s->decoded, c->r, &c->r->row[row]);
	s->row = &c->r->row[row];
	return &s->decoded.finding;
}

static int compare_prints(const void *left, const void *right, void *comparison)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	struct comparison *c = comparison;
	uint64_t exact = c->print[a].exact, other = c->print[b].exact;
	const uint64_t *step = c->steps[a].step, *other_step = c->steps[b].step;
	int order;

	if (exact != other || a == b)
		return exact < other ? -1 : exact > other;
	for (size_t i = 0; i < sizeof(c->steps->step) / sizeof(*step); i++)
		if (step[i] != other_step[i])
			return step[i] < other_step[i] ? -1 : 1;
	order = fingerprint_order(decode_side(c, 0, a), decode_side(c, 1, b));
	return order ? order : a < b ? -1 : 1;
}

/* Makes the fingerprints, and numbers those that are equal. */
static void make_fingerprints(struct findings *f)
{
	const struct rows *r = f->rows;
	uint32_t *order = memory_new(r->count, sizeof(*order));
	struct comparison *c = memory_new(1, sizeof(*c));

	c->r = r;
	c->print = f->print = memory_new(r->count, sizeof(*f->print));
	c->steps = memory_new(r->count, sizeof(*c->steps));
	for (size_t i = 0; i < r->count; i++) {
		struct fingerprint print;

		decode_row(f->decoded, r, &r->row[i]);
		print = fingerprint_make(&f->decoded->finding, &f->namer);
		f->print[i] =
			(struct findings_print){ print.exact, print.weak, 0, print.has_offsets };
		c->steps[i] = fingerprint_begin_order(&f->decoded->finding);
		order[i] = (uint32_t)i;
	}
	if (r->count)
		qsort_r(order, r->count, sizeof(*order), compare_prints, c);
	for (size_t i = 1; i < r->count; i++)
		if (f->print[order[i]].exact == f->print[order[i - 1]].exact)
			f->print[order[i]].twin = f->print[order[i - 1]].twin + 1;
	free(order);
	free(c->steps);
	free(c);
}

struct findings *findings_new(struct model *const *models, size_t count,
			      struct findings_namer namer, const struct argument_list *globs)
{
	struct findings *f = memory_new(1, sizeof(*f));

	f->rows = rows_new(models, count);
	f->count = f->rows->count;
	f->ignored = f->rows->ignored;
	f->other_kinds = f->rows->other_kinds;
	f->other_bytes = f->rows->other_bytes;
	memcpy(f->lost, f->rows->lost, sizeof(f->lost));
	f->is_exact = f->rows->is_exact;
	f->namer = namer;
	f->neighbours = memory_new(count, sizeof(*f->neighbours));
	f->wrappers = memory_new(count, sizeof(struct wrappers *));
	f->globs = globs;
	f->decoded = memory_new(1, sizeof(*f->decoded));
	make_fingerprints(f);
	f->order = order_rows(f->rows);
	findings_count(f);
	return f;
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

/* Of the finding, no more is made than what counts. */
static void count_row(struct findings *f, uint32_t number)
{
	const struct row *row = &f->rows->row[number];
	struct finding finding = { .kind = (enum trace_kind)row->identity.kind,
				   .level = rows_level(f->rows, row),
				   .count = row->count,
				   .bytes = row->bytes };
	uint64_t *by_level[] = { &f->notes, &f->warnings, &f->errors };

	if (f->mark)
		decode_mark(f, &f->mark[number], &finding);
	if (finding.suppressed_by) {
		sum_add(&f->suppressed, finding.count);
		return;
	}
	f->by_baseline[finding.baseline]++;
	if (finding_counts(&finding))
		f->failing[finding.level]++;
	sum_add(by_level[finding.level], finding.count);
	if (finding.kind == TRACE_KIND_BLOCK_LEAK) {
		sum_add(&f->leaked_blocks, finding.count);
		sum_add(&f->leaked_bytes, finding.bytes);
	} else if (finding.kind == TRACE_KIND_SECTION_LEAK) {
		sum_add(&f->leaked_sections, finding.count);
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
		count_row(f, f->order[i]);
	move_suppressed(f);
}

void findings_drop_injected(struct findings *f)
{
	size_t count = 0;

	for (size_t i = 0; i < f->count; i++)
		if (f->rows->row[f->order[i]].identity.reason != TRACE_REASON_INJECTED)
			f->order[count++] = f->order[i];
	f->count = count;
	findings_count(f);
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
		f->mark = memory_new(f->rows->count, sizeof(*f->mark));
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

/* snprintf() would be a twentieth of a report of many findings. */
static void write_digits(char text[17], uint64_t hash)
{
	for (unsigned i = 0; i < 16; i++)
		text[i] = "0123456789abcdef"[hash >> (60 - 4 * i) & 15];
	text[16] = '\0';
}

static void write_fingerprint(struct finding *finding, const struct findings_print *print)
{
	write_digits(finding->fingerprint, print->exact);
	if (print->twin)
		snprintf(finding->fingerprint + 16, sizeof(finding->fingerprint) - 16, ":%" PRIu32,
			 print->twin + 1u);
	write_digits(finding->fingerprint_weak, print->weak);
}

/* What is shown with a leak: its error path, and what follows it. Those that share its lead lie side
 * by side in the order. */
static void set_group(struct findings *f, size_t i)
{
	const struct row *row = &f->rows->row[f->order[i]];
	const struct path *path = rows_path(f->rows, row);
	struct finding *finding = &f->decoded->finding;

	finding->is_indirect = finding->kind == TRACE_KIND_BLOCK_LEAK && !row->is_direct;
	if (path) {
		finding->entry_point = model_function(finding->model, path->function)->name;
		finding->status = (uint32_t)path->status;
	}
	finding->is_led = row->lead != f->order[i];
	finding->group = row->lead;
	for (size_t j = i + 1; !finding->is_led && j < f->count; j++) {
		const struct row *other = &f->rows->row[f->order[j]];

		if (other->lead != row->lead)
			break;
		finding->is_leading = true;
		finding->led_findings++;
		sum_add(&finding->led_count, other->count);
		sum_add(&finding->led_bytes, other->bytes);
	}
}

/* Adds a call that was made to fail, unless the finding has one of the same site. */
static void add_failed(struct findings *f, const struct rows_failed *row)
{
	struct finding *finding = &f->decoded->finding;
	const struct trace_finding *what = row->what;
	const struct model *model = f->rows->model[row->trace];
	uint32_t stack = what->stack[TRACE_STACK_CALL];
	struct finding_failed failed = {
		model,          row->trace, what->package,
		what->function, stack,      model_site(model, what->package, what->function, stack)
	};

	for (size_t i = 0; i < finding->faileds; i++)
		if (f->failed[i].site == failed.site)
			return;
	memory_room(f->failed, finding->faileds, f->failed_room);
	f->failed[finding->faileds++] = failed;
	finding->failed = f->failed;
}

static void add_failed_of(struct findings *f, uint32_t trace)
{
	size_t count;
	const struct rows_failed *row = rows_failed(f->rows, trace, &count);

	for (size_t i = 0; i < count && count <= FINDING_FAILED_MOST; i++)
		add_failed(f, &row[i]);
}

/* What was made to fail in the processes that have it. */
static void set_failed(struct findings *f)
{
	const struct finding *finding = &f->decoded->finding;

	if (finding->level == TRACE_LEVEL_NOTE)
		return;
	for (size_t i = 0; i < finding->shares; i++)
		add_failed_of(f, finding->share[i].trace);
	if (!finding->shares)
		add_failed_of(f, finding->trace);
}

const struct finding *findings_look(struct findings *f, size_t i)
{
	struct finding *finding = &f->decoded->finding;

	free(finding->message);
	decode_row(f->decoded, f->rows, &f->rows->row[f->order[i]]);
	finding->number = f->number ? f->number[i] : i + 1;
	finding->has_offsets = f->print[f->order[i]].has_offsets;
	if (f->mark)
		decode_mark(f, &f->mark[f->order[i]], finding);
	return finding;
}

const struct finding *findings_get(struct findings *f, size_t i)
{
	const struct row *row = &f->rows->row[f->order[i]];
	struct finding *finding = &f->decoded->finding;

	findings_look(f, i);
	write_fingerprint(finding, &f->print[f->order[i]]);
	if (rows_is_leak(row))
		set_group(f, i);
	else
		decode_neighbours(f->decoded, row, &f->neighbours[row->model]);
	if (f->rows->shares)
		finding->share = shares_list(f->rows->shares, f->order[i], &finding->shares);
	if (f->rows->faileds)
		set_failed(f);
	if (!f->wrappers[row->model])
		f->wrappers[row->model] = wrappers_new(finding->model, &f->namer, f->globs);
	wrappers_skip(f->wrappers[row->model], finding);
	finding->message = message_make(finding, &f->namer);
	return finding;
}

bool findings_have_offsets(struct findings *f)
{
	for (size_t i = 0; i < f->count; i++) {
		const struct finding *finding = findings_look(f, i);

		if (finding->has_offsets && finding->level != TRACE_LEVEL_NOTE)
			return true;
	}
	return false;
}

void findings_free(struct findings *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->rows->models; i++) {
		neighbours_release(&f->neighbours[i]);
		wrappers_free(f->wrappers[i]);
	}
	free(f->wrappers);
	free(f->neighbours);
	free(f->decoded->finding.message);
	free(f->decoded);
	free(f->failed);
	free(f->order);
	free(f->number);
	free(f->print);
	free(f->mark);
	rows_free(f->rows);
	free(f);
}
