/* SPDX-License-Identifier: MIT */
#include "viewer/export/export.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/export/gzip.h"
#include "viewer/model/model.h"
#include "viewer/profile/profile.h"
#include "viewer/report/report.h"
#include "viewer/symbols/symbols.h"

#define EXPORT_WRITER(name, help) export_write_##name,

static bool (*const writers[])(const struct export *,
			       struct buffer *) = { EXPORT_FORMATS(EXPORT_WRITER) };

struct profile *export_profile(const struct export *e)
{
	struct trouble trouble;
	size_t failed;
	struct profile *profile =
		profile_new(e->models, e->count, NULL, e->progress, &failed, &trouble);

	if (!profile)
		complaint_print(model_path(e->models[failed]), "%s", trouble.text);
	return profile;
}

const char *export_bound(bool is_exact)
{
	return is_exact ? "" : " (a lower bound)";
}

/* Writes to `out`, and closes it if it is no standard output. Returns 0 or errno. */
static int write_format(enum export_format format, const struct export *e, FILE *out, bool *is_read)
{
	FILE *inner = format == EXPORT_pprof ? gzip_open(out) : out;
	struct buffer text = { 0 };
	int error;

	/* What is compressed ends in a file as well, or does not. */
	buffer_stream(&text, out, e->progress);
	text.out = inner;
	*is_read = writers[format](e, &text);
	progress_end(e->progress);
	error = buffer_flush(&text);
	buffer_release(&text);
	if (inner != out && fclose(inner) != 0 && !error)
		error = errno;
	if ((out == stdout ? fflush(out) : fclose(out)) != 0 && !error)
		error = errno;
	return error;
}

static bool write_models(enum export_format format, const struct export *e, char *const *paths,
			 size_t count)
{
	bool is_read;
	FILE *out;
	int error;

	if (format == EXPORT_ctf)
		return writers[format](e, NULL);
	out = e->file ? report_open_file(e->file, paths, count) : stdout;
	if (!out)
		return false;
	error = write_format(format, e, out, &is_read);
	/* EPIPE: who reads it has seen enough. */
	if (error && error != EPIPE) {
		complaint_print(e->file ? e->file : "standard output", "%s", strerror(error));
		return false;
	}
	return is_read;
}

bool export_traces(enum export_format format, const char *file, const struct places *places,
		   char *const *paths, size_t count)
{
	struct model **models = memory_new(count, sizeof(struct model *));
	struct model_events *events = memory_new(count, sizeof(*events));
	struct progress progress = { 0 };
	struct export e = { .models = models,
			    .events = events,
			    .is_exact = true,
			    .progress = &progress,
			    .file = file };
	bool is_written = false;

	for (size_t i = 0; i < count; i++) {
		models[e.count] = report_open_trace(paths[i], &events[e.count], &progress);
		e.is_exact = e.is_exact && (!models[e.count] || model_is_exact(models[e.count]));
		e.count += models[e.count] != NULL;
	}
	e.symbols = symbols_new(&progress);
	if (places)
		symbols_look_in(e.symbols, places);
	if (e.count)
		is_written = write_models(format, &e, paths, count);
	if (is_written && !e.is_exact)
		complaint_print("lsatrace",
				"something was lost, so that what is exported is a lower bound");
	report_complain_of_symbols("lsatrace export", e.symbols);
	symbols_free(e.symbols);
	for (size_t i = 0; i < e.count; i++)
		model_close(models[i]);
	is_written = is_written && e.count == count;
	free(models);
	free(events);
	return is_written;
}
