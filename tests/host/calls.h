/* SPDX-License-Identifier: MIT */
#ifndef HOST_CALLS_H
#define HOST_CALLS_H

/*
 * The host's calls into a package. Each begins with a known errno, and tells what has become of
 * it: nobody between the host and the package may change it, and bare and traced runs of one
 * package must agree.
 *
 * What the package hands over (names, tokens, buffers in the client) is freed by the host's own
 * means, not through the table.
 */

#include "loader.h"

struct answer {
	NTSTATUS status;
	NTSTATUS protocol_status;
	int error; /* errno afterwards, 0 if it was left alone */
	char text[8192];
};

/* InitializePackage, Initialize and GetInfo, as far as the package has them. Prints the results. */
void call_initialise(struct package *package, ULONG id);

/* LogonUserEx2, LogonUserEx or LogonUser, then LogonTerminated: the first that there is. */
void call_logon(const struct package *package);

/* CallPackage. From any thread. */
void call_package(const struct package *package, PLSA_CLIENT_REQUEST request, const char *command,
		  struct answer *answer);

void call_shutdown(const struct package *package);

#endif
