/* SPDX-License-Identifier: MIT */
#include "viewer/export/pack.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viewer/base/arguments.h"
#include "viewer/base/buffer.h"
#include "viewer/base/complaint.h"
#include "viewer/base/progress.h"
#include "viewer/commands/commands.h"
#include "viewer/model/model.h"
#include "viewer/read/trouble.h"
#include "viewer/report/report.h"
#include "viewer/symbols/symbols.h"

struct request {
	const char *file; /* NULL: beside the trace; "-": standard output */
	struct places places;
};

static const struct argument rows[] = {
	{ "output", 'o', "FILE", "write to FILE (default TRACE.zst; - is standard output)",
	  arguments_take_text, ARGUMENT_INTO(request, file) },
};

/* "a.trace.zst: 3.2 MiB, from 64.0 MiB, with 1234 symbols" */
static void tell_sums(const char *file, const struct pack_sums *sums)
{
	struct buffer line = { 0 };

	buffer_plain(&line, file);
	buffer_text(&line, ": ");
	buffer_size(&line, sums->packed_bytes);
	buffer_text(&line, ", from ");
	buffer_size(&line, sums->trace_bytes);
	buffer_format(&line, ", with %" PRIu64 " symbols\n", sums->symbols);
	fputs(line.data, stdout);
	buffer_release(&line);
}

static bool write_packed(const struct request *r, const struct model *model, const char *trace,
			 FILE *out, struct progress *progress, struct pack_sums *sums)
{
	struct symbols *symbols = symbols_new(progress);
	struct trouble trouble;
	bool is_written;

	symbols_look_in(symbols, &r->places);
	is_written = pack_write(model, symbols, progress, out, sums, &trouble);
	if (!is_written)
		complaint_print(trace, "%s", trouble.text);
	report_complain_of_symbols("lsatrace pack", symbols);
	symbols_free(symbols);
	return is_written;
}

static bool pack(const struct request *r, const struct model *model, char *trace, const char *file,
		 struct progress *progress)
{
	bool is_output = strcmp(file, "-") == 0, is_written;
	FILE *out = is_output ? stdout : report_open_file(file, &trace, 1);
	struct stat status;
	struct pack_sums sums;
	bool is_regular;

	if (!out)
		return false;
	is_regular = fstat(fileno(out), &status) == 0 && S_ISREG(status.st_mode);
	/* Who may not read the trace may not read this either. */
	if (is_regular && !is_output && stat(trace, &status) == 0)
		fchmod(fileno(out), status.st_mode & 0777);
	is_written = write_packed(r, model, trace, out, progress, &sums);
	if (ferror(out) | (is_output ? fflush(out) : fclose(out))) {
		complaint_print(is_output ? "standard output" : file, "%s", strerror(errno));
		is_written = false;
	}
	if (!is_output && is_written)
		tell_sums(file, &sums);
	/* Half of a trace is of no use. */
	if (!is_output && !is_written && is_regular)
		unlink(file);
	return is_written;
}

int command_pack(int argc, char **argv)
{
	struct request request = { 0 };
	struct progress progress = { 0 };
	struct arguments arguments = {
		.operands = "TRACE",
		.description =
			"Writes the trace with the names of the functions and the lines that\n"
			"its backtraces need, compressed (zstd). Every command reads it on any\n"
			"machine, without the binaries.\n",
		.statuses =
			"The exit status is 0, or 2 if the trace could not be read or the file\n"
			"not be written.\n",
		.operand = "trace",
		.is_single = true,
		.bad_status = COMMAND_TROUBLE,
		.group = { ARGUMENT_GROUP(rows, &request), places_arguments(&request.places) },
	};
	int status, first = arguments_parse(&arguments, argc, argv, &status);
	struct buffer beside = { 0 };
	struct model *model;
	bool is_written;

	if (!first)
		return status;
	model = report_open_trace(argv[first], NULL, &progress);
	if (!model)
		return COMMAND_TROUBLE;
	buffer_text(&beside, argv[first]);
	buffer_text(&beside, ".zst");
	is_written = pack(&request, model, argv[first], request.file ? request.file : beside.data,
			  &progress);
	buffer_release(&beside);
	model_close(model);
	return is_written ? 0 : COMMAND_TROUBLE;
}
