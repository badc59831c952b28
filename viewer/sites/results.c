/* SPDX-License-Identifier: MIT */
#include "viewer/sites/results.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/json.h"
#include "viewer/view/layout.h"

#define WHERE_LEAST 30u /* or else it is on a line of its own */
#define WHERE_MOST 60u

enum column { NUMBER, CALL, WHERE, OUTCOME, COLUMNS };

static const char *const titles[COLUMNS] = { "run", "failed call", "in", "what came of it" };

/* The table: a line for each call that fails, of which the first one has the number and the outcome. */
struct table {
	const struct results *results;
	size_t width[COLUMNS];
	bool is_folded; /* WHERE is on a line of its own */
	struct buffer cell[COLUMNS];
};

/* Of lsatrace host: others than its own are those of a package that has ended it. */
enum { BUNDLED_FAULTS = 1, BUNDLED_MOST = 3 };

/* That of a test runner, or of a script, says that a process of its own has crashed. */
static bool has_bad_status(const struct results *all, const struct result *r)
{
	return r->ending == ENDING_STATUS &&
	       (r->has_killed ||
		(all->is_bundled && (r->number == BUNDLED_FAULTS || r->number > BUNDLED_MOST)));
}

bool result_is_broken(const struct results *all, const struct result *r)
{
	return !r->has_one_cause &&
	       (r->ending == ENDING_CRASH || r->ending == ENDING_HANG || has_bad_status(all, r));
}

static bool is_bad(const struct results *all, const struct result *r)
{
	return r->news > 0 || (result_is_broken(all, r) && !r->is_known);
}

struct results_counts results_count(const struct results *r)
{
	struct results_counts c = { 0 };

	for (size_t i = 1; i < r->count; i++) {
		if (result_is_broken(r, &r->all[i]))
			*(r->all[i].is_known ? &c.known : &c.broken) += 1;
		c.bad += is_bad(r, &r->all[i]);
		c.waiting += r->all[i].ending == ENDING_NOT_RUN;
		c.unsure += r->all[i].is_unsure;
	}
	return c;
}

const struct result *results_next_broken(const struct results *r, size_t *i)
{
	while (r && ++*i < r->count)
		if (result_is_broken(r, &r->all[*i]))
			return &r->all[*i];
	return NULL;
}

bool results_are_whole(const struct results *r)
{
	struct results_counts c = { 0 };

	if (!r)
		return true;
	c = results_count(r);
	return !r->left && !c.waiting && !c.unsure;
}

void results_forget(struct results *r, const struct known *known)
{
	for (size_t i = 1; i < r->count; i++) {
		struct result *run = &r->all[i];
		size_t left = 0;

		for (size_t k = 0; k < run->news; k++)
			if (!known_count(known, run->news_key[k]))
				run->news_key[left++] = run->news_key[k];
		run->news = left;
	}
}

bool results_know(const struct results *r, const struct finding *f)
{
	uint64_t key = known_key(f);

	return known_count(&r->base, key) && !known_count(&r->grown, key);
}

void result_write_option(const struct results *r, const struct failing *f, struct buffer *b)
{
	const struct site_calls *site = &r->sites.all[f->site];

	buffer_format(b, "%s:site=%016" PRIx64 ",%" PRIu32, site->function, site->site, f->nth);
}

static void write_signal(struct buffer *b, uint32_t number)
{
	const char *name = sigabbrev_np((int)number);

	if (name)
		buffer_format(b, "SIG%s", name);
	else
		buffer_format(b, "signal %" PRIu32, number);
}

static void write_ending(struct buffer *b, const struct result *r)
{
	switch (r->ending) {
	case ENDING_NOT_RUN:
		buffer_text(b, "not run");
		break;
	case ENDING_NOT_STARTED:
		buffer_format(b, "could not be started: %s", strerror((int)r->number));
		break;
	case ENDING_ALIKE:
		break;
	case ENDING_STATUS:
		buffer_format(b, "exit status %" PRIu32, r->number);
		break;
	case ENDING_CRASH:
		buffer_text(b, "CRASH: ");
		write_signal(b, r->number);
		break;
	case ENDING_HANG:
		buffer_format(b, "HANG: not ended after %" PRIu32 " s", r->number);
	}
}

static void add_outcome(struct buffer *b, size_t before, const char *words)
{
	buffer_text(b, b->used > before ? "; " : "");
	buffer_text(b, words);
}

static void write_outcome(struct buffer *b, const struct result *r)
{
	size_t before = b->used;

	write_ending(b, r);
	if (r->is_known)
		buffer_text(b, " (known)");
	if (r->has_one_cause)
		buffer_text(b, ", as if one of them fails");
	if (r->news) {
		add_outcome(b, before, "");
		buffer_count(b, r->news, "new finding");
	}
	if (r->ending <= ENDING_NOT_STARTED)
		return;
	if (r->has_killed && r->ending != ENDING_CRASH && r->ending != ENDING_HANG)
		add_outcome(b, before, "a process was killed");
	if (!r->is_reached)
		add_outcome(b, before, r->count > 1 ? "not both reached" : "not reached");
	if (r->is_unsure)
		add_outcome(b, before, r->trace_count ? "a lower bound" : "no trace");
	if (b->used == before)
		buffer_text(b, "fine");
}

void result_write_sentence(const struct results *r, const struct result *result, struct buffer *b)
{
	for (unsigned i = 0; i < result->count; i++) {
		const struct site_calls *site = &r->sites.all[result->failing[i].site];

		buffer_text(b, i ? ", and then " : "");
		buffer_plain(b, site->function);
		buffer_text(b, " was made to fail in ");
		buffer_text(b, site->where);
	}
	buffer_text(b, ": ");
	write_ending(b, result);
}

/* The cells of the line of a run's i-th call. */
static void fill_cells(struct table *t, size_t run, unsigned i)
{
	const struct result *r = &t->results->all[run];
	const struct failing *f = &r->failing[i];
	const struct site_calls *site = &t->results->sites.all[f->site];

	for (unsigned j = 0; j < COLUMNS; j++) {
		t->cell[j].used = 0;
		buffer_text(&t->cell[j], "");
	}
	if (i == 0)
		buffer_decimal(&t->cell[NUMBER], run);
	buffer_text(&t->cell[CALL], i ? "and " : "");
	buffer_plain(&t->cell[CALL], site->function);
	if (f->nth > 1)
		buffer_format(&t->cell[CALL], " (call %" PRIu32 ")", f->nth);
	buffer_text(&t->cell[WHERE], site->where);
	if (i == 0)
		write_outcome(&t->cell[OUTCOME], r);
}

static void measure(struct table *t, unsigned terminal)
{
	size_t others;

	for (unsigned j = 0; j < COLUMNS; j++)
		t->width[j] = strlen(titles[j]);
	for (size_t run = 1; run < t->results->count; run++)
		for (unsigned i = 0; i < t->results->all[run].count; i++) {
			fill_cells(t, run, i);
			for (unsigned j = 0; j < COLUMNS; j++) {
				size_t columns = layout_columns(t->cell[j].data, t->cell[j].used);

				t->width[j] = columns > t->width[j] ? columns : t->width[j];
			}
		}
	if (t->width[WHERE] > WHERE_MOST)
		t->width[WHERE] = WHERE_MOST;
	others = t->width[NUMBER] + t->width[CALL] + t->width[OUTCOME] + 8;
	if (!terminal || others + t->width[WHERE] <= terminal)
		return;
	t->is_folded = others + WHERE_LEAST > terminal;
	others = t->is_folded ? t->width[NUMBER] + 4 : others;
	if (others + t->width[WHERE] > terminal)
		t->width[WHERE] = terminal > others + WHERE_LEAST ? terminal - others : WHERE_LEAST;
}

/* A cell, and its column's rest if another one follows. */
static void write_cell(const struct table *t, struct buffer *b, enum column column,
		       const struct buffer *cell, bool is_last)
{
	buffer_format(b, "  %s", cell->data);
	if (!is_last)
		buffer_format(b, "%*s",
			      (int)(t->width[column] - layout_columns(cell->data, cell->used)), "");
}

static void write_line(const struct table *t, struct buffer *b)
{
	const struct buffer *outcome = &t->cell[OUTCOME];
	struct buffer where = { 0 };

	layout_cut_place(&where, t->cell[WHERE].data, t->width[WHERE]);
	buffer_format(b, "  %*s", (int)t->width[NUMBER], t->cell[NUMBER].data);
	write_cell(t, b, CALL, &t->cell[CALL], t->is_folded && !outcome->used);
	if (!t->is_folded)
		write_cell(t, b, WHERE, &where, !outcome->used);
	if (outcome->used)
		write_cell(t, b, OUTCOME, outcome, true);
	if (t->is_folded) {
		buffer_format(b, "\n  %*s", (int)t->width[NUMBER], "");
		write_cell(t, b, WHERE, &where, true);
	}
	buffer_text(b, "\n");
	buffer_release(&where);
}

/* Bad runs come first, then those in which the call was not reached, and then what is fine. */
static unsigned rank(const struct results *all, const struct result *r)
{
	return is_bad(all, r)                               ? 0
	       : r->ending != ENDING_ALIKE || r->has_killed ? 1
	       : r->is_reached                              ? 3
							    : 2;
}

static void write_table(const struct results *r, struct buffer *b)
{
	struct table t = { .results = r };

	measure(&t, b->width);
	for (unsigned j = 0; j < COLUMNS; j++) {
		t.cell[j].used = 0;
		buffer_text(&t.cell[j], titles[j]);
	}
	write_line(&t, b);
	for (unsigned is = 0; is < 4; is++)
		for (size_t run = 1; run < r->count; run++)
			for (unsigned i = 0; rank(r, &r->all[run]) == is && i < r->all[run].count;
			     i++) {
				fill_cells(&t, run, i);
				write_line(&t, b);
			}
	buffer_text(b, "\n");
	for (unsigned j = 0; j < COLUMNS; j++)
		buffer_release(&t.cell[j]);
}

static void write_heading(const struct results *r, struct buffer *b)
{
	struct results_counts counts = results_count(r);
	size_t singles = 0, pairs = 0;

	for (size_t i = 1; i < r->count; i++)
		if (r->all[i].ending != ENDING_NOT_RUN)
			*(i <= r->singles ? &singles : &pairs) += 1;
	buffer_count(b, singles, "call");
	buffer_text(b, " let fail");
	if (pairs) {
		buffer_text(b, ", and ");
		buffer_count(b, pairs, "pair");
	}
	buffer_format(b, ", one in each run; %zu of them with consequences\n", counts.bad);
	if (counts.waiting)
		buffer_format(b, "not run: %zu\n", counts.waiting);
}

void results_write_text(const struct results *r, struct buffer *b)
{
	write_heading(r, b);
	if (r->left)
		buffer_format(b, "left out by a limit: %zu\n", r->left);
	buffer_text(b, "\n");
	if (r->count > 1)
		write_table(r, b);
	for (size_t i = 1; i < r->count; i++)
		if (r->all[i].last) {
			buffer_format(b, "run %zu: ", i);
			write_ending(b, &r->all[i]);
			buffer_text(b, "\n");
			buffer_text(b, r->all[i].last);
			buffer_text(b, "\n");
		}
}

static void write_result(const struct results *all, struct json *j, const struct result *r)
{
	static const char *const endings[] = {
		[ENDING_NOT_RUN] = "not-run", [ENDING_NOT_STARTED] = "not-started",
		[ENDING_ALIKE] = "alike",     [ENDING_STATUS] = "status",
		[ENDING_CRASH] = "crash",     [ENDING_HANG] = "hang",
	};

	json_open_object(j, NULL);
	json_open_array(j, "failed");
	for (unsigned i = 0; i < r->count; i++) {
		const struct site_calls *site = &all->sites.all[r->failing[i].site];

		json_open_object(j, NULL);
		json_write_text(j, "function", site->function);
		json_write_site(j, "site", site->site);
		json_write_number(j, "nth", r->failing[i].nth);
		json_write_text(j, "where", site->where);
		json_close_object(j);
	}
	json_close_array(j);
	json_write_text(j, "ending", endings[r->ending]);
	json_write_number_if(j, "exit_status", r->ending == ENDING_STATUS, r->number);
	json_write_number_if(j, "signal", r->ending == ENDING_CRASH, r->number);
	json_write_boolean(j, "killed", r->has_killed);
	json_write_boolean(j, "reached", r->is_reached);
	json_write_text(j, "fingerprint", r->fingerprint);
	json_write_text(j, "fingerprint_weak", r->fingerprint_weak);
	json_write_text(j, "baseline", !r->fingerprint ? NULL : r->is_known ? "known" : "new");
	json_write_number(j, "new_findings", r->news);
	json_open_array(j, "traces");
	for (size_t i = 0; i < r->trace_count; i++)
		json_write_text(j, NULL, r->traces[i]);
	json_close_array(j);
	json_close_object(j);
}

void results_write_json(const struct results *r, struct json *j, const char *key)
{
	if (!r) {
		json_write_null(j, key);
		return;
	}
	json_open_object(j, key);
	json_write_text(j, "folder", r->folder);
	json_write_number(j, "left_out", r->left);
	json_open_array(j, "runs");
	for (size_t i = 1; i < r->count; i++)
		write_result(r, j, &r->all[i]);
	json_close_array(j);
	json_close_object(j);
}

void results_release(struct results *r)
{
	for (size_t i = 0; i < r->count; i++) {
		for (size_t k = 0; k < r->all[i].trace_count; k++)
			free(r->all[i].traces[k]);
		free(r->all[i].traces);
		free(r->all[i].last);
		free(r->all[i].place);
		free(r->all[i].news_key);
		free(r->all[i].fingerprint);
		free(r->all[i].fingerprint_weak);
	}
	free(r->all);
	sites_release(&r->sites);
	known_release(&r->base);
	known_release(&r->grown);
}
