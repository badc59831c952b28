/* SPDX-License-Identifier: MIT */
/* The entry points that all kinds of authentication packages have. Any thread. */
#ifndef LSATRACE_HOST_PACKAGE_AUTHENTICATE_H
#define LSATRACE_HOST_PACKAGE_AUTHENTICATE_H

#include "viewer/host/memory/clients.h"
#include "viewer/host/package/packages.h"

/* What a client submits, and where it lies in its memory. It is copied: packages may write to what they are handed. */
struct submission {
	const void *bytes;
	ULONG length;
	PVOID base;
};

enum logon_entry { LOGON_EX2, LOGON_EX, LOGON_PLAIN, LOGON_NEWEST };

/* The first of LogonUserEx2, LogonUserEx and LogonUser that the package has, or the one that is asked for. Returns false if
 * there is none. */
struct logon {
	enum logon_entry entry;
	SECURITY_LOGON_TYPE type;
	NTSTATUS status, sub_status;
	LUID id;
};
bool package_log_on(const struct package *package, struct client *client,
		    const struct submission *submission, struct logon *logon);

enum call_entry { CALL_TRUSTED, CALL_UNTRUSTED, CALL_PASSTHROUGH };

struct call {
	enum call_entry entry;
	NTSTATUS status, protocol_status;
	unsigned char *reply; /* to be freed, or NULL */
	ULONG reply_bytes;
};
/* Returns false if the package has no such entry point. */
bool package_call(const struct package *package, struct client *client,
		  const struct submission *submission, struct call *call);

/* Returns false if the package has no LogonTerminated. */
bool package_terminate(const struct package *package, const LUID *id);

#endif
