/* SPDX-License-Identifier: MIT */
#ifndef HOST_CALLS_H
#define HOST_CALLS_H

/*
 * The host's calls into a package. Each starts with a known errno, and reports what errno is
 * afterwards. Nobody between host and package may change it: a traced run must give the same result
 * as an untraced one.
 *
 * The host frees what the package returns (names, tokens, buffers in the client) by its own
 * functions, not through the table.
 */

#include "loader.h"

struct answer {
	NTSTATUS status;
	NTSTATUS protocol_status;
	int error; /* errno afterwards; 0 if it did not change */
	char text[8192];
};

/* Calls those of InitializePackage, Initialize and GetInfo that the package has. Prints the
 * results. */
void call_initialise(struct package *package, ULONG id);

/* Calls the first of LogonUserEx2, LogonUserEx and LogonUser that the package has, then
 * LogonTerminated. */
void call_logon(const struct package *package);

/* Calls CallPackage. Any thread. */
void call_package(const struct package *package, PLSA_CLIENT_REQUEST request, const char *command,
		  struct answer *answer);

void call_shutdown(const struct package *package);

#endif
