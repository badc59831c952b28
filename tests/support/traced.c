/* SPDX-License-Identifier: MIT */
#include "traced.h"

#include <criterion/criterion.h>

/* Ends a command, and the rest of its process group, when it takes too long. */
#define BOUNDED "timeout", "-k", "1", "120"

json_t *traced_report(const char *const traces[], int *status)
{
	struct arguments command = { 0 };
	json_error_t error;
	struct run run;
	json_t *report;

	arguments_add_all(&command, COMMAND(LSATRACE, "report", "--format=json"));
	arguments_add_all(&command, traces);
	run = run_command((const char *const *)command.all);
	report = json_loads(run.out, 0, &error);
	cr_assert_not_null(report, "status %d, %s\n%s%s", run.status, error.text, run.out, run.err);
	*status = run.status;
	run_release(&run);
	arguments_release(&command);
	return report;
}

void traced_look(struct traced *traced)
{
	json_decref(traced->report);
	traced->report = NULL;
	arguments_release(&traced->traces);
	folder_list(&traced->traces, traced->folder, "");
	if (traced->traces.count > 0)
		traced->report = traced_report((const char *const *)traced->traces.all,
					       &traced->report_status);
}

struct run traced_bare(const char *const command[])
{
	struct arguments line = { 0 };
	struct run run;

	arguments_add_all(&line, COMMAND(BOUNDED));
	arguments_add_all(&line, command);
	run = run_command((const char *const *)line.all);
	arguments_release(&line);
	return run;
}

struct traced traced_run(char *folder, const char *const command[])
{
	struct traced traced = { .folder = folder, .run = traced_bare(command) };

	traced_look(&traced);
	return traced;
}

struct traced traced_record(const char *const options[], const char *const command[])
{
	struct arguments line = { 0 };
	char *folder = temporary_folder_new();
	struct traced traced;

	arguments_add_all(&line, COMMAND(LSATRACE, "record"));
	arguments_add(&line, "--output=%s/%%p.trace", folder);
	arguments_add_all(&line, options);
	arguments_add(&line, "--");
	arguments_add_all(&line, command);
	traced = traced_run(folder, (const char *const *)line.all);
	arguments_release(&line);
	return traced;
}

void traced_release(struct traced *traced)
{
	json_decref(traced->report);
	run_release(&traced->run);
	arguments_release(&traced->traces);
	temporary_folder_remove(traced->folder);
	*traced = (struct traced){ 0 };
}
