/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_TRACED_H
#define SUPPORT_TRACED_H

/*
 * Commands traced by the products, and what the report says of them. What goes wrong with the
 * products themselves, such as a report that is no JSON, fails the calling test.
 */

#include <jansson.h>

#include "run.h"

/* A list of strings that ends with NULL. */
#define COMMAND(...) ((const char *const[]){ __VA_ARGS__, NULL })

struct traced {
	char *folder;            /* that holds the traces */
	struct arguments traces; /* their paths, in the order of their names */
	struct run run;
	json_t *report; /* of all of them; NULL: there is none */
	int report_status;
};

/*
 * Runs `lsatrace record OPTION... -- COMMAND`, bounded in time. Traces are named PID.trace, in a new
 * folder that is removed on release; options that come later may say otherwise.
 */
struct traced traced_record(const char *const options[], const char *const command[]);

/* Runs a command, bounded in time, with that folder being where its traces will be. */
struct traced traced_run(char *folder, const char *const command[]);

/* Looks for traces, and reports on them, again. */
void traced_look(struct traced *traced);

void traced_release(struct traced *traced);

/* The report of some traces; to be released by json_decref(). */
json_t *traced_report(const char *const traces[], int *status);

/* Runs a command as it is, but bounded in time. */
struct run traced_bare(const char *const command[]);

#endif
