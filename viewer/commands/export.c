/* SPDX-License-Identifier: MIT */
#include "viewer/export/export.h"

#include <stdbool.h>

#include "viewer/base/arguments.h"
#include "viewer/base/complaint.h"
#include "viewer/commands/commands.h"
#include "viewer/symbols/places.h"

#define FORMAT_WORD(name, help) "|" #name
#define FORMAT_WORDS (&EXPORT_FORMATS(FORMAT_WORD)[1])
#define FORMAT_LINE(name, help) "  " #name ": " help "\n"

struct request {
	enum export_format format; /* EXPORT_COUNT: none was given */
	const char *file;          /* NULL: standard output */
	struct places places;
};

int command_export(int argc, char **argv)
{
	static const struct argument rows[] = {
		{ "to", 0, FORMAT_WORDS, "the format; must be given", arguments_take_choice,
		  ARGUMENT_INTO(request, format) },
		{ "output", 'o', "FILE", "write to FILE (default: -, which is standard output)",
		  arguments_take_output, ARGUMENT_INTO(request, file) },
	};
	struct request request = { .format = EXPORT_COUNT };
	struct arguments arguments = {
		.operands = "TRACE...",
		.description = "Writes the traces in the format of another tool:\n" EXPORT_FORMATS(
			FORMAT_LINE),
		.statuses = "The exit status is 0, or 2 if a trace could not be read or the file\n"
			    "not be written.\n",
		.operand = "trace",
		.bad_status = COMMAND_TROUBLE,
		.group = { ARGUMENT_GROUP(rows, &request), places_arguments(&request.places) },
	};
	int status, first = arguments_parse(&arguments, argc, argv, &status);

	if (!first)
		return status;
	if (request.format == EXPORT_COUNT) {
		complaint_print("lsatrace export", "--to=FORMAT is missing: %s", FORMAT_WORDS);
		return COMMAND_TROUBLE;
	}
	if (request.format == EXPORT_ctf && !request.file) {
		complaint_print(
			"lsatrace export",
			"--to=ctf writes a folder, not to standard output: -o FOLDER is missing");
		return COMMAND_TROUBLE;
	}
	return export_traces(request.format, request.file, &request.places, argv + first,
			     (size_t)(argc - first))
		       ? 0
		       : COMMAND_TROUBLE;
}
