/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_TRACED_H
#define SUPPORT_TRACED_H

/*
 * Runs commands under build/lsatrace, and keeps what the report says. If lsatrace itself goes
 * wrong, for example if a report is not valid JSON, the calling test fails.
 */

#include <jansson.h>

#include "run.h"

/* The programs that are run, and the libraries that they open. */
#define LSATRACE BUILD_DIR "/lsatrace"
#define LIBRARY BUILD_DIR "/liblsatrace.so"
#define LSA_HOST BUILD_DIR "/tests/lsahost"
#define ODD_HOST BUILD_DIR "/tests/oddhost"
#define AP_HOST BUILD_DIR "/tests/aphost"
#define PACKAGE(name) BUILD_DIR "/tests/packages/" name ".so"
#define BUILT(how) BUILD_DIR "/tests/builds/" how "/built.so"

/* A list of strings that ends with NULL. */
#define COMMAND(...) ((const char *const[]){ __VA_ARGS__, NULL })

struct traced {
	char *folder;            /* holds the traces */
	struct arguments traces; /* their paths, sorted by name */
	struct run run;
	json_t *report; /* on all of them; NULL: there is no trace */
	int report_status;
};

/*
 * Runs `lsatrace record OPTION... -- COMMAND` with a time limit. The traces are named PID.trace, in
 * a new folder that traced_release() removes. The options come later on the command line, and so
 * may choose another name.
 */
struct traced traced_record(const char *const options[], const char *const command[]);

/* Runs a command that writes its traces into a folder, with a time limit. Takes over the
 * folder's path. */
struct traced traced_run(char *folder, const char *const command[]);

/* Looks for traces, and makes the report, again. */
void traced_look(struct traced *traced);

void traced_release(struct traced *traced);

/* Returns the report on some traces, to be released by json_decref(), and lsatrace's exit
 * status. */
json_t *traced_report(const char *const traces[], int *status);

/* Runs a command with a time limit, but not traced. */
struct run traced_bare(const char *const command[]);

#endif
