/* SPDX-License-Identifier: MIT */
/*
 * What a sweep knows, and its folder: `arguments`, for --resume; and for each run a folder, 0000 for the run
 * as it is, with the traces, `output`, and `ended`, which says how it ended.
 *
 * For one thread.
 */
#ifndef LSATRACE_VIEWER_SWEEP_STATE_H
#define LSATRACE_VIEWER_SWEEP_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "viewer/base/progress.h"
#include "viewer/record/settings.h"
#include "viewer/report/report.h"
#include "viewer/sites/results.h"

#define CRASH_FILE "crash"   /* of a run: the stack of its last crash */
#define STRAYS_FILE "strays" /* the processes that it has left behind, and that were killed */

struct run;
struct symbols;

struct sweep {
	/* From the command line: */
	struct settings settings; /* of each run */
	struct report_options report;
	uint32_t jobs, timeout_seconds, max_runs, max_seconds, nth, error_status;
	bool has_pairs;
	const char *resume;   /* the folder of a sweep that goes on; NULL: of none */
	char *const *command; /* ends with NULL */
	/* The rest begins zeroed. */
	char *folder;
	struct results results;
	struct run *runs; /* by number, as results.all */
	pid_t runner;     /* runner.h; 0: there is none, and the pipes: */
	int requests, answers;
	uint64_t end_ns;      /* of --max-time, or 0 */
	struct known singles; /* what is new in runs in which one call fails */
	int lock;             /* the open file `arguments`; 0: it is not open */
	struct symbols *symbols;
	struct progress progress;
	int alike; /* the wait status of the run as it is */
};

/* The folder of a run, to be freed; and of a file in it. */
char *sweep_folder(const struct sweep *s, size_t run);
char *sweep_file(const struct sweep *s, size_t run, const char *name);
/* Is it the name of a trace of a run? */
bool sweep_is_trace(const char *name);
void sweep_release(struct sweep *s);

#endif
