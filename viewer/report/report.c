/* SPDX-License-Identifier: MIT */
#include "viewer/report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "include/options.h"
#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/findings/findings.h"
#include "viewer/gate/baseline.h"
#include "viewer/gate/suppressions.h"
#include "viewer/model/model.h"
#include "viewer/report/location.h"
#include "viewer/sites/endings.h"
#include "viewer/sites/results.h"
#include "viewer/symbols/symbols.h"
#include "viewer/view/terminal.h"

#define SUPPRESSIONS_DEFAULT "lsatrace.supp"
#define NOTHING(...)
#define FORMAT_WRITER(name, ...) report_write_##name,
#define FORMAT_NAME(name, ...) #name,
#define FORMAT_WORD(name, ...) "|" #name
#define FORMAT_ITEM(name, ...) " " #name
#define FORMAT_LIST REPORT_FORMATS(FORMAT_ITEM, FORMAT_ITEM)
#define FORMAT_WORDS (&REPORT_FORMATS(FORMAT_WORD, FORMAT_WORD)[1])
#define FORMAT_ENDING(name, ending) " " ending
#define FORMAT_ENDINGS REPORT_FORMATS(FORMAT_ENDING, NOTHING)

#define IF_ENDS_WITH(format, ending) \
	if (length >= strlen(ending) && strcmp(name + length - strlen(ending), ending) == 0) \
		return REPORT_FORMAT_##format;

/* Finds the format that a name ends with; -1: none. */
static int find_format(const char *name)
{
	size_t length = strlen(name);

	REPORT_FORMATS(IF_ENDS_WITH, NOTHING)
	return -1;
}

static const char *take_file(void *options, const struct argument *row, const char *value)
{
	struct report_options *o = options;
	size_t prefix = strspn(value, "abcdefghijklmnopqrstuvwxyz");
	int format = find_format(value);

	(void)row;
	if (o->files == REPORT_FILES_MOST)
		return "at most 16 files";
	if (prefix && value[prefix] == ':') {
		format = options_choose(FORMAT_WORDS, value, prefix);
		if (format < 0)
			return "one of" FORMAT_LIST " before the ':', or ./ before the name of a "
			       "file that has a ':'";
		value += prefix + 1;
	}
	if (!*value)
		return "FORMAT:FILE, or a name in" FORMAT_ENDINGS;
	o->file[o->files++] =
		(struct report_file){ value, format >= 0,
				      format >= 0 ? (enum report_format)format : o->format };
	return NULL;
}

#define INTO(member) ARGUMENT_INTO(report_options, member)

/* The last word is valgrind's. */
static const char *take_leak_kinds(void *member, const struct argument *row, const char *value)
{
	static const char words[] = "reachable|indirect|possible|lost|definite";
	const char *end = value + strlen(value);
	uint32_t *kinds = member;

	(void)row;
	*kinds = 0;
	for (const char *item = value;; item++) {
		size_t bytes = options_item(item, end);
		int word = options_choose(words, item, bytes);

		if (word < 0)
			return "a comma-separated list of lost (or definite), indirect, possible "
			       "and reachable";
		*kinds |= 1u << (word == 4 ? TRACE_REACH_LOST : TRACE_REACH_REACHABLE + word);
		item += bytes;
		if (item == end)
			return NULL;
	}
}

struct argument_group report_arguments(struct report_options *o)
{
	static const struct argument rows[] = {
		{ "format", 0, FORMAT_WORDS, "format of the report (default text)",
		  arguments_take_choice, INTO(format) },
		{ "report", 'O', "[FORMAT:]FILE",
		  "also write the report to FILE, in the format that its\n"
		  "name ends with; may be repeated:\n"
		  " " FORMAT_ENDINGS,
		  take_file, .offset = 0 },
		{ "baseline", 0, "FILE",
		  "only what is not in FILE, or more often, is a failure;\n"
		  "FILE is from lsatrace baseline, or is a JSON report",
		  arguments_take_text, INTO(baseline_file) },
		{ "prune", 0, NULL, "take what is fixed out of the baseline", arguments_take_flag,
		  INTO(prunes) },
		{ "gen-suppressions", 0, NULL, "print a suppression for each finding",
		  arguments_take_flag, INTO(generates) },
		{ "source-root", 0, "DIR",
		  "paths are relative to DIR (default: the repository\n"
		  "that encloses the current folder)",
		  arguments_take_folder, INTO(source_root) },
		{ "fail-on", 0, "error|warning|never",
		  "the level from which findings change the exit\nstatus (default error)",
		  arguments_take_choice, INTO(fail_on), .first = REPORT_FAIL_ON_ERROR },
		{ "leak-kinds", 0, "LIST",
		  "only leaks of these kinds count: lost, indirect,\n"
		  "possible, reachable; and those of unknown kind",
		  take_leak_kinds, INTO(leak_kinds) },
		{ "wrapper", 0, "GLOB",
		  "functions that only wrap an allocation or a free:\ntheir callers are named in "
		  "sentences (repeatable)",
		  arguments_take_list, INTO(wrappers) },
	};

	return ARGUMENT_GROUP(rows, o);
}

struct argument_group report_suppression_arguments(struct report_options *o)
{
	static const struct argument rows[] = {
		{ "suppressions", 0, "FILE",
		  "leave out the findings that FILE names; may be repeated\n"
		  "(default: lsatrace.supp in the current folder, as well)",
		  arguments_take_list, INTO(suppression_files) },
	};

	return ARGUMENT_GROUP(rows, o);
}

struct argument_group report_color_arguments(enum report_color *color)
{
	static const struct argument rows[] = {
		{ "color", 0, "auto|always|never",
		  "colours in text (default auto: on a terminal, unless\nNO_COLOR is set)",
		  arguments_take_choice, .offset = 0 },
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

static void (*const writers[])(const struct report *,
			       struct buffer *) = { REPORT_FORMATS(FORMAT_WRITER, FORMAT_WRITER) };

static bool read_suppressions(struct report_options *o, const char *path)
{
	char *trouble;

	if (!o->suppressions)
		o->suppressions = suppressions_new();
	trouble = suppressions_read(o->suppressions, path);
	if (!trouble)
		return true;
	complaint_print("lsatrace", "%s", trouble);
	free(trouble);
	return false;
}

static bool are_one_file(const char *one, const char *other)
{
	struct stat a, b;

	return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

static bool read_baseline(struct report_options *o)
{
	char *trouble;

	if (o->prunes && !o->baseline_file) {
		complaint_print("lsatrace", "--prune needs --baseline");
		return false;
	}
	if (!o->baseline_file)
		return true;
	o->baseline = baseline_new();
	trouble = baseline_read(o->baseline, o->baseline_file);
	if (trouble)
		complaint_print("lsatrace", "%s", trouble);
	else if (o->prunes && baseline_is_report(o->baseline))
		complaint_print(o->baseline_file,
				"this is a JSON report, which --prune cannot change");
	else
		return true;
	free(trouble);
	return false;
}

static enum report_format format_of(const struct report_options *o, const struct report_file *file)
{
	return file->has_format ? file->format : o->format;
}

/* Of two reports in one file, the first one would be lost. Two in one format are the same, and devices take
 * any number. */
static bool check_files(const struct report_options *o)
{
	struct stat status;

	for (size_t i = 0; i < o->files; i++) {
		const struct report_file *file = &o->file[i];

		if (stat(file->path, &status) == 0 && !S_ISREG(status.st_mode))
			continue;
		for (size_t k = 0; k < i; k++) {
			if (strcmp(file->path, o->file[k].path) != 0 ||
			    format_of(o, file) == format_of(o, &o->file[k]))
				continue;
			complaint_print(file->path, "two formats cannot be written to one file");
			return false;
		}
	}
	return true;
}

bool report_prepare(struct report_options *o, bool says_so)
{
	bool has_default = access(SUPPRESSIONS_DEFAULT, F_OK) == 0;

	if (!check_files(o))
		return false;
	for (size_t i = 0; i < o->suppression_files.count; i++) {
		const char *path = o->suppression_files.item[i];

		has_default = has_default && !are_one_file(SUPPRESSIONS_DEFAULT, path);
		if (!read_suppressions(o, path))
			return false;
	}
	if (!read_baseline(o))
		return false;
	if (!has_default)
		return true;
	if (says_so)
		complaint_print("lsatrace",
				"suppressions of the current folder: " SUPPRESSIONS_DEFAULT);
	return read_suppressions(o, SUPPRESSIONS_DEFAULT);
}

void report_release(struct report_options *o)
{
	suppressions_free(o->suppressions);
	baseline_free(o->baseline);
	o->suppressions = NULL;
	o->baseline = NULL;
}

enum report_format report_stream_format(const struct report_options *o)
{
	for (size_t i = 0; i < o->files; i++)
		if (format_of(o, &o->file[i]) == o->format)
			return REPORT_FORMAT_text;
	return o->format;
}

static bool has_format(const struct report_options *o, enum report_format format)
{
	bool has = report_stream_format(o) == format;

	for (size_t i = 0; i < o->files; i++)
		has |= format_of(o, &o->file[i]) == format;
	return has;
}

/* Writes the report in one format. Returns false with one line printed if that fails. */
static bool write_stream(struct report *report, enum report_format format, FILE *out,
			 const char *name, struct progress *progress)
{
	struct buffer text = { 0 };
	int error;

	buffer_stream(&text, out, progress);
	writers[format](report, &text);
	progress_end(progress);
	error = buffer_flush(&text);
	buffer_release(&text);
	/* EPIPE: who reads it has seen enough. */
	if (!error || error == EPIPE)
		return true;
	complaint_print(name, "%s", strerror(error));
	return false;
}

/* Writes the report to one of the files. "-" is the standard output. */
static bool write_file(struct report *report, const struct report_options *o, size_t i,
		       char *const *traces, size_t count, struct progress *progress)
{
	const struct report_file *file = &o->file[i];
	bool is_output = strcmp(file->path, "-") == 0, is_written;
	FILE *out = is_output ? stdout : report_open_file(file->path, traces, count);

	if (!out)
		return false;
	report->has_color = report_wants_color(o->color, out);
	is_written = write_stream(report, format_of(o, file), out, file->path, progress);
	if (is_output || fclose(out) == 0)
		return is_written;
	complaint_print(file->path, "%s", strerror(errno));
	return false;
}

static bool is_filtered(enum report_format format)
{
	return format == REPORT_FORMAT_text || format == REPORT_FORMAT_json;
}

/* Says which format has all findings, though a filter was given. */
static void complain_of_filters(const struct report_options *o)
{
	static const char *const names[] = { REPORT_FORMATS(FORMAT_NAME, FORMAT_NAME) };
	enum report_format format = report_stream_format(o);

	for (size_t i = 0; i < o->files && is_filtered(format); i++)
		format = format_of(o, &o->file[i]);
	if (!is_filtered(format) && selection_is_narrow(&o->selection))
		complaint_print("lsatrace", "filters are for text and JSON: the %s has all findings",
				names[format]);
}

/*
 * Writes the formats that have filters, or the others. CI systems take what a document does not have for
 * passed, so filters are for text and JSON only.
 */
static bool write_all(struct report *report, const struct report_options *o, bool has_filters,
		      char *const *traces, size_t count, struct progress *progress, FILE *out)
{
	enum report_format format = report_stream_format(o);
	bool is_written = true;

	report->has_color = report_wants_color(o->color, out);
	if (is_filtered(format) == has_filters)
		is_written = write_stream(report, format, out, "report", progress);
	for (size_t i = 0; i < o->files; i++) {
		format = format_of(o, &o->file[i]);
		if (is_filtered(format) == has_filters)
			is_written &= write_file(report, o, i, traces, count, progress);
	}
	return is_written;
}

const char *report_doubt(enum report_status status)
{
	static const char *const words[] = {
		[REPORT_UNSURE] =
			"no finding, but something was lost, so that the result is a lower bound",
		[REPORT_EMPTY] = "no finding, but no security package was initialised",
		[REPORT_RUNNING] =
			"no finding, but a traced process still runs, so that the result "
			"is not the last one",
		[REPORT_CRASHED] = "no finding, but a program crashed, though its exit status is 0",
	};

	return status < sizeof(words) / sizeof(*words) ? words[status] : NULL;
}

static enum report_status judge(const struct report_options *o, const struct report *r,
				const struct findings *f)
{
	bool has_package = f->count > 0, is_running = false, is_crash = false;

	for (size_t i = 0; i < r->count; i++) {
		const struct model_process *process = model_process(r->models[i]);

		has_package |= model_has_package(r->models[i]);
		is_running |= process->end == TRACE_END_RUNNING;
		is_crash |= process->exception && !process->exit_status;
	}
	/* Whether findings are there does not depend on whether they are a failure. */
	if (f->failing[TRACE_LEVEL_ERROR] ||
	    (o->fail_on == REPORT_FAIL_ON_WARNING && f->failing[TRACE_LEVEL_WARNING]))
		return REPORT_FINDINGS;
	return !f->is_exact   ? REPORT_UNSURE
	       : !has_package ? REPORT_EMPTY
	       : is_running   ? REPORT_RUNNING
	       : is_crash     ? REPORT_CRASHED
			      : REPORT_CLEAN;
}

/* The file is replaced when the new one is whole: on a full disk, the old one stays. Returns 0 or errno. */
static int replace_baseline(const struct report_options *o)
{
	char *path = realpath(o->baseline_file, NULL), *whole = NULL;
	FILE *in = path ? fopen(path, "re") : NULL, *out = NULL;
	struct stat status;
	int error;

	if (in && fstat(fileno(in), &status) == 0 && asprintf(&whole, "%s.new", path) >= 0)
		out = fopen(whole, "we");
	error = out ? baseline_prune(o->baseline, in, out) : errno;
	if (out && (fchmod(fileno(out), status.st_mode & 07777) | fclose(out)) != 0 && !error)
		error = errno;
	if (!error && rename(whole, path) != 0)
		error = errno;
	if (out && error)
		unlink(whole);
	if (in)
		fclose(in);
	free(whole);
	free(path);
	return error;
}

/* What was not found in a result that is a lower bound may be there still. */
static bool prune_baseline(const struct report_options *o, const struct findings *f)
{
	int error;

	bool is_whole = results_are_whole(o->sweep);

	if (!f->is_exact || f->other_kinds || !is_whole) {
		complaint_print(o->baseline_file, "not pruned, because %s",
				!is_whole     ? "the sweep is not complete"
				: f->is_exact ? "--leak-kinds leaves out leaks"
					      : "the result is a lower bound");
		return true;
	}
	error = replace_baseline(o);
	if (error)
		complaint_print(o->baseline_file, "%s", strerror(error));
	return !error;
}

/* What the run as it is has found is known. */
static void compare_with_sweep(struct results *sweep, struct findings *f)
{
	struct known known = { 0 };

	for (size_t i = 0; i < f->count; i++) {
		const struct finding *finding = findings_look(f, i);

		if (finding->level != TRACE_LEVEL_NOTE && results_know(sweep, finding))
			findings_compare(f, i, finding->count, false);
		if (finding->baseline == FINDING_KNOWN)
			known_add(&known, known_key(finding), 1);
	}
	findings_count(f);
	results_forget(sweep, &known);
	known_release(&known);
}

/* Writes the report of the open traces to `out`, and to the files. */
static enum report_status write_reports(const struct report_options *o, struct report *report,
					char *const *paths, size_t count, struct progress *progress,
					FILE *out)
{
	struct symbols *symbols = symbols_new(progress);
	struct findings *findings;
	enum report_status status;
	struct buffer offsets = { 0 };

	if (has_format(o, REPORT_FORMAT_html))
		report_begin_html(report);
	symbols_look_in(symbols, &o->places);
	findings = findings_new(report->models, report->count, findings_name_by(symbols),
				&o->wrappers);
	/* That they were is said with what came of it. */
	if (o->sweep)
		findings_drop_injected(findings);
	if ((o->baseline || has_format(o, REPORT_FORMAT_baseline)) &&
	    baseline_warn(findings, symbols, &offsets))
		report->offsets = offsets.data;
	if (o->suppressions)
		suppressions_apply(o->suppressions, findings);
	if (o->sweep && !results_are_whole(o->sweep))
		baseline_set_partial(o->baseline);
	if (o->sweep)
		endings_compare(o->sweep, o->baseline);
	if (o->baseline)
		baseline_apply(o->baseline, findings);
	if (o->sweep)
		compare_with_sweep(o->sweep, findings);
	/* All findings are judged, also those that a filter hides. */
	status = judge(o, report, findings);
	report->findings = findings;
	report->symbols = symbols;
	report->suppressions = o->suppressions;
	report->baseline = o->baseline;
	report->generates = o->generates;
	report->sources = sources_new(o->source_root);
	report->fails_on_warning = o->fail_on == REPORT_FAIL_ON_WARNING;
	report->view = &o->view;
	report->selection = &o->selection;
	complain_of_filters(o);
	if (!write_all(report, o, false, paths, count, progress, out))
		status = REPORT_TROUBLE;
	if (o->prunes && status != REPORT_TROUBLE && !prune_baseline(o, findings))
		status = REPORT_TROUBLE;
	if (findings->count)
		selection_complain(&o->selection, findings);
	selection_apply(&o->selection, findings);
	if (!write_all(report, o, true, paths, count, progress, out))
		status = REPORT_TROUBLE;
	sources_free(report->sources);
	buffer_release(&offsets);
	if (has_format(o, REPORT_FORMAT_html))
		report_end_html(report);
	findings_free(findings);
	symbols_free(symbols);
	return status;
}

void report_complain_of_symbols(const char *subject, struct symbols *symbols)
{
	const char *words;

	for (size_t i = 0; (words = symbols_changed(symbols, i)) != NULL; i++)
		complaint_print(
			subject,
			"%s is not the file that was traced, so its frames have only offsets",
			words);
	for (size_t i = 0; (words = symbols_missing(symbols, i)) != NULL; i++)
		complaint_print(subject, "%s", words);
}

void report_excuse_killed(struct model *model)
{
	if (model_was_killed(model))
		model_excuse_live(model);
}

/* Lets the models begin at a checkpoint. A process that has not set it counts as a whole, so that a
 * leak of it is not hidden. Returns false, with one line printed, if none has set it. */
static bool look_since(struct model *const *models, size_t count, const char *checkpoint)
{
	const struct trace_checkpoint *other;
	struct buffer others = { 0 };
	struct reader_cursor c = { 0 };
	bool is_set = false;

	for (size_t i = 0; i < count; i++)
		is_set |= model_look_since(models[i], checkpoint);
	while (count && !is_set && others.used < 200 &&
	       (other = model_next_checkpoint(models[0], &c)) != NULL) {
		buffer_text(&others, others.used ? ", " : "; there are: ");
		buffer_plain(&others, other->name);
	}
	if (!is_set)
		complaint_print(
			"lsatrace",
			"no checkpoint '%s' was set%s; a time is 2026-11-29 21:05, 21:05:47 or -8h",
			checkpoint, others.used ? others.data : "");
	buffer_release(&others);
	return is_set;
}

enum report_status report_traces(const struct report_options *options, char *const *paths,
				 size_t count, FILE *out)
{
	struct model **models = memory_new(count, sizeof(struct model *));
	struct model_events *events = memory_new(count, sizeof(*events));
	struct report report = { .models = models, .events = events };
	struct progress progress = { 0 };
	enum report_status status = REPORT_CLEAN;
	bool is_found;

	for (size_t i = 0; i < count; i++) {
		models[report.count] = report_open_trace(paths[i], &events[report.count], &progress);
		if (models[report.count] && options->leak_kinds)
			model_set_leak_kinds(models[report.count], options->leak_kinds);
		if (models[report.count] && options->sweep)
			report_excuse_killed(models[report.count]);
		report.count += models[report.count] != NULL;
	}
	report.has_leak_kinds = options->leak_kinds != 0;
	report.since = options->since;
	report.sweep = options->sweep;
	report.has_growth = options->has_growth;
	is_found = !options->since || look_since(models, report.count, options->since);
	if (report.count && is_found)
		status = write_reports(options, &report, paths, count, &progress, out);
	if (report.count < count || !is_found)
		status = REPORT_TROUBLE;
	for (size_t i = 0; i < report.count; i++)
		model_close(models[i]);
	free(models);
	free(events);
	return status;
}
