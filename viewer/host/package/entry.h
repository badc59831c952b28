/* SPDX-License-Identifier: MIT */
/*
 * A call of an entry point of a package, from its inputs to the checks of its results:
 *
 *	entry_begin();  inputs_copy() ...;  entry_seal();  the call;  entry_returned();  answer_...();  entry_end();
 *
 * Any thread.
 */
#ifndef LSATRACE_HOST_PACKAGE_ENTRY_H
#define LSATRACE_HOST_PACKAGE_ENTRY_H

#include "viewer/host/base/site.h"
#include "viewer/host/memory/clients.h"
#include "viewer/host/package/packages.h"

/* The status of the process if there were faults; and if there were none, but a step did not do what the scenario
 * expects. */
enum { ENTRY_STATUS_FAULTS = 1, ENTRY_STATUS_UNEXPECTED = 3 };

struct entry {
	struct site outer;
	size_t layer; /* of the inputs */
	struct client *client_before;
};

/* `client` is the one that the call is made for, or NULL. */
void entry_begin(struct entry *entry, const struct package *package, const char *name,
		 struct client *client);
/* Makes the inputs read-only. */
void entry_seal(const struct entry *entry);
/* Prints the status, with -v. */
void entry_returned(const struct entry *entry, NTSTATUS status);
void entry_end(const struct entry *entry);

/* How many calls of entry points there were. */
unsigned long entry_count(void);

/* Has it told if a package crashes, accesses what it must not, or calls exit(). Call it once. */
void entry_watch(void);

#endif
