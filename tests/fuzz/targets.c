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

/* One of the things that the whole target does with a trace. */
struct step {
	void (*run)(const struct step *step);
	int number;        /* of a format */
	char *argument[8]; /* of a command */
	int (*command)(int argc, char **argv);
};

/* Two traces are merged for some formats only: the others see no difference. */
static void report(const struct step *step)
{
	enum report_format format = (enum report_format)step->number;
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

static void export_trace(const struct step *step)
{
	char *path = (char *)"fuzzed";

	export_traces((enum export_format)step->number, "/dev/null", NULL, &path, 1);
}

static void command(const struct step *step)
{
	char *argument[sizeof(step->argument) / sizeof(*step->argument)];
	int count = 0;

	while ((argument[count] = step->argument[count]) != NULL)
		count++;
	step->command(count, argument);
}

/* The live view, but for the names, which a process of its own looks up. */
static void look(const struct step *step)
{
	static const struct places nowhere;
	struct sheet_view view = sheet_view();
	struct trouble trouble;
	struct model *m = model_open("fuzzed", NULL, &trouble);
	struct names *names = names_new(&nowhere);
	struct picture *p = m ? picture_take(m, NULL, NULL) : NULL;
	struct sheet sheet = { 0 };

	(void)step;
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
#define EXPORT(name, help) { export_trace, .number = EXPORT_##name },
#define REPORT(name, ...) { report, .number = REPORT_FORMAT_##name },
#define RUN(name, ...) \
	{ \
		command, .argument = { (char *)#name, __VA_ARGS__ }, .command = command_##name \
	}
#define FUZZED (char *)"fuzzed"

static const struct step steps[] = {
	REPORT_FORMATS(REPORT, REPORT) EXPORT_FORMATS(EXPORT){ .run = look },
	RUN(events, (char *)"--stacks", (char *)"--color=always", FUZZED),
	RUN(events, (char *)"--stacks", (char *)"--json", FUZZED),
	RUN(events, (char *)"--address=10010", (char *)"--function=a*", FUZZED),
	RUN(baseline, FUZZED),
	RUN(diff, FUZZED, (char *)"again"),
	RUN(report, (char *)"--growth", (char *)"--since=+1", FUZZED),
	RUN(stat, FUZZED),
	RUN(stat, (char *)"--json", FUZZED),
	RUN(pack, (char *)"--output=/dev/null", FUZZED),
};

#define STEPS (sizeof(steps) / sizeof(*steps))

void fuzz_whole(const uint8_t *data, size_t size)
{
	world_set(data, size);
	for (size_t i = 0; i < STEPS; i++)
		steps[i].run(&steps[i]);
}

/* FNV-1a: an input must do the same in each run. */
static uint64_t hash_of(const uint8_t *data, size_t size)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ data[i]) * 0x100000001b3ull;
	return hash;
}

void fuzz_some(const uint8_t *data, size_t size)
{
	uint64_t hash = hash_of(data, size);

	world_set(data, size);
	for (unsigned i = 0; i < FUZZ_STEPS; i++, hash >>= 16)
		steps[(hash >> 8) % STEPS].run(&steps[(hash >> 8) % STEPS]);
}
