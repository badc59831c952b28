/* SPDX-License-Identifier: MIT */
#include "viewer/diff/diff.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "include/kinds.h"
#include "viewer/base/buffer.h"
#include "viewer/base/json.h"
#include "viewer/findings/findings.h"
#include "viewer/gate/baseline.h"
#include "viewer/model/model.h"
#include "viewer/report/json_frames.h"
#include "viewer/report/text.h"
#include "viewer/view/frames.h"
#include "viewer/view/table.h"
#include "viewer/view/terminal.h"

bool diff_has_changed(const struct diff *d, const struct live_row *row)
{
	const struct live_sum *old = &row->sum[LIVE_OLD], *new = &row->sum[LIVE_NEW];
	__uint128_t before = 1, after = 1;

	if (d->per && !d->live.is_one_process) {
		before = d->side[LIVE_OLD].calls;
		after = d->side[LIVE_NEW].calls;
	}
	return old->sections * after != new->sections *before ||
	       old->blocks *after != new->blocks *before || old->bytes *after != new->bytes *before;
}

double diff_per_call(const struct diff *d, uint64_t before, uint64_t after)
{
	double old = (double)d->side[LIVE_OLD].calls, new = (double)d->side[LIVE_NEW].calls;

	return d->live.is_one_process ? ((double)after - (double)before) / (new - old)
				      : (double)after / new - (double)before / old;
}

static void write_change(const struct diff *d, struct buffer *b, const struct finding *f)
{
	bool is_scaled = d->per && !d->live.is_one_process;

	if (!f->baseline || (f->baseline == FINDING_KNOWN && f->count == f->ceiling))
		return;
	buffer_text(b, f->baseline == FINDING_NEW     ? "new:    "
		       : f->baseline == FINDING_GROWN ? "grown:  "
						      : "shrunk: ");
	if (f->ceiling && is_scaled)
		buffer_format(b, "%.6g -> %.6g by call ",
			      (double)f->ceiling / (double)d->side[LIVE_NEW].calls,
			      (double)f->count / (double)d->side[LIVE_NEW].calls);
	else if (f->ceiling)
		buffer_format(b, "%" PRIu64 " -> %" PRIu64 " ", f->ceiling, f->count);
	text_write_headline(b, f);
	/* Equal ones differ in what comes behind all digits. */
	buffer_format(b, " --finding=%.*s\n", strchr(f->fingerprint, ':') ? 32 : 8, f->fingerprint);
}

static void write_gone(struct buffer *b, const struct baseline_entry *entry)
{
	buffer_text(b, "gone:   ");
	buffer_plain(b, entry->kind);
	buffer_text(b, ": ");
	buffer_plain(b, entry->words);
	buffer_text(b, "\n");
}

static void write_difference(struct buffer *b, uint64_t old, uint64_t new, const char *noun)
{
	buffer_text(b, new < old ? "-" : "+");
	buffer_count(b, new < old ? old - new : new - old, noun);
}

static void write_owner(struct buffer *b, const struct live_row *row)
{
	const char *family = model_family(row->model, row->family);

	model_write_package(row->model, row->package, b);
	buffer_text(b, " ");
	buffer_plain(b, family ? family : "?");
}

static struct symbols *symbols_of(const struct diff *d, const struct live_row *row)
{
	return d->side[row->model == d->side[LIVE_NEW].model ? LIVE_NEW : LIVE_OLD].symbols;
}

/* What the row is about, and of what package and family. */
static void write_subject(const struct diff *d, struct buffer *b, const struct live_row *row,
			  const struct frames_style *style)
{
	struct model_stack room;
	const struct model_stack *stack = model_stack(row->model, row->stack, &room);

	buffer_text(b, row->by == LIVE_BY_STACK ? "stack:  " : "section ");
	if (row->handle) {
		buffer_hex(b, row->handle);
		buffer_text(b, ", ");
	}
	buffer_text(b, row->by == LIVE_BY_STACK ? "" : "created by ");
	if (stack)
		frames_write_place(b, style, symbols_of(d, row),
				   model_own_frame(row->model, row->package, stack));
	else
		buffer_text(b, "?");
	buffer_format(b, " (%016" PRIx64 ", ", row->fingerprint);
	write_owner(b, row);
	buffer_text(b, "): ");
}

static void write_row(const struct diff *d, struct buffer *b, const struct live_row *row,
		      const struct frames_style *style)
{
	const struct live_sum *old = &row->sum[LIVE_OLD], *new = &row->sum[LIVE_NEW];

	if (row->by == LIVE_BY_PACKAGE) {
		buffer_text(b, "live:   ");
		write_owner(b, row);
		buffer_text(b, ": ");
	} else {
		write_subject(d, b, row, style);
	}
	if (old->sections != new->sections) {
		write_difference(b, old->sections, new->sections, "section");
		buffer_text(b, ", ");
	}
	write_difference(b, old->blocks, new->blocks, "block");
	buffer_text(b, ", ");
	write_difference(b, old->bytes, new->bytes, "byte");
	if (d->per)
		buffer_format(b, "; by call %+.6g blocks, %+.6g bytes",
			      diff_per_call(d, old->blocks, new->blocks),
			      diff_per_call(d, old->bytes, new->bytes));
	buffer_text(b, "\n");
}

void diff_write_missing(const struct diff *d, struct buffer *out)
{
	for (unsigned i = LIVE_OLD; i < LIVE_SIDES; i++) {
		const struct diff_side *side = &d->side[i];
		struct buffer before = { 0 };

		if (!side->model)
			continue;
		buffer_format(&before, "%s: ", model_path(side->model));
		text_write_missing(out, side->symbols, before.data);
		if (side->offsets.used) {
			buffer_plain(out, before.data);
			buffer_text(out, side->offsets.data);
		}
		buffer_release(&before);
	}
}

void diff_write_text(const struct diff *d, struct buffer *out)
{
	struct frames_style style = frames_style("", false);
	struct findings *f = d->side[LIVE_NEW].findings;
	const struct baseline_entry *entry;

	terminal_shape(out);
	table_write_changes(out, &style, f, d->baseline);
	for (size_t i = 0; i < f->shown; i++)
		write_change(d, out, findings_get(f, i));
	for (size_t i = 0; (entry = baseline_get(d->baseline, i)) != NULL; i++)
		if (!entry->found)
			write_gone(out, entry);
	for (size_t i = 0; i < d->live.rows; i++)
		if (diff_has_changed(d, &d->live.row[i]))
			write_row(d, out, &d->live.row[i], &style);
	if (d->per) {
		buffer_text(out, "calls of ");
		buffer_plain(out, d->per);
		buffer_format(out, ": %" PRIu64 " -> %" PRIu64 "\n", d->side[LIVE_OLD].calls,
			      d->side[LIVE_NEW].calls);
	}
	diff_write_missing(d, out);
	buffer_format(out, "lsatrace: %zu new, %zu grown, %zu known, %zu gone; ",
		      f->by_baseline[FINDING_NEW], f->by_baseline[FINDING_GROWN],
		      f->by_baseline[FINDING_KNOWN], f->gone);
	if (f->suppressed)
		buffer_format(out, "%" PRIu64 " suppressed; ", f->suppressed);
	buffer_text(out, f->is_exact && !f->has_doubt ? "exact\n" : "a lower bound\n");
	frames_release(&style);
}

/* In JSON each key is always there; null means that a value does not apply. */

static void write_json_side(struct json *j, const char *key, const struct diff_side *side,
			    const char *per)
{
	if (!side->model) {
		json_write_null(j, key);
		return;
	}
	json_open_object(j, key);
	json_write_text(j, "path", model_path(side->model));
	json_write_integer(j, "pid", model_process(side->model)->pid);
	json_write_time(j, "start_time", model_process(side->model)->start_ns);
	json_write_text(j, "end", model_process(side->model)->end_text);
	if (per)
		json_write_number(j, "calls", side->calls);
	else
		json_write_null(j, "calls");
	json_close_object(j);
}

static void write_json_finding(struct json *j, const struct finding *f)
{
	json_open_object(j, NULL);
	json_write_text(j, "change",
			f->baseline == FINDING_NEW     ? "new"
			: f->baseline == FINDING_GROWN ? "grown"
			: f->count < f->ceiling        ? "shrunk"
						       : "known");
	json_write_text(j, "kind", kinds_text(f->kind));
	json_write_text(j, "reason", f->reason ? kinds_reason_text(f->reason) : NULL);
	json_write_text(j, "level", kinds_level_text(f->level));
	json_write_text(j, "fingerprint", f->fingerprint);
	json_write_number(j, "old_count", f->ceiling);
	json_write_number(j, "new_count", f->count);
	json_write_text(j, "message", f->message);
	json_close_object(j);
}

static void write_json_gone(struct json *j, const struct baseline_entry *entry)
{
	json_open_object(j, NULL);
	json_write_text(j, "kind", entry->kind);
	json_write_text(j, "fingerprint", entry->fingerprint);
	json_write_number(j, "old_count", entry->ceiling);
	json_write_text(j, "words", entry->words);
	json_close_object(j);
}

static void write_sum(struct json *j, const char *key, const struct live_sum *sum)
{
	json_open_object(j, key);
	json_write_number(j, "sections", sum->sections);
	json_write_number(j, "blocks", sum->blocks);
	json_write_number(j, "bytes", sum->bytes);
	json_close_object(j);
}

static void write_per_call(const struct diff *d, struct json *j, const struct live_row *row)
{
	const struct live_sum *old = &row->sum[LIVE_OLD], *new = &row->sum[LIVE_NEW];

	if (!d->per) {
		json_write_null(j, "per_call");
		return;
	}
	json_open_object(j, "per_call");
	json_write_real(j, "sections", diff_per_call(d, old->sections, new->sections));
	json_write_real(j, "blocks", diff_per_call(d, old->blocks, new->blocks));
	json_write_real(j, "bytes", diff_per_call(d, old->bytes, new->bytes));
	json_close_object(j);
}

static void write_json_row(const struct diff *d, struct json *j, const struct live_row *row)
{
	static const char *const words[] = {
		[LIVE_BY_PACKAGE] = "package", [LIVE_BY_STACK] = "stack", [LIVE_BY_SECTION] = "section"
	};
	char print[17];
	struct model_stack room;

	snprintf(print, sizeof(print), "%016" PRIx64, row->fingerprint);
	json_open_object(j, NULL);
	json_write_text(j, "by", words[row->by]);
	json_write_text(j, "package", model_package(row->model, row->package)->name);
	json_write_text(j, "family", model_family(row->model, row->family));
	json_write_text(j, "fingerprint", row->by == LIVE_BY_PACKAGE ? NULL : print);
	if (row->handle)
		json_write_address(j, "section", row->handle);
	else
		json_write_null(j, "section");
	write_sum(j, "old", &row->sum[LIVE_OLD]);
	write_sum(j, "new", &row->sum[LIVE_NEW]);
	write_per_call(d, j, row);
	json_frames_write(j, "stack", symbols_of(d, row), row->model, row->package,
			  row->by == LIVE_BY_PACKAGE ? NULL
						     : model_stack(row->model, row->stack, &room));
	json_close_object(j);
}

static void write_json_summary(const struct diff *d, struct json *j)
{
	const struct findings *f = d->side[LIVE_NEW].findings;

	json_open_object(j, "summary");
	json_write_number(j, "new", f->by_baseline[FINDING_NEW]);
	json_write_number(j, "grown", f->by_baseline[FINDING_GROWN]);
	json_write_number(j, "known", f->by_baseline[FINDING_KNOWN]);
	json_write_number(j, "gone", f->gone);
	json_write_number(j, "suppressed", f->suppressed);
	json_write_boolean(j, "exact", f->is_exact && !f->has_doubt);
	json_close_object(j);
}

void diff_write_json(const struct diff *d, struct buffer *out)
{
	struct findings *f = d->side[LIVE_NEW].findings;
	const struct baseline_entry *entry;
	struct json j = { .out = out };

	json_open_object(&j, NULL);
	json_write_number(&j, "schema", 1);
	write_json_side(&j, "old", &d->side[LIVE_OLD], d->per);
	write_json_side(&j, "new", &d->side[LIVE_NEW], d->per);
	json_write_text(&j, "per", d->per);
	json_write_boolean(&j, "one_process", d->live.is_one_process);
	json_open_array(&j, "findings");
	for (size_t i = 0; i < f->shown; i++) {
		const struct finding *finding = findings_get(f, i);

		if (finding->baseline)
			write_json_finding(&j, finding);
	}
	json_close_array(&j);
	json_open_array(&j, "gone");
	for (size_t i = 0; (entry = baseline_get(d->baseline, i)) != NULL; i++)
		if (!entry->found)
			write_json_gone(&j, entry);
	json_close_array(&j);
	json_open_array(&j, "live");
	for (size_t i = 0; i < d->live.rows; i++)
		if (diff_has_changed(d, &d->live.row[i]))
			write_json_row(d, &j, &d->live.row[i]);
	json_close_array(&j);
	write_json_summary(d, &j);
	json_close_object(&j);
}
