/* SPDX-License-Identifier: MIT */
/* What the steps of a round have names for: clients, logons, credentials, contexts. One thread. */
#ifndef LSATRACE_HOST_SCENARIO_THINGS_H
#define LSATRACE_HOST_SCENARIO_THINGS_H

#include "viewer/host/memory/clients.h"
#include "viewer/host/package/packages.h"

/* A context has a half in the LSA, and one in the client if the package maps it; both have the same handle. */
enum thing_kind { THING_LOGON, THING_CREDENTIAL, THING_CONTEXT, THING_USER_CONTEXT };

struct thing {
	struct thing *next;
	enum thing_kind kind;
	struct package *package;
	struct client *client;
	char *name;
	LUID logon;
	LSA_SEC_HANDLE handle;
};

struct named_client {
	struct named_client *next;
	char *name;
	struct client *client;
};

struct things {
	struct thing *all; /* newest first */
	struct named_client *clients;
};

/* Returns the client of this name, which begins if it is new. */
struct client *things_client(struct things *things, const char *name, bool is_trusted);

struct thing *things_add(struct things *things, enum thing_kind kind, struct package *package,
			 struct client *client, const char *name);

/* Returns the newest one of this name, of any if that is NULL; or NULL. */
struct thing *things_find(const struct things *things, enum thing_kind kind,
			  const struct package *package, const char *name);
void things_remove(struct things *things, struct thing *thing);

/* Ends a logon: the package is told, and then the LSA deletes the session. */
void things_terminate(const struct package *package, const LUID *id);

/* Has the package end one, and removes it. */
void things_end_one(struct things *things, struct thing *thing);

/* Ends a client, and what the packages have of it; all of them if the name is NULL. */
void things_end(struct things *things, const char *name);

#endif
