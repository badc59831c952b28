/* SPDX-License-Identifier: MIT */
#include "viewer/host/lsa/sessions.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "viewer/host/base/memory.h"
#include "viewer/host/lsa/objects.h"
#include "viewer/host/lsa/slot.h"

enum { FIRST_LUID = 0x7f000000 }; /* a package's own are smaller */

struct text {
	USHORT bytes;
	char *content;
};

struct credential {
	struct credential *next;
	ULONG package;
	struct text key, value;
};

/* What others made is neither. */
enum state { SESSION_FOREIGN, SESSION_CREATED, SESSION_DELETED };

struct session {
	LUID id;
	enum state state;
	struct credential *credentials;
	UT_hash_handle hh;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct session *sessions;
static ULONG next_luid = FIRST_LUID;

/* With the mutex locked, as the rest. */
static struct session *get_session(const LUID *id)
{
	struct session *session;

	HASH_FIND(hh, sessions, id, sizeof(*id), session);
	if (session)
		return session;
	session = memory_new(sizeof(*session));
	session->id = *id;
	HASH_ADD(hh, sessions, id, sizeof(*id), session);
	return session;
}

/* Returns NULL if the session was deleted. */
static struct session *find_session(const LUID *id)
{
	struct session *session = get_session(id);

	return session->state == SESSION_DELETED ? NULL : session;
}

LUID session_new(void)
{
	LUID id = { 0 };

	pthread_mutex_lock(&mutex);
	id.LowPart = next_luid++;
	get_session(&id)->state = SESSION_CREATED;
	pthread_mutex_unlock(&mutex);
	return id;
}

NTSTATUS session_create(PLUID id)
{
	struct session *session;
	bool is_new;

	slot_enter("CreateLogonSession");
	if (!slot_has_output("LogonId", id))
		return slot_leave(STATUS_INVALID_PARAMETER);
	pthread_mutex_lock(&mutex);
	session = get_session(id);
	is_new = session->state != SESSION_CREATED;
	session->state = SESSION_CREATED;
	pthread_mutex_unlock(&mutex);
	return slot_leave(is_new ? STATUS_SUCCESS : STATUS_LOGON_SESSION_EXISTS);
}

static void free_credential(struct credential **place)
{
	struct credential *credential = *place;

	*place = credential->next;
	free(credential->key.content);
	free(credential->value.content);
	free(credential);
}

/* Returns whether a package created it. */
static bool remove_session(const LUID *id)
{
	struct session *session;
	bool was_created;

	pthread_mutex_lock(&mutex);
	session = get_session(id);
	was_created = session->state == SESSION_CREATED;
	if (was_created)
		session->state = SESSION_DELETED;
	while (was_created && session->credentials)
		free_credential(&session->credentials);
	pthread_mutex_unlock(&mutex);
	return was_created;
}

NTSTATUS session_delete(PLUID id)
{
	bool is_known;

	slot_enter("DeleteLogonSession");
	if (!slot_has_output("LogonId", id))
		return slot_leave(STATUS_INVALID_PARAMETER);
	is_known = remove_session(id);
	return slot_leave(is_known ? STATUS_SUCCESS : STATUS_NO_SUCH_LOGON_SESSION);
}

void session_end(const LUID *id)
{
	remove_session(id);
}

static struct text copy_text(PLSA_STRING text)
{
	if (!text)
		return (struct text){ 0 };
	return (struct text){ text->Length, memory_copy(text->Buffer, text->Length) };
}

static bool check_arguments(const LUID *id, PLSA_STRING key, PLSA_STRING credentials)
{
	return slot_has_output("LogonId", id) && slot_check_text("PrimaryKeyValue", key) &&
	       slot_check_text("Credentials", credentials);
}

NTSTATUS session_add_credential(PLUID id, ULONG package, PLSA_STRING key, PLSA_STRING credentials)
{
	struct session *session;

	slot_enter("AddCredential");
	if (!check_arguments(id, key, credentials))
		return slot_leave(STATUS_INVALID_PARAMETER);
	pthread_mutex_lock(&mutex);
	session = find_session(id);
	if (session) {
		struct credential *credential = memory_new(sizeof(*credential));

		credential->package = package;
		credential->key = copy_text(key);
		credential->value = copy_text(credentials);
		credential->next = session->credentials;
		session->credentials = credential;
	}
	pthread_mutex_unlock(&mutex);
	return slot_leave(session ? STATUS_SUCCESS : STATUS_NO_SUCH_LOGON_SESSION);
}

static bool has_key(const struct credential *credential, PLSA_STRING key)
{
	return key && credential->key.bytes == key->Length &&
	       (!key->Length || memcmp(credential->key.content, key->Buffer, key->Length) == 0);
}

/* With a key, that of the key; without, the one after *skip others. */
static struct credential **find_credential(struct session *session, ULONG package, PLSA_STRING key,
					   ULONG skip)
{
	struct credential **place = &session->credentials;

	for (; *place; place = &(*place)->next)
		if ((*place)->package == package && (key ? has_key(*place, key) : skip-- == 0))
			break;
	return place;
}

/* The credentials lie in the LSA's heap. */
static NTSTATUS return_credential(const struct credential *credential, PLSA_STRING key,
				  PULONG key_length, PLSA_STRING credentials)
{
	credentials->Buffer =
		slot_copy(HEAP_LSA, credential->value.content, credential->value.bytes);
	if (!credentials->Buffer)
		return STATUS_NO_MEMORY;
	credentials->Length = credentials->MaximumLength = credential->value.bytes;
	if (key_length)
		*key_length = credential->key.bytes;
	if (key && key->Buffer && key->MaximumLength >= credential->key.bytes) {
		memcpy(key->Buffer, credential->key.content, credential->key.bytes);
		key->Length = credential->key.bytes;
	}
	return STATUS_SUCCESS;
}

NTSTATUS session_get_credentials(PLUID id, ULONG package, PULONG query, BOOLEAN is_all,
				 PLSA_STRING key, PULONG key_length, PLSA_STRING credentials)
{
	struct credential *found = NULL;
	struct session *session;
	NTSTATUS status = STATUS_NO_SUCH_LOGON_SESSION;

	slot_enter("GetCredentials");
	if (!slot_has_output("LogonId", id) || !slot_has_output("QueryContext", query) ||
	    !slot_has_output("Credentials", credentials) ||
	    (!is_all && !slot_check_text("PrimaryKeyValue", key)))
		return slot_leave(STATUS_INVALID_PARAMETER);
	pthread_mutex_lock(&mutex);
	session = find_session(id);
	if (session) {
		found = *find_credential(session, package, is_all ? NULL : key, *query);
		status = is_all && *query ? STATUS_NO_MORE_ENTRIES : STATUS_OBJECT_NAME_NOT_FOUND;
	}
	if (found)
		status = return_credential(found, is_all ? key : NULL, key_length, credentials);
	if (status == STATUS_SUCCESS)
		++*query;
	pthread_mutex_unlock(&mutex);
	return slot_leave(status);
}

NTSTATUS session_delete_credential(PLUID id, ULONG package, PLSA_STRING key)
{
	NTSTATUS status = STATUS_NO_SUCH_LOGON_SESSION;
	struct session *session;

	slot_enter("DeleteCredential");
	if (!check_arguments(id, key, NULL))
		return slot_leave(STATUS_INVALID_PARAMETER);
	pthread_mutex_lock(&mutex);
	session = find_session(id);
	if (session) {
		struct credential **place = find_credential(session, package, key, 0);

		status = *place ? STATUS_SUCCESS : STATUS_OBJECT_NAME_NOT_FOUND;
		if (*place)
			free_credential(place);
	}
	pthread_mutex_unlock(&mutex);
	return slot_leave(status);
}

NTSTATUS session_open_token(PLUID id, PHANDLE token)
{
	bool is_known;

	slot_enter("OpenTokenByLogonId");
	if (!slot_has_output("LogonId", id) || !slot_has_output("RetTokenHandle", token))
		return slot_leave(STATUS_INVALID_PARAMETER);
	pthread_mutex_lock(&mutex);
	is_known = find_session(id) != NULL;
	pthread_mutex_unlock(&mutex);
	if (!is_known)
		return slot_leave(STATUS_NO_SUCH_LOGON_SESSION);
	*token = object_new(OBJECT_TOKEN, NULL);
	return slot_leave(STATUS_SUCCESS);
}
