/* SPDX-License-Identifier: MIT */
/*
 * Compares the findings of two traces, and the memory that was live at their ends. The older one may be
 * a baseline or a JSON report instead: these have findings only.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/arguments.h"
#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/base/memory.h"
#include "viewer/base/sum.h"
#include "viewer/commands/commands.h"
#include "viewer/findings/findings.h"
#include "viewer/gate/baseline.h"
#include "viewer/gate/suppressions.h"
#include "viewer/model/model.h"
#include "viewer/read/unpack.h"
#include "viewer/report/report.h"
#include "viewer/report/text.h"
#include "viewer/symbols/symbols.h"

/* The blocks and sections of one family in one package. */
struct live {
	uint64_t blocks, bytes;
};

/* What is compared. */
struct side {
	struct model *model; /* NULL: a baseline */
	struct symbols *symbols;
	struct findings *findings;
	struct live live[TRACE_PACKAGES][256];
};

static bool open_side(struct side *side, const char *path, const struct report_options *o)
{
	struct reader_cursor c = { 0 };
	struct model_entry entry;

	side->model = report_open_trace(path, NULL, NULL);
	if (!side->model)
		return false;
	side->symbols = symbols_new(NULL);
	symbols_look_in(side->symbols, &o->places);
	side->findings = findings_new(&side->model, 1, findings_name_by(side->symbols), NULL);
	while (model_next_entry(side->model, &c, &entry)) {
		struct live *live = &side->live[entry.package][entry.family];

		if (entry.state != TRACE_ENTRY_BLOCK || entry.inherited)
			continue;
		sum_add(&live->blocks, 1);
		sum_add(&live->bytes, entry.size);
	}
	return true;
}

static void close_side(struct side *side)
{
	findings_free(side->findings);
	symbols_free(side->symbols);
	model_close(side->model);
	free(side);
}

/* Is it a trace, perhaps a compressed one? If not, it is read as a baseline, whose text begins with the
 * same letters and '-'. */
static bool is_trace(const char *path)
{
	unsigned char magic[sizeof(TRACE_MAGIC)];
	FILE *file = fopen(path, "re");
	size_t count = file ? fread(magic, 1, sizeof(magic), file) : 0;

	if (file)
		fclose(file);
	return unpack_applies(magic, count) ||
	       (count == sizeof(magic) && memcmp(magic, TRACE_MAGIC, sizeof(magic) - 1) == 0 &&
		magic[sizeof(magic) - 1] != '-');
}

static bool read_old(struct side *side, struct baseline *b, const char *path,
		     const struct report_options *o)
{
	char *trouble;

	if (!is_trace(path)) {
		trouble = baseline_read(b, path);
		if (trouble)
			complaint_print("lsatrace", "%s", trouble);
		free(trouble);
		return !trouble;
	}
	if (!open_side(side, path, o))
		return false;
	for (size_t i = 0; i < side->findings->count; i++) {
		const struct finding *f = findings_get(side->findings, i);

		baseline_add(b, f, f->count, &side->findings->namer);
	}
	if (!side->findings->is_exact)
		baseline_set_inexact(b);
	return true;
}

static void write_change(struct buffer *b, const struct finding *f)
{
	if (!f->baseline || (f->baseline == FINDING_KNOWN && f->count == f->ceiling))
		return;
	buffer_text(b, f->baseline == FINDING_NEW     ? "new:    "
		       : f->baseline == FINDING_GROWN ? "grown:  "
						      : "shrunk: ");
	if (f->ceiling)
		buffer_format(b, "%" PRIu64 " -> %" PRIu64 " ", f->ceiling, f->count);
	text_write_headline(b, f);
	buffer_text(b, "\n");
}

static void write_difference(struct buffer *b, uint64_t old, uint64_t new, const char *noun)
{
	buffer_text(b, new < old ? "-" : "+");
	buffer_count(b, new < old ? old - new : new - old, noun);
}

static const struct live *find_live(const struct side *side, const struct model *model,
				    uint32_t package, uint32_t family)
{
	static const struct live none;
	struct buffer name = { 0 }, other = { 0 };
	const struct live *found = &none;

	model_write_package(model, package, &name);
	for (uint32_t i = 0; i < TRACE_PACKAGES && found == &none; i++) {
		other.used = 0;
		model_write_package(side->model, i, &other);
		if (strcmp(name.data, other.data) == 0)
			found = &side->live[i][family];
	}
	buffer_release(&name);
	buffer_release(&other);
	return found;
}

/* Packages are the same if their names are. `is_old`: `side` is the older one. */
static void write_live(struct buffer *b, const struct side *side, const struct side *other,
		       bool is_old)
{
	for (uint32_t i = 0; i < TRACE_PACKAGES; i++)
		for (uint32_t family = 0; family < 256; family++) {
			const struct live *own = &side->live[i][family];
			const struct live *live =
				own->blocks ? find_live(other, side->model, i, family) : own;
			const struct live *old = is_old ? own : live, *new = is_old ? live : own;

			/* What both have is written for the newer one. */
			if (!own->blocks || (is_old && live->blocks) ||
			    (old->blocks == new->blocks && old->bytes == new->bytes))
				continue;
			buffer_text(b, "live:   ");
			model_write_package(side->model, i, b);
			buffer_text(b, " ");
			buffer_plain(b, model_family(side->model, family));
			buffer_text(b, ": ");
			write_difference(b, old->blocks, new->blocks, "block");
			buffer_text(b, ", ");
			write_difference(b, old->bytes, new->bytes, "byte");
			buffer_text(b, "\n");
		}
}

static int write_all(const struct side *old, struct side *new, const struct baseline *b)
{
	struct findings *f = new->findings;
	const struct baseline_entry *entry;
	struct buffer text = { 0 };
	int error;

	buffer_stream(&text, stdout, NULL);
	for (size_t i = 0; i < f->shown; i++)
		write_change(&text, findings_get(f, i));
	for (size_t i = 0; (entry = baseline_get(b, i)) != NULL; i++) {
		if (entry->found)
			continue;
		buffer_text(&text, "gone:   ");
		buffer_plain(&text, entry->kind);
		buffer_text(&text, ": ");
		buffer_plain(&text, entry->words);
		buffer_text(&text, "\n");
	}
	if (old->model) {
		write_live(&text, new, old, false);
		write_live(&text, old, new, true);
	}
	buffer_format(&text, "lsatrace: %zu new, %zu grown, %zu known, %zu gone; %s\n",
		      f->by_baseline[FINDING_NEW], f->by_baseline[FINDING_GROWN],
		      f->by_baseline[FINDING_KNOWN], f->fixed,
		      f->is_exact && baseline_is_exact(b) ? "exact" : "a lower bound");
	error = buffer_flush(&text);
	buffer_release(&text);
	if (error)
		complaint_print("lsatrace diff", "%s", strerror(error));
	return error                                                          ? COMMAND_TROUBLE
	       : f->by_baseline[FINDING_NEW] || f->by_baseline[FINDING_GROWN] ? 1
									      : 0;
}

int command_diff(int argc, char **argv)
{
	struct report_options options = { 0 };
	struct arguments arguments = {
		.operands = "OLD NEW",
		.description = "Compares two traces: which findings are new, gone, grown or "
			       "shrunk, and how the\n"
			       "live memory of each package differs. OLD may be a baseline or a "
			       "JSON report.\n",
		.statuses = "The exit status is 0 if no finding is new or has grown, 1 if one "
			    "has, 2 if a file\ncould not be read.\n",
		.operand = "trace",
		.bad_status = COMMAND_TROUBLE,
		.group = { report_suppression_arguments(&options),
			   places_arguments(&options.places) },
	};
	struct side *old, *new;
	struct baseline *b;
	int status, first = arguments_parse(&arguments, argc, argv, &status);

	if (!first)
		return status;
	if (argc - first != 2) {
		complaint_print("lsatrace diff", "expected two files; see lsatrace diff --help");
		return COMMAND_TROUBLE;
	}
	old = memory_new(1, sizeof(*old));
	new = memory_new(1, sizeof(*new));
	b = baseline_new();
	status = COMMAND_TROUBLE;
	if (report_prepare(&options, true) && read_old(old, b, argv[first], &options) &&
	    open_side(new, argv[first + 1], &options)) {
		if (options.suppressions)
			suppressions_apply(options.suppressions, new->findings);
		baseline_apply(b, new->findings);
		status = write_all(old, new, b);
	}
	baseline_free(b);
	close_side(old);
	close_side(new);
	report_release(&options);
	return status;
}
