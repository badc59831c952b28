/* SPDX-License-Identifier: MIT */
#include "viewer/record/recording.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/complaint.h"
#include "viewer/record/launch.h"
#include "viewer/record/output.h"
#include "viewer/record/untraced.h"

/* Returns the library's path, to be freed, or NULL with one line printed. */
static char *find_library(void)
{
	char *library = launch_find_part("liblsatrace.so");

	if (!library) {
		complaint_print("lsatrace", "liblsatrace.so is neither beside lsatrace nor in "
					    "../lib or ../lib/lsatrace");
	} else if (!launch_can_preload(library)) {
		complaint_print("lsatrace",
				"cannot preload '%s': LD_PRELOAD takes no path with a colon or "
				"white space",
				library);
		free(library);
		library = NULL;
	}
	return library;
}

/* Says why there is no trace, unless a process has said so itself. */
static enum recording_gap explain_no_trace(const struct session *session, const char *options,
					   const char *command)
{
	char *tables = settings_find(options, "table");
	char why[PATH_MAX + 256];
	enum recording_gap gap = RECORDING_UNTRACED;

	if (session->refusals.count == 0) {
		if (!untraced_explain(command, tables, why, sizeof(why)))
			gap = RECORDING_NO_PACKAGE;
		/* The last process to end: the others were made by it, or before it. */
		if (gap == RECORDING_NO_PACKAGE && session->of_wine.count > 0)
			snprintf(why, sizeof(why), "%s",
				 session->of_wine.all[session->of_wine.count - 1].text);
		complaint_print("lsatrace", "no security package was initialised in '%s': %s",
				command, why);
	}
	free(tables);
	return gap;
}

/* Runs the command, and reads the session file. Returns the exit status. */
static int run_command(struct recording *r, const char *library, const char *options,
		       char *const *command)
{
	/* Into a program that cannot load it, nothing is preloaded. */
	struct program program = untraced_look_at(command[0]);
	struct launch launch = { .library = program_is_foreign(program.kind) ? NULL : library,
				 .options = options,
				 .session = r->session.path,
				 .sanitizer = program.sanitizer,
				 .watch = r->watch,
				 .watch_path = r->watch_path };
	struct launch_outcome outcome = { 0 };
	char *pattern;

	switch (launch_command(&launch, command, &outcome)) {
	case LAUNCH_NOT_STARTED:
		complaint_print("lsatrace", "cannot make a process: %s", strerror(outcome.error));
		return LAUNCH_FAILED;
	case LAUNCH_NOT_RUN:
		/* execvp() says EACCES if it cannot search a folder of PATH. */
		if (outcome.error == EACCES && untraced_look_at(command[0]).kind == PROGRAM_NONE)
			outcome.error = ENOENT;
		complaint_print("lsatrace", "cannot run '%s': %s", command[0],
				strerror(outcome.error));
		return outcome.error == ENOENT ? LAUNCH_NOT_FOUND : LAUNCH_CANNOT_RUN;
	case LAUNCH_ENDED:
		break;
	}
	pattern = settings_find(options, "output");
	session_read(&r->session, pattern);
	session_mark_end(&r->session, outcome.pid, outcome.wait_status);
	session_wait(&r->session);
	session_wait_for_searches(&r->session);
	if (r->session.trace_count == 0)
		r->gap = explain_no_trace(&r->session, options, command[0]);
	free(pattern);
	return launch_exit_status(outcome.wait_status);
}

int recording_run(struct recording *r, char *const *command)
{
	char *library = find_library(), *pattern = settings_pattern(&r->settings), *options = NULL;
	int status = LAUNCH_FAILED;

	if (library && output_make_folder(r->settings.folder) && output_remove_old(pattern)) {
		options = settings_join(&r->settings);
		if (session_open(&r->session))
			status = run_command(r, library, options, launch_skip(command));
		else
			complaint_print("lsatrace", "cannot make a temporary file: %s",
					strerror(errno));
	}
	free(options);
	free(pattern);
	free(library);
	return status;
}

static void print_texts(const char *before, const struct session_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++) {
		const struct session_text *t = &texts->all[i];

		if (t->count == 1)
			complaint_print("lsatrace", "%s%s", before, t->text);
		else
			complaint_print("lsatrace", "%s%s (%u times)", before, t->text, t->count);
	}
}

void recording_tell_untraced(const struct recording *r)
{
	print_texts("", &r->session.refusals);
	print_texts("not traced: ", &r->session.untraced);
}

void recording_release(struct recording *r)
{
	settings_release(&r->settings);
	session_release(&r->session);
	*r = (struct recording){ 0 };
}
