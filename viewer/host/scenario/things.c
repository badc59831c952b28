/* SPDX-License-Identifier: MIT */
#include "viewer/host/scenario/things.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/host/base/memory.h"
#include "viewer/host/lsa/sessions.h"
#include "viewer/host/package/authenticate.h"
#include "viewer/host/package/entry.h"

struct client *things_client(struct things *things, const char *name, bool is_trusted)
{
	struct named_client *named = things->clients;

	while (named && strcmp(named->name, name) != 0)
		named = named->next;
	if (named)
		return named->client;
	named = memory_new(sizeof(*named));
	named->name = memory_text(name);
	named->client = client_new(is_trusted);
	named->next = things->clients;
	things->clients = named;
	return named->client;
}

struct thing *things_add(struct things *things, enum thing_kind kind, struct package *package,
			 struct client *client, const char *name)
{
	struct thing *thing = memory_new(sizeof(*thing));

	thing->kind = kind;
	thing->package = package;
	thing->client = client;
	thing->name = memory_text(name);
	thing->next = things->all;
	things->all = thing;
	return thing;
}

struct thing *things_find(const struct things *things, enum thing_kind kind,
			  const struct package *package, const char *name)
{
	for (struct thing *thing = things->all; thing; thing = thing->next)
		if (thing->kind == kind && thing->package == package &&
		    (!name || strcmp(thing->name, name) == 0))
			return thing;
	return NULL;
}

void things_remove(struct things *things, struct thing *thing)
{
	struct thing **place = &things->all;

	while (*place != thing)
		place = &(*place)->next;
	*place = thing->next;
	free(thing->name);
	free(thing);
}

void things_terminate(const struct package *package, const LUID *id)
{
	package_terminate(package, id);
	session_end(id);
}

static void call_with_handle(const struct thing *thing, const char *entry_name,
			     NTSTATUS (*function)(LSA_SEC_HANDLE))
{
	struct entry entry;

	if (!function)
		return;
	entry_begin(&entry, thing->package, entry_name, thing->client);
	entry_seal(&entry);
	entry_returned(&entry, function(thing->handle));
	entry_end(&entry);
}

void things_end_one(struct things *things, struct thing *thing)
{
	switch (thing->kind) {
	case THING_LOGON:
		things_terminate(thing->package, &thing->logon);
		break;
	case THING_CREDENTIAL:
		call_with_handle(thing, "SpFreeCredentialsHandle",
				 thing->package->api.FreeCredentialsHandle);
		break;
	case THING_USER_CONTEXT:
		call_with_handle(thing, "SpDeleteUserModeContext",
				 thing->package->user.DeleteUserModeContext);
		break;
	case THING_CONTEXT:
		call_with_handle(thing, "SpDeleteContext", thing->package->api.DeleteContext);
	}
	things_remove(things, thing);
}

static void end_client(struct things *things, struct named_client **place)
{
	static const enum thing_kind order[] = { THING_USER_CONTEXT, THING_CONTEXT,
						 THING_CREDENTIAL, THING_LOGON };
	struct named_client *named = *place;

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		for (struct thing *thing = things->all, *next; thing; thing = next) {
			next = thing->next;
			if (thing->kind == order[i] && thing->client == named->client)
				things_end_one(things, thing);
		}
	}
	*place = named->next;
	client_end(named->client);
	free(named->name);
	free(named);
}

void things_end(struct things *things, const char *name)
{
	for (struct named_client **place = &things->clients; *place;) {
		if (!name || strcmp((*place)->name, name) == 0)
			end_client(things, place);
		else
			place = &(*place)->next;
	}
}
