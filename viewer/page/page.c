/* SPDX-License-Identifier: MIT */
/*
 * The format `html`: one file that asks for nothing from anywhere. The findings, and what was lost, are
 * plain HTML, which works without scripts. page.js draws the rest from the data in a script element.
 *
 * A page has a bounded size: it says how many findings and stacks it leaves out.
 */
#include <inttypes.h>

#include "viewer/base/buffer.h"
#include "viewer/base/json.h"
#include "viewer/findings/findings.h"
#include "viewer/gate/baseline.h"
#include "viewer/model/allocators.h"
#include "viewer/model/losses.h"
#include "viewer/model/model.h"
#include "viewer/page/article.h"
#include "viewer/page/assets.h"
#include "viewer/page/calls.h"
#include "viewer/page/course.h"
#include "viewer/page/drawing.h"
#include "viewer/page/html.h"
#include "viewer/page/sections.h"
#include "viewer/page/tree.h"
#include "viewer/profile/profile.h"
#include "viewer/read/trouble.h"
#include "viewer/report/report.h"
#include "viewer/report/text.h"
#include "viewer/sites/results.h"

enum {
	FINDINGS_MOST = 1000,
	ROWS_FIRST = 50,       /* the others are behind the flame graph, until page.js moves them */
	FINDINGS_MANY = 100,   /* from here on, page.css has the browser lay out what is in sight */
	STACKS_MOST = 2 << 20, /* bytes */
	TRACES_MOST = 6 << 20, /* bytes */
	SECTIONS_MOST = 2000   /* rows */
};

static const char head[] =
	"<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
	"<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; "
	"style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
	"<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
	"<meta name=color-scheme content=\"light dark\">\n"
	"<link rel=icon href=\"data:,\">\n";

static const char sections_head[] =
	"<div class=wide tabindex=0 role=region aria-label=\"live sections\"><table><thead><tr>"
	"<th>section<th>package<th>created by<th class=n>live blocks<th class=n>live bytes"
	"<th class=n>at most</thead><tbody>\n";

#define TABLE_HEAD \
	"<div class=wide tabindex=0 role=region aria-label=\"table of %s\">" \
	"<table %s class=\"findings%s\"><thead><tr><th>#<th>level<th>kind<th class=n>count<th " \
	"class=n>bytes" \
	"<th>where<th>package<th>last seen%s</thead><tbody>\n"

static void write_counts(struct buffer *b, const struct findings *f)
{
	buffer_text(b, "<p class=summary><span class=error>");
	buffer_count(b, f->errors, "error");
	buffer_text(b, "</span> <span class=warning>");
	buffer_count(b, f->warnings, "warning");
	buffer_text(b, "</span> <span class=note>");
	buffer_count(b, f->notes, "note");
	buffer_text(b, "</span> ");
	buffer_count(b, f->leaked_blocks, "block");
	buffer_text(b, " (");
	buffer_count(b, f->leaked_bytes, "byte");
	buffer_text(b, ") and ");
	buffer_count(b, f->leaked_sections, "section");
	buffer_text(b, f->is_exact ? " leaked; exact</p>\n"
				   : " leaked; <strong>a lower bound</strong></p>\n");
	if (f->suppressed) {
		buffer_text(b, "<p>");
		buffer_count(b, f->suppressed, "occurrence");
		buffer_text(b, " suppressed</p>\n");
	}
	if (f->has_baseline)
		buffer_format(
			b, "<p>Compared with the baseline: %zu new, %zu grown, %zu known, %zu gone%s</p>\n",
			f->by_baseline[FINDING_NEW], f->by_baseline[FINDING_GROWN],
			f->by_baseline[FINDING_KNOWN], f->gone,
			f->has_doubt ? "; <strong>a lower bound</strong>" : "");
	buffer_text(b, "<nav><a href=\"#findings\">Findings</a> <a href=\"#flame\">Flame graph</a> "
		       "<a href=\"#time\">Over time</a> <a href=\"#details\">Details</a> <a "
		       "href=\"#sections\">Sections</a> "
		       "<a href=\"#traces\">Traces</a></nav></header>\n<main>\n");
}

/* What the baseline has, and the traces have not. */
static void write_gone(struct buffer *b, const struct report *r)
{
	const struct baseline_entry *entry;

	if (!r->findings->gone)
		return;
	buffer_format(
		b, "<details class=fixed open><summary>%zu of the baseline are gone</summary><ul>\n",
		r->findings->gone);
	for (size_t i = 0; r->baseline && (entry = baseline_get(r->baseline, i)) != NULL; i++) {
		if (entry->found)
			continue;
		buffer_text(b, "<li>");
		html_text(b, entry->kind);
		buffer_text(b, ": ");
		html_text(b, entry->words);
		buffer_text(b, "\n");
	}
	buffer_text(b, "</ul></details>\n");
}

static void open_section(struct buffer *b, const char *id, const struct findings *f)
{
	buffer_format(b, "<section id=%s%s>", id, f->shown < FINDINGS_MANY ? "" : " class=many");
}

static void write_table(struct buffer *b, const struct report *r, size_t first, size_t end)
{
	buffer_format(b, TABLE_HEAD, first ? "further findings" : "findings",
		      first ? "" : "id=table", r->baseline ? " compared" : "",
		      r->baseline ? "<th>baseline" : "");
	for (size_t i = first; i < end; i++)
		article_write_row(b, r->findings, findings_get(r->findings, i));
	buffer_text(b, "</tbody></table></div>\n");
}

static size_t least(size_t one, size_t other)
{
	return one < other ? one : other;
}

static void write_findings(struct buffer *b, const struct report *r)
{
	size_t all = r->findings->shown, shown = least(all, FINDINGS_MOST);

	open_section(b, "findings", r->findings);
	buffer_text(b, "<h2>Findings</h2>\n<div id=filter hidden></div>\n");
	if (shown == 0)
		buffer_text(b, "<p>There are none.</p>\n");
	else
		write_table(b, r, 0, least(shown, ROWS_FIRST));
	if (shown > ROWS_FIRST)
		buffer_format(b,
			      "<noscript><p>%zu more are behind the flame graph.</p></noscript>\n",
			      shown - ROWS_FIRST);
	if (shown < all)
		buffer_format(b, "<p>%zu more findings are left out; --format=json has all.</p>\n",
			      all - shown);
	write_gone(b, r);
	buffer_text(b, "</section>\n");
}

/* Of a sweep: what came of each run. */
static void write_runs(struct buffer *b, const struct report *r)
{
	struct buffer lines = { 0 };

	if (!r->sweep)
		return;
	results_write_text(r->sweep, &lines);
	buffer_text(b, "<section id=runs><h2>Runs</h2>\n");
	html_lines(b, "pre class=stack", lines.data);
	buffer_text(b, "</section>\n");
	buffer_release(&lines);
}

/* What the browser need not have read when it draws the first picture. */
static void write_further_findings(struct buffer *b, const struct report *r)
{
	size_t shown = least(r->findings->shown, FINDINGS_MOST);

	if (shown <= ROWS_FIRST)
		return;
	open_section(b, "more", r->findings);
	buffer_text(b, "<h2>Further findings</h2>\n");
	write_table(b, r, ROWS_FIRST, shown);
	buffer_text(b, "</section>\n");
}

/* Behind the flame graph, which need not wait for a thousand articles. */
static void write_articles(struct buffer *b, const struct report *r)
{
	struct buffer article = { 0 };
	size_t written = 0;

	if (r->findings->shown == 0)
		return;
	open_section(b, "details", r->findings);
	buffer_text(b, "<h2>The findings one by one</h2>\n");
	for (size_t i = 0; i < r->findings->shown && i < FINDINGS_MOST; i++) {
		article.used = 0;
		article_write(&article, findings_get(r->findings, i), r->symbols,
			      written < STACKS_MOST);
		buffer_bytes(b, article.data, article.used);
		written += article.used;
	}
	buffer_release(&article);
	buffer_text(b, "</section>\n");
}

static void write_packages(struct buffer *b, const struct model *model)
{
	buffer_text(b, "<ul>\n");
	for (uint32_t i = 0; i < TRACE_PACKAGES; i++) {
		const struct model_package *package = model_package(model, i);

		if (!package->is_defined && !package->has_called)
			continue;
		buffer_text(b, "<li>package <b>");
		html_package(b, model, i);
		buffer_text(b, "</b>");
		if (package->module) {
			buffer_text(b, " ");
			html_text(b, package->module->name ? package->module->name
							   : package->module->base);
		}
		if (package->is_unloaded)
			buffer_text(b,
				    package->has_failed ? ", failed to initialise" : ", unloaded");
		buffer_text(b, allocators_are_embedded(model, i) ? ", with memory of lsatrace's own"
								 : "");
		buffer_text(b, "\n");
	}
	buffer_text(b, "</ul>\n");
}

static void write_losses(struct buffer *b, const struct model *model)
{
	bool any = false;

	buffer_text(b, "<p>Lost: ");
	for (unsigned i = 0; i < TRACE_LOST_COUNT; i++) {
		uint64_t lost = model_lost(model, (enum trace_lost)i);

		if (!lost)
			continue;
		buffer_text(b, any ? "; " : "");
		buffer_decimal(b, lost);
		buffer_text(b, " ");
		html_text(b, losses_words((enum trace_lost)i));
		any = true;
	}
	buffer_text(b, any ? ".</p>\n" : "nothing.</p>\n");
}

static void write_in_flight(struct buffer *b, const struct model *model)
{
	for (size_t i = 0; i < model_in_flight(model); i++) {
		const struct model_call *call = model_call(model, i);
		const char *name = model_function(model, call->function)->name;

		buffer_text(b, "<p>Did not return: ");
		html_text(b, name ? name : "a call");
		buffer_format(b, " by thread %d of package ", call->tid);
		html_package(b, model, call->package);
		buffer_text(b, "</p>\n");
	}
}

static void write_crash(struct buffer *b, const struct model *model, struct symbols *symbols)
{
	struct model_stack room;
	uint32_t package;
	const struct model_stack *stack = model_crash(model, &room, &package);

	if (!stack)
		return;
	buffer_text(b, "<h4>It crashed here</h4>\n");
	article_write_stack(b, model, package, stack, symbols);
}

static void write_trace(struct buffer *b, const struct report *r, size_t number)
{
	const struct model *model = r->models[number];
	const struct model_events *e = &r->events[number];
	const struct model_process *process = model_process(model);
	struct reader_cursor c = { 0 };
	struct buffer argument = { 0 };

	html_element(b, "h3", model_path(model));
	buffer_format(b, "<p>Process %d: ", process->pid);
	while (model_next_argument(model, &c, &argument)) {
		html_text(b, argument.data);
		buffer_text(b, " ");
		argument.used = 0;
	}
	buffer_text(b, "</p>\n<p>It ");
	text_write_ending(b, process);
	text_write_threads(b, "; ", r, number);
	buffer_text(b, ". Traced ");
	text_write_span(b, model, e);
	buffer_text(b, ". History: ");
	buffer_decimal(b, e->retained);
	buffer_text(b, " of ");
	buffer_count(b, e->recorded, "call");
	buffer_text(b, ".</p>\n");
	write_packages(b, model);
	write_crash(b, model, r->symbols);
	write_in_flight(b, model);
	calls_write(b, model, r->findings, number);
	write_losses(b, model);
	buffer_release(&argument);
}

/* Writes the live sections of all traces. */
static void write_sections(struct buffer *b, const struct report *r)
{
	size_t room = SECTIONS_MOST;
	uint64_t left_out = 0;

	buffer_text(b, sections_head);
	for (size_t i = 0; i < r->count; i++)
		left_out += sections_write_rows(b, r->models[i], r->symbols, &room);
	buffer_text(b, "</tbody></table></div>\n");
	if (left_out)
		buffer_format(b, "<p>%" PRIu64 " more live sections are left out.</p>\n", left_out);
}

/* Writes about as many traces as fit. */
static void write_traces(struct buffer *b, const struct report *r)
{
	struct buffer trace = { 0 };
	size_t written = 0, i;

	for (i = 0; i < r->count && written < TRACES_MOST; i++) {
		trace.used = 0;
		write_trace(&trace, r, i);
		buffer_bytes(b, trace.data, trace.used);
		written += trace.used;
	}
	if (i < r->count)
		buffer_format(b, "<p>%zu more traces are left out; --format=json has all.</p>\n",
			      r->count - i);
	buffer_release(&trace);
}

/* Which frames have offsets for names, and why. */
static void write_missing(struct buffer *b, struct symbols *symbols)
{
	struct buffer lines = { 0 };

	text_write_missing(&lines, symbols, "");
	if (lines.used)
		html_lines(b, "pre", lines.data);
	buffer_release(&lines);
}

#define DATA(id) "<script type=\"application/json\" id=" id ">\n"

/* The flame graph, and the script, which draws it at once. Nothing else is in front of it that a browser
 * would have to read first. */
static void write_flame(struct buffer *b, struct tree *tree)
{
	struct json j = { .out = b, .is_compact = true, .is_in_html = true };

	buffer_text(b, DATA("flame-data"));
	json_open_object(&j, NULL);
	if (tree)
		tree_write(&j, "tree", tree, false);
	json_close_object(&j);
	buffer_text(b, "</script>\n<script>\n");
	buffer_text(b, assets_js);
	buffer_text(b, "</script>\n");
}

/* The rest of the flame graph, and the inverted one. Of the trees, only one at a time is in memory. */
static void write_graphs(struct json *j, struct tree *tree, struct profile *profile,
			 struct symbols *symbols)
{
	tree_write_rest(j, "values", tree);
	tree_free(tree);
	tree = tree_new(profile, symbols, true);
	tree_write(j, "inverted", tree, true);
	tree_free(tree);
}

/* What is drawn when the whole page has been read. Frees the tree. */
static void write_data(struct buffer *b, const struct report *r, struct tree *tree)
{
	struct json j = { .out = b, .is_compact = true, .is_in_html = true };
	size_t drawn = least(r->count, DRAWING_COURSES);

	buffer_text(b, DATA("data"));
	json_open_object(&j, NULL);
	if (tree)
		write_graphs(&j, tree, r->drawing->profile, r->symbols);
	json_open_array(&j, "courses");
	for (size_t i = 0; i < drawn; i++)
		course_write(&j, r->drawing->course[i], r->models[i]);
	json_close_array(&j);
	json_open_array(&j, "maps");
	for (size_t i = 0; i < drawn; i++)
		sections_write_blocks(&j, r->models[i], r->symbols);
	json_close_array(&j);
	json_close_object(&j);
	buffer_text(b, "</script>\n");
}

void report_write_html(const struct report *report, struct buffer *out)
{
	const struct model *first = report->models[0];
	const char *exe = model_process(first)->exe, *title = exe ? exe : model_path(first);
	struct tree *tree = NULL;

	buffer_text(out, head);
	buffer_text(out, "<title>lsatrace: ");
	html_text(out, title);
	buffer_text(out, "</title>\n<style>\n");
	buffer_text(out, assets_css);
	buffer_text(out, "</style>\n</head>\n<body>\n<header><h1>lsatrace: ");
	html_text(out, title);
	buffer_text(out, "</h1>\n");
	write_counts(out, report->findings);
	write_findings(out, report);
	write_runs(out, report);
	buffer_text(out, "<section id=flame><h2>Flame graph</h2>"
			 "<noscript><p>This needs scripts.</p></noscript></section>\n"
			 "<section id=time><h2>Over time</h2>"
			 "<noscript><p>This needs scripts.</p></noscript></section>\n");
	drawing_wait(report->drawing, out->progress);
	if (report->drawing->profile)
		tree = tree_new(report->drawing->profile, report->symbols, false);
	write_flame(out, tree);
	write_further_findings(out, report);
	write_articles(out, report);
	buffer_text(out, "<section id=sections><h2>Sections that are live at the end</h2>\n"
			 "<div id=map></div>\n");
	write_sections(out, report);
	buffer_text(out, "</section>\n<section id=traces><h2>Traces</h2>\n");
	write_traces(out, report);
	write_missing(out, report->symbols);
	buffer_text(out, "</section>\n</main>\n");
	write_data(out, report, tree);
	buffer_text(out, "</body>\n</html>\n");
}

void report_begin_html(struct report *report)
{
	report->drawing = drawing_new(report->models, report->events, report->count);
}

void report_end_html(struct report *report)
{
	drawing_free(report->drawing);
}
