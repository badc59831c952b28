/* SPDX-License-Identifier: MIT */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/fuzz/fuzz.h"
#include "viewer/base/buffer.h"
#include "viewer/commands/commands.h"
#include "viewer/export/export.h"
#include "viewer/model/model.h"
#include "viewer/read/timeline.h"
#include "viewer/report/report.h"
#include "viewer/symbols/places.h"
#include "viewer/top/names.h"
#include "viewer/top/picture.h"
#include "viewer/top/sheet.h"

static void read_stack(const struct model *m, uint32_t ref)
{
	struct model_stack stack;

	if (model_stack(m, ref, &stack) && stack.frames > TRACE_FRAMES_MAX)
		abort();
}

static void read_model(const struct model *m)
{
	struct reader_cursor entries = { 0 }, findings = { 0 }, arguments = { 0 };
	const struct trace_finding *finding;
	struct model_entry entry;
	struct buffer argument = { 0 };

	while (model_next_entry(m, &entries, &entry)) {
		read_stack(m, entry.stack);
		if (entry.section)
			read_stack(m, model_entry(m, entry.section).stack);
	}
	while ((finding = model_next_finding(m, &findings)) != NULL)
		for (unsigned i = 0; i < TRACE_FINDING_STACKS; i++)
			read_stack(m, finding->stack[i]);
	for (size_t i = 0; i < model_in_flight(m); i++)
		read_stack(m, model_call(m, i)->stack);
	while (model_next_argument(m, &arguments, &argument))
		if (argument.used > 3 * TRACE_ARGUMENT_MAX)
			abort();
		else
			argument.used = 0;
	buffer_release(&argument);
}

static void read_events(const struct model *m)
{
	struct timeline *timeline = timeline_new(model_reader(m));
	const struct trace_event *e;
	struct model_events events;
	struct trouble trouble;

	while ((e = timeline_next(timeline, &trouble)) != NULL)
		read_stack(m, e->stack);
	timeline_free(timeline);
	model_count_events(m, &events, NULL, &trouble);
}

void fuzz_reading(const uint8_t *data, size_t size)
{
	struct trouble trouble;
	struct model *m;

	world_set(data, size);
	m = model_open("fuzzed", NULL, &trouble);
	if (!m)
		return;
	read_model(m);
	read_events(m);
	model_close(m);
}

/* Two traces are merged for some formats only: the others see no difference. */
static void report(enum report_format format)
{
	struct report_options options = { .format = format, .color = REPORT_COLOR_ALWAYS };
	char *paths[] = { (char *)"fuzzed", (char *)"again" };
	bool is_json = format == REPORT_FORMAT_json || format == REPORT_FORMAT_sarif ||
		       format == REPORT_FORMAT_gitlab;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	json_t *json;

	if (report_traces(&options, paths, is_json ? 2 : 1, out) != REPORT_TROUBLE && is_json) {
		fflush(out);
		json = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
		if (!json)
			abort();
		json_decref(json);
	}
	fclose(out);
	free(text);
}

/* The live view, but for the names, which a process of its own looks up. */
static void look(void)
{
	static const struct places nowhere;
	struct sheet_view view = sheet_view();
	struct trouble trouble;
	struct model *m = model_open("fuzzed", NULL, &trouble);
	struct names *names = names_new(&nowhere);
	struct picture *p = m ? picture_take(m, NULL, NULL) : NULL;
	struct sheet sheet = { 0 };

	for (unsigned page = SHEET_TABLES; p && page <= SHEET_STACKS; page++)
		for (view.focus = 0; view.focus < PICTURE_TABLES; view.focus++) {
			view.page = (enum sheet_page)page;
			view.width = view.height = 24;
			picture_sort(p, view.focus, view.order[view.focus]);
			sheet_write(&sheet, p, names, &view);
		}
	sheet_release(&sheet);
	picture_free(p);
	names_free(names);
}

/* A folder of ctf cannot be made there: what it reads, perfetto reads as well. */
#define EXPORT(name, help) export_traces(EXPORT_##name, "/dev/null", &stat[1], 1);
#define REPORT(name, ...) report(REPORT_FORMAT_##name);

void fuzz_whole(const uint8_t *data, size_t size)
{
	char *text[] = { (char *)"events", (char *)"--stacks", (char *)"--color=always",
			 (char *)"fuzzed", NULL };
	char *json[] = { (char *)"events", (char *)"--stacks", (char *)"--json", (char *)"fuzzed",
			 NULL };
	char *baseline[] = { (char *)"baseline", (char *)"fuzzed", NULL };
	char *stat[] = { (char *)"stat", (char *)"fuzzed", NULL };
	char *totals[] = { (char *)"stat", (char *)"--json", (char *)"fuzzed", NULL };
	char *pack[] = { (char *)"pack", (char *)"--output=/dev/null", (char *)"fuzzed", NULL };
	char *life[] = { (char *)"events", (char *)"--address=10010", (char *)"--function=a*",
			 (char *)"fuzzed", NULL };

	world_set(data, size);
	REPORT_FORMATS(REPORT, REPORT)
	command_events(4, text);
	command_events(4, json);
	command_baseline(2, baseline);
	command_stat(2, stat);
	look();
	command_stat(3, totals);
	command_events(4, life);
	command_pack(3, pack);
	EXPORT_FORMATS(EXPORT)
}
