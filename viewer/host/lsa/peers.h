/* SPDX-License-Identifier: MIT */
/*
 * Calls from package to package. A package that is loaded is called. The host plays every other one: it returns what was
 * submitted, or what peer_add() says. Any thread.
 */
#ifndef LSATRACE_HOST_LSA_PEERS_H
#define LSATRACE_HOST_LSA_PEERS_H

#include <stddef.h>

#include "include/secpkg.h"

/* From now on the package NAME returns this. `reply` is copied; NULL: what was submitted. */
void peer_add(const char *name, NTSTATUS status, NTSTATUS protocol_status, const void *reply,
	      size_t reply_bytes);

/* These are slots of the table. */
LSA_CALL_PACKAGE peer_call;
LSA_CALL_PACKAGEEX peer_call_ex;
LSA_CALL_PACKAGE_PASSTHROUGH peer_call_passthrough;

#endif
