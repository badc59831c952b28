/* SPDX-License-Identifier: MIT */
#include "viewer/host/lsa/peers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/host/base/memory.h"
#include "viewer/host/base/wide.h"
#include "viewer/host/lsa/slot.h"
#include "viewer/host/package/authenticate.h"

struct peer {
	struct peer *next;
	char *name;
	NTSTATUS status, protocol_status;
	void *reply;
	size_t reply_bytes;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct peer *peers;

void peer_add(const char *name, NTSTATUS status, NTSTATUS protocol_status, const void *reply,
	      size_t reply_bytes)
{
	struct peer *peer = memory_new(sizeof(*peer));

	*peer = (struct peer){ .name = memory_text(name),
			       .status = status,
			       .protocol_status = protocol_status,
			       .reply = reply ? memory_copy(reply, reply_bytes) : NULL,
			       .reply_bytes = reply_bytes };
	pthread_mutex_lock(&mutex);
	peer->next = peers;
	peers = peer;
	pthread_mutex_unlock(&mutex);
}

/* Rows are never removed. Returns NULL for a package of which nothing was said. */
static const struct peer *find_peer(const char *name)
{
	const struct peer *peer;

	pthread_mutex_lock(&mutex);
	peer = peers;
	pthread_mutex_unlock(&mutex);
	while (peer && strcmp(peer->name, name) != 0)
		peer = peer->next;
	return peer;
}

/* The package that is called has a client of its own: the memory that it returns there comes to the caller by a
 * block of the LSA's heap. */
static bool call_loaded(const char *name, struct call *call, const struct submission *submission)
{
	const struct package *package = packages_find(name);
	struct client *client;
	bool is_called;

	if (!package || !package->is_ready)
		return false;
	client = client_new(true);
	is_called = package_call(package, client, submission, call);
	client_end(client);
	return is_called;
}

static void call_played(const char *name, struct call *call, const struct submission *submission)
{
	const struct peer *peer = find_peer(name);
	bool has_reply = peer && peer->reply;

	call->status = peer ? peer->status : STATUS_SUCCESS;
	call->protocol_status = peer ? peer->protocol_status : STATUS_SUCCESS;
	call->reply_bytes = has_reply ? (ULONG)peer->reply_bytes : submission->length;
	call->reply = memory_copy(has_reply ? peer->reply : submission->bytes, call->reply_bytes);
}

static NTSTATUS return_reply(struct call *call, PVOID *reply, PULONG bytes,
			     PNTSTATUS protocol_status)
{
	*protocol_status = call->protocol_status;
	if (NT_SUCCESS(call->status) && call->reply_bytes) {
		*reply = slot_copy(HEAP_LSA, call->reply, call->reply_bytes);
		*bytes = call->reply_bytes;
		if (!*reply)
			call->status = STATUS_NO_MEMORY;
	}
	free(call->reply);
	return slot_leave(call->status);
}

static NTSTATUS call_by_name(const char *slot, enum call_entry entry, PUNICODE_STRING name,
			     PVOID submitted, ULONG submitted_bytes, PVOID *reply, PULONG bytes,
			     PNTSTATUS protocol_status)
{
	struct submission submission = { submitted, submitted_bytes, submitted };
	struct call call = { .entry = entry };
	char *text;

	slot_enter(slot);
	if (!slot_check_name("AuthenticationPackage", name) ||
	    !slot_has_output("ProtocolReturnBuffer", reply) ||
	    !slot_has_output("ReturnBufferLength", bytes) ||
	    !slot_has_output("ProtocolStatus", protocol_status))
		return slot_leave(STATUS_INVALID_PARAMETER);
	*reply = NULL;
	*bytes = 0;
	text = name ? wide_to(name->Buffer, name->Length / sizeof(WCHAR)) : memory_text("");
	if (!call_loaded(text, &call, &submission))
		call_played(text, &call, &submission);
	free(text);
	return return_reply(&call, reply, bytes, protocol_status);
}

NTSTATUS peer_call(PUNICODE_STRING name, PVOID submitted, ULONG submitted_bytes, PVOID *reply,
		   PULONG bytes, PNTSTATUS protocol_status)
{
	return call_by_name("CallPackage", CALL_TRUSTED, name, submitted, submitted_bytes, reply,
			    bytes, protocol_status);
}

NTSTATUS peer_call_ex(PUNICODE_STRING name, PVOID base, PVOID submitted, ULONG submitted_bytes,
		      PVOID *reply, PULONG bytes, PNTSTATUS protocol_status)
{
	(void)base;
	return call_by_name("CallPackageEx", CALL_TRUSTED, name, submitted, submitted_bytes, reply,
			    bytes, protocol_status);
}

NTSTATUS peer_call_passthrough(PUNICODE_STRING name, PVOID base, PVOID submitted,
			       ULONG submitted_bytes, PVOID *reply, PULONG bytes,
			       PNTSTATUS protocol_status)
{
	(void)base;
	return call_by_name("CallPackagePassthrough", CALL_PASSTHROUGH, name, submitted,
			    submitted_bytes, reply, bytes, protocol_status);
}
