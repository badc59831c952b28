/* SPDX-License-Identifier: MIT */
#include "viewer/record/recording.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/complaint.h"
#include "viewer/record/launch.h"
#include "viewer/record/output.h"
#include "viewer/record/untraced.h"

/* Returns the library's path, to be freed, or NULL with one line printed. */
static char *find_library(void)
{
	char *library = launch_find_library();

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

static void explain_no_trace(const char *options, const char *command)
{
	char *tables = settings_find(options, "table");
	char why[PATH_MAX + 256];

	untraced_explain(command, tables, why, sizeof(why));
	complaint_print("lsatrace", "no security package was initialised in '%s': %s", command, why);
	free(tables);
}

/* Runs the command, and reads the session file. Returns the exit status. */
static int run_command(struct session *session, const char *library, const char *options,
		       char *const *command)
{
	/* Into a program that cannot load it, nothing is preloaded. */
	struct launch launch = { untraced_is_foreign(command[0]) ? NULL : library, options,
				 session->path };
	struct launch_outcome outcome = { 0 };

	switch (launch_command(&launch, command, &outcome)) {
	case LAUNCH_NOT_STARTED:
		complaint_print("lsatrace", "cannot make a process: %s", strerror(outcome.error));
		return LAUNCH_FAILED;
	case LAUNCH_NOT_RUN:
		/* execvp() says EACCES if it cannot search a folder of PATH. */
		if (outcome.error == EACCES && !untraced_is_there(command[0]))
			outcome.error = ENOENT;
		complaint_print("lsatrace", "cannot run '%s': %s", command[0],
				strerror(outcome.error));
		return outcome.error == ENOENT ? LAUNCH_NOT_FOUND : LAUNCH_CANNOT_RUN;
	case LAUNCH_ENDED:
		break;
	}
	session_read(session);
	session_mark_end(session, outcome.pid, outcome.wait_status);
	/* A process that could make no trace has said why itself. */
	if (session->trace_count == 0 && !session->has_failure)
		explain_no_trace(options, command[0]);
	return launch_exit_status(outcome.wait_status);
}

int recording_run(struct recording *r, char *const *command)
{
	char *library = find_library(), *options;
	int status = LAUNCH_FAILED;

	if (!library || !output_remove_old(r->settings.output)) {
		free(library);
		return status;
	}
	options = settings_join(&r->settings);
	if (session_open(&r->session))
		status = run_command(&r->session, library, options, command);
	else
		complaint_print("lsatrace", "cannot make a temporary file: %s", strerror(errno));
	free(options);
	free(library);
	return status;
}

void recording_tell_untraced(const struct recording *r)
{
	for (size_t i = 0; i < r->session.untraced_count; i++) {
		const struct session_program *p = &r->session.untraced[i];

		if (p->count == 1)
			complaint_print("lsatrace", "not traced: %s", p->text);
		else
			complaint_print("lsatrace", "not traced: %s (%u times)", p->text, p->count);
	}
}

void recording_release(struct recording *r)
{
	settings_release(&r->settings);
	session_release(&r->session);
	*r = (struct recording){ 0 };
}
