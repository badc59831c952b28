/* SPDX-License-Identifier: MIT */
#include "viewer/report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/findings/findings.h"
#include "viewer/model/model.h"
#include "viewer/symbols/symbols.h"
#include "viewer/view/terminal.h"

#define FORMAT_WRITER(name) report_write_##name,
#define FIRST_WORD(name) #name
#define NEXT_WORD(name) "|" #name

static void choose_format(void *options, int index)
{
	((struct report_options *)options)->format = (enum report_format)index;
}

static const char *take_file(void *options, const char *name, const char *value)
{
	(void)name;
	if (!*value)
		return "a file name";
	((struct report_options *)options)->file = value;
	return NULL;
}

static void choose_fail_on(void *options, int index)
{
	((struct report_options *)options)->fail_on = (enum report_fail_on)index;
	((struct report_options *)options)->has_fail_on = true;
}

static const char *take_wrapper(void *options, const char *name, const char *value)
{
	struct wrappers_globs *globs = &((struct report_options *)options)->wrappers;

	(void)name;
	if (!*value || globs->count == WRAPPERS_GLOBS_MOST)
		return "a name of functions, such as 'My*Alloc', and 64 of them at most";
	globs->glob[globs->count++] = value;
	return NULL;
}

static void choose_color(void *color, int index)
{
	*(enum report_color *)color = (enum report_color)index;
}

struct argument_group report_arguments(struct report_options *o)
{
	static const struct argument rows[] = {
		{ "format", 0, REPORT_FORMATS(FIRST_WORD, NEXT_WORD),
		  "format of the report (default text)", NULL, choose_format },
		{ "report", 'O', "FILE", "write the report to FILE", take_file, NULL },
		{ "fail-on", 0, "error|warning|never",
		  "the level from which findings change the exit\nstatus (default error)", NULL,
		  choose_fail_on },
		{ "wrapper", 0, "GLOB",
		  "functions that only wrap an allocation or a free:\ntheir callers are named in "
		  "sentences (repeatable)",
		  take_wrapper, NULL },
	};

	return ARGUMENT_GROUP(rows, o);
}

struct argument_group report_color_arguments(enum report_color *color)
{
	static const struct argument rows[] = {
		{ "color", 0, "auto|always|never",
		  "colours in text (default auto: on a terminal, unless\nNO_COLOR is set)", NULL,
		  choose_color },
	};

	return ARGUMENT_GROUP(rows, color);
}

bool report_wants_color(enum report_color color, FILE *out)
{
	const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");

	if (color != REPORT_COLOR_AUTO)
		return color == REPORT_COLOR_ALWAYS;
	return !(no_color && *no_color) && terminal && strcmp(terminal, "dumb") != 0 &&
	       terminal_is(out);
}

struct model *report_open_trace(const char *path, struct model_events *events,
				struct progress *progress)
{
	struct trouble trouble;
	struct model *model = model_open(path, progress, &trouble);

	if (model && events && !model_count_events(model, events, progress, &trouble)) {
		model_close(model);
		model = NULL;
	}
	progress_end(progress);
	if (!model)
		complaint_print(path, "%s", trouble.text);
	return model;
}

/* Is the open file one of these files, whatever their names are? */
static bool is_one_of(int fd, char *const *paths, size_t count)
{
	struct stat file, other;

	if (fstat(fd, &file) < 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (stat(paths[i], &other) == 0 && other.st_dev == file.st_dev &&
		    other.st_ino == file.st_ino)
			return true;
	return false;
}

/* It is not emptied before it is known to be none of the traces. */
FILE *report_open_file(const char *path, char *const *traces, size_t count)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	struct stat status;
	FILE *file = NULL;

	if (fd >= 0 && is_one_of(fd, traces, count)) {
		close(fd);
		complaint_print(path,
				"this is one of the traces, so the report does not replace it");
		return NULL;
	}
	if (fd >= 0 && (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || !ftruncate(fd, 0)))
		file = fdopen(fd, "w");
	if (!file) {
		complaint_print(path, "%s", strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	return file;
}

/* Writes the end of the report, and closes `out` if it is `file`. */
static bool finish_output(FILE *out, const char *file, struct buffer *text)
{
	int error = buffer_flush(text);

	if (file && fclose(out) != 0 && !error)
		error = errno;
	/* EPIPE: who reads it has seen enough. */
	if (!error || error == EPIPE)
		return true;
	complaint_print(file ? file : "report", "%s", strerror(error));
	return false;
}

static const struct symbol *find_symbol(void *symbols, const struct model_module *module,
					uint64_t offset)
{
	return symbols_find(symbols, module, offset);
}

static void (*const writers[])(const struct report *,
			       struct buffer *) = { REPORT_FORMATS(FORMAT_WRITER, FORMAT_WRITER) };

/* Writes the report of the open traces to `out`, which is closed if it is options->file. */
static enum report_status write_report(const struct report_options *o, struct report *report,
				       struct progress *progress, FILE *out)
{
	struct symbols *symbols = symbols_new(progress);
	struct findings *findings =
		findings_new(report->models, report->count,
			     (struct findings_namer){ find_symbol, symbols }, &o->wrappers);
	enum report_status status = REPORT_CLEAN;
	struct buffer text = { 0 };

	if (o->fail_on != REPORT_FAIL_ON_NEVER &&
	    (findings->errors || (o->fail_on == REPORT_FAIL_ON_WARNING && findings->warnings)))
		status = REPORT_FINDINGS;
	else if (!findings->is_exact)
		status = REPORT_UNSURE;
	report->findings = findings;
	report->symbols = symbols;
	report->has_color = report_wants_color(o->color, out);
	report->view = &o->view;
	buffer_stream(&text, out, progress);
	writers[o->format](report, &text);
	progress_end(progress);
	if (!finish_output(out, o->file, &text))
		status = REPORT_TROUBLE;
	buffer_release(&text);
	findings_free(findings);
	symbols_free(symbols);
	return status;
}

enum report_status report_traces(const struct report_options *options, char *const *paths,
				 size_t count, FILE *out)
{
	struct model **models = memory_new(count, sizeof(struct model *));
	struct model_events *events = memory_new(count, sizeof(*events));
	struct report report = { .models = models, .events = events };
	struct progress progress = { 0 };
	enum report_status status = REPORT_CLEAN;

	for (size_t i = 0; i < count; i++) {
		models[report.count] = report_open_trace(paths[i], &events[report.count], &progress);
		report.count += models[report.count] != NULL;
	}
	if (report.count && options->file)
		out = report_open_file(options->file, paths, count);
	if (report.count && out)
		status = write_report(options, &report, &progress, out);
	if (report.count < count || !out)
		status = REPORT_TROUBLE;
	for (size_t i = 0; i < report.count; i++)
		model_close(models[i]);
	free(models);
	free(events);
	return status;
}
