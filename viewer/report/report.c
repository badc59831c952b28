/* SPDX-License-Identifier: MIT */
#include "viewer/report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/findings/findings.h"
#include "viewer/model/model.h"
#include "viewer/symbols/symbols.h"

/* A format more is a row here. The first one is the default. */
static const struct report_format formats[] = {
	{ "text", report_text },
	{ "json", report_json },
};

enum { STATUS_CLEAN, STATUS_FINDINGS, STATUS_TROUBLE };

static const char *take_format(struct report_options *o, const char *value)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		if (strcmp(formats[i].name, value) == 0) {
			o->format = &formats[i];
			return NULL;
		}
	}
	return "text or json";
}

static const char *take_level(struct report_options *o, const char *value)
{
	if (strcmp(value, "never") == 0)
		o->fail_never = 1;
	else if (strcmp(value, "error") == 0)
		o->fail_on = TRACE_LEVEL_ERROR;
	else if (strcmp(value, "warning") == 0)
		o->fail_on = TRACE_LEVEL_WARNING;
	else
		return "error, warning or never";
	if (strcmp(value, "never") != 0)
		o->fail_never = 0;
	return NULL;
}

static const char *take_color(struct report_options *o, const char *value)
{
	if (strcmp(value, "auto") == 0)
		o->color = REPORT_COLOR_AUTO;
	else if (strcmp(value, "always") == 0)
		o->color = REPORT_COLOR_ALWAYS;
	else if (strcmp(value, "never") == 0)
		o->color = REPORT_COLOR_NEVER;
	else
		return "auto, always or never";
	return NULL;
}

const char *report_take_option(struct report_options *o, const char *name, const char *value)
{
	if (strcmp(name, "format") == 0)
		return take_format(o, value);
	if (strcmp(name, "fail-on") == 0)
		return take_level(o, value);
	if (strcmp(name, "color") == 0)
		return take_color(o, value);
	if (strcmp(name, "report") != 0)
		return "format, report, fail-on or color";
	if (!*value)
		return "a file name";
	o->file = value;
	return NULL;
}

bool report_wants_color(enum report_color color, FILE *out)
{
	const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");

	if (color != REPORT_COLOR_AUTO)
		return color == REPORT_COLOR_ALWAYS;
	return !(no_color && *no_color) && terminal && strcmp(terminal, "dumb") != 0 &&
	       isatty(fileno(out));
}

void report_trouble(const char *path, const char *text)
{
	struct buffer line = { 0 };

	buffer_plain(&line, path, strlen(path));
	fprintf(stderr, "%s: %s\n", line.data, text);
	buffer_release(&line);
}

/* What is open while a report is made. */
struct session {
	char *const *path; /* of all traces, whether they could be read or not */
	size_t paths;
	struct model **models;
	struct model_events *events;
	size_t count;
	struct progress progress;
};

static bool open_trace(struct session *s, const char *path)
{
	struct trouble trouble;
	struct model *model = model_open(path, &s->progress, &trouble);

	if (model && model_count_events(model, &s->events[s->count], &s->progress, &trouble)) {
		s->models[s->count++] = model;
		return true;
	}
	progress_end(&s->progress);
	report_trouble(path, trouble.text);
	model_close(model);
	return false;
}

static int status_of(const struct report_options *o, const struct findings *f)
{
	if (o->fail_never)
		return STATUS_CLEAN;
	if (f->errors || (o->fail_on <= TRACE_LEVEL_WARNING && f->warnings) ||
	    (o->fail_on <= TRACE_LEVEL_NOTE && f->notes))
		return STATUS_FINDINGS;
	return STATUS_CLEAN;
}

static const struct symbol *name_frame(void *symbols, const struct model_module *module,
				       uint64_t offset)
{
	return symbols_find(symbols, module, offset);
}

/* Is the open file one of the traces? By what it is, not by what it is called. */
static bool is_trace(const struct session *s, int fd)
{
	struct stat file, trace;

	if (fstat(fd, &file) < 0)
		return false;
	for (size_t i = 0; i < s->paths; i++)
		if (stat(s->path[i], &trace) == 0 && trace.st_dev == file.st_dev &&
		    trace.st_ino == file.st_ino)
			return true;
	return false;
}

/* Opens the file for the report. It is emptied only when it is known to be no trace. */
static FILE *open_report(const struct session *s, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0666);
	struct stat status;
	FILE *file = NULL;

	if (fd >= 0 && is_trace(s, fd)) {
		close(fd);
		report_trouble(path, "one of the traces, and not to be replaced by their report");
		return NULL;
	}
	if (fd >= 0 && (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) || !ftruncate(fd, 0)))
		file = fdopen(fd, "w");
	if (!file) {
		report_trouble(path, strerror(errno));
		if (fd >= 0)
			close(fd);
	}
	return file;
}

/* Writes it all. A reader that has gone away is no trouble of ours. */
static bool write_out(FILE *out, const char *file, const char *text, size_t size)
{
	bool good = fwrite(text, 1, size, out) == size && fflush(out) == 0;
	int error = good ? 0 : errno;

	if (file && fclose(out) != 0 && good) {
		good = false;
		error = errno;
	}
	if (good || error == EPIPE)
		return true;
	report_trouble(file ? file : "report", strerror(error));
	return false;
}

/* In memory first, so that an error of the stream is met in one place, and its cause is known. */
static char *format_report(const struct report_format *format, const struct report *report,
			   size_t *size)
{
	char *text = NULL;
	FILE *memory = open_memstream(&text, size);

	if (!memory)
		memory_exhausted();
	format->write(report, memory);
	if (ferror(memory) || fclose(memory) != 0)
		memory_exhausted();
	return text;
}

static int write_report(const struct report_options *o, struct session *s, FILE *out)
{
	struct symbols *symbols = symbols_new(&s->progress);
	struct findings *f =
		findings_new(s->models, s->count, (struct findings_namer){ name_frame, symbols });
	struct report report = { s->models, s->events, s->count, f, symbols, false };
	int status = status_of(o, f);
	size_t size = 0;
	char *text = NULL;

	if (o->file)
		out = open_report(s, o->file);
	if (out) {
		report.color = report_wants_color(o->color, out);
		text = format_report(o->format ? o->format : formats, &report, &size);
	}
	progress_end(&s->progress);
	if (!out || !write_out(out, o->file, text, size))
		status = STATUS_TROUBLE;
	free(text);
	findings_free(f);
	symbols_free(symbols);
	return status;
}

int report_traces(const struct report_options *options, char *const *paths, size_t count, FILE *out)
{
	struct session s = { .path = paths,
			     .paths = count,
			     .models = memory_new(count, sizeof(*s.models)),
			     .events = memory_new(count, sizeof(*s.events)) };
	int status = STATUS_CLEAN, written = STATUS_CLEAN;

	for (size_t i = 0; i < count; i++)
		if (!open_trace(&s, paths[i]))
			status = STATUS_TROUBLE;
	if (s.count)
		written = write_report(options, &s, out);
	for (size_t i = 0; i < s.count; i++)
		model_close(s.models[i]);
	free(s.models);
	free(s.events);
	return status == STATUS_CLEAN ? written : status;
}
