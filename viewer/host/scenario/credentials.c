/* SPDX-License-Identifier: MIT */
#include "viewer/host/scenario/credentials.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/host/base/faults.h"
#include "viewer/host/memory/inputs.h"
#include "viewer/host/package/answers.h"
#include "viewer/host/package/entry.h"
#include "viewer/host/scenario/keys.h"

/* Structures that an attribute may have are shorter. */
enum { ATTRIBUTE_BYTES = 512, USE_BOTH = 3 };

#define DEFAULT_NAME "credential"
#define UNSET_HANDLE ((LSA_SEC_HANDLE)(uintptr_t)answer_unset())

struct thing *credential_acquire(const struct verb_call *call, const char *name, ULONG use)
{
	LUID id = { .LowPart = 0x3e7 }, *sealed;
	LSA_SEC_HANDLE handle = UNSET_HANDLE;
	struct thing *thing = NULL;
	struct verb_data data;
	PUNICODE_STRING principal;
	TimeStamp expires = 0;
	struct entry entry;
	NTSTATUS status;

	verb_data_begin(&data, call, "buffer", NULL);
	entry_begin(&entry, call->package, "SpAcquireCredentialsHandle", call->client);
	sealed = inputs_copy(&id, sizeof(id));
	principal = inputs_name(step_text(call->step, "target"));
	entry_seal(&entry);
	status = call->package->api.AcquireCredentialsHandle(
		principal, use, sealed, data.submission.base, NULL, NULL, &handle, &expires);
	entry_returned(&entry, status);
	if (NT_SUCCESS(status) && handle == UNSET_HANDLE)
		fault_tell("CredentialHandle was not set");
	entry_end(&entry);
	verb_data_end(&data, call);
	if (NT_SUCCESS(status) && handle != UNSET_HANDLE) {
		thing = things_add(call->things, THING_CREDENTIAL, call->package, call->client,
				   name);
		thing->handle = handle;
	}
	if (strcasecmp(call->step->verb, "AcquireCredentialsHandle") == 0)
		verb_expect(call, "SpAcquireCredentialsHandle", "expect", status);
	return thing;
}

static void acquire(const struct verb_call *call)
{
	const char *name = step_text(call->step, "credential"), *use = step_text(call->step, "use");

	VERB_NEEDS(call, AcquireCredentialsHandle, "SpAcquireCredentialsHandle")
	credential_acquire(call, name ? name : DEFAULT_NAME,
			   use ? key_credential_use(use) : USE_BOTH);
}

bool verb_find_handle(const struct verb_call *call, enum thing_kind kind, const char *key,
		      LSA_SEC_HANDLE *handle)
{
	const char *name = step_text(call->step, key);
	const struct thing *thing;

	if (name && isdigit((unsigned char)*name)) {
		*handle = strtoull(name, NULL, 0);
		return true;
	}
	thing = things_find(call->things, kind, call->package, name);
	if (thing)
		*handle = thing->handle;
	else
		verb_lacks(call, key);
	return thing;
}

/* Begins the call of an entry point that takes a credential. */
#define CREDENTIAL_BEGIN(call, slot, name) \
	LSA_SEC_HANDLE handle; \
	struct entry entry; \
	NTSTATUS status; \
\
	VERB_NEEDS(call, slot, name) \
	if (!verb_find_handle(call, THING_CREDENTIAL, "credential", &handle)) \
		return; \
	entry_begin(&entry, (call)->package, name, (call)->client);

#define CREDENTIAL_END(call, name) \
	entry_end(&entry); \
	verb_expect(call, name, "expect", status);

static void query_attributes(const struct verb_call *call)
{
	PVOID buffer[ATTRIBUTE_BYTES / sizeof(PVOID)] = { 0 };

	CREDENTIAL_BEGIN(call, QueryCredentialsAttributes, "SpQueryCredentialsAttributes")
	entry_seal(&entry);
	status = call->package->api.QueryCredentialsAttributes(
		handle, (ULONG)step_number(call->step, "attribute", 1), buffer);
	entry_returned(&entry, status);
	answer_structure("Buffer", call->client, status, buffer, sizeof(buffer), NULL);
	CREDENTIAL_END(call, "SpQueryCredentialsAttributes")
}

/* Data of a step, as a SecBuffer that must not be written to. */
PSecBuffer verb_input_buffer(const struct verb_call *call, const char *otherwise, ULONG type)
{
	SecBuffer buffer = { .BufferType = type };
	struct verb_data data;

	verb_data_begin(&data, call, "buffer", otherwise);
	buffer.cbBuffer = data.submission.length;
	buffer.pvBuffer = inputs_copy(data.submission.bytes, data.submission.length);
	verb_data_end(&data, call);
	return inputs_copy(&buffer, sizeof(buffer));
}

static void save(const struct verb_call *call)
{
	PSecBuffer input;

	CREDENTIAL_BEGIN(call, SaveCredentials, "SpSaveCredentials")
	input = verb_input_buffer(call, "zero:32", 0);
	entry_seal(&entry);
	status = call->package->api.SaveCredentials(handle, input);
	entry_returned(&entry, status);
	CREDENTIAL_END(call, "SpSaveCredentials")
}

static void get(const struct verb_call *call)
{
	SecBuffer buffer = { 0 };

	CREDENTIAL_BEGIN(call, GetCredentials, "SpGetCredentials")
	entry_seal(&entry);
	status = call->package->api.GetCredentials(handle, &buffer);
	entry_returned(&entry, status);
	answer_any_block("Credentials", call->client, status, buffer.pvBuffer);
	CREDENTIAL_END(call, "SpGetCredentials")
}

static void delete (const struct verb_call *call)
{
	PSecBuffer input;

	CREDENTIAL_BEGIN(call, DeleteCredentials, "SpDeleteCredentials")
	input = verb_input_buffer(call, "zero:32", 0);
	entry_seal(&entry);
	status = call->package->api.DeleteCredentials(handle, input);
	entry_returned(&entry, status);
	CREDENTIAL_END(call, "SpDeleteCredentials")
}

static void add(const struct verb_call *call)
{
	PUNICODE_STRING principal, package;
	TimeStamp expires = 0;

	CREDENTIAL_BEGIN(call, AddCredentials, "SpAddCredentials")
	principal = inputs_name("user@example.test");
	package = inputs_name(call->package->name);
	entry_seal(&entry);
	status = call->package->api.AddCredentials(handle, principal, package, USE_BOTH, NULL, NULL,
						   NULL, &expires);
	entry_returned(&entry, status);
	CREDENTIAL_END(call, "SpAddCredentials")
}

static void set_attributes(const struct verb_call *call)
{
	PSecBuffer input;

	CREDENTIAL_BEGIN(call, SetCredentialsAttributes, "SpSetCredentialsAttributes")
	input = verb_input_buffer(call, "zero:64", 0);
	entry_seal(&entry);
	status = call->package->api.SetCredentialsAttributes(
		handle, (ULONG)step_number(call->step, "attribute", 1), input->pvBuffer,
		input->cbBuffer);
	entry_returned(&entry, status);
	CREDENTIAL_END(call, "SpSetCredentialsAttributes")
}

static void free_handle(const struct verb_call *call)
{
	struct thing *next;

	CREDENTIAL_BEGIN(call, FreeCredentialsHandle, "SpFreeCredentialsHandle")
	entry_seal(&entry);
	status = call->package->api.FreeCredentialsHandle(handle);
	entry_returned(&entry, status);
	CREDENTIAL_END(call, "SpFreeCredentialsHandle")
	for (struct thing *thing = call->things->all; thing; thing = next) {
		next = thing->next;
		if (thing->kind == THING_CREDENTIAL && thing->package == call->package &&
		    thing->handle == handle)
			things_remove(call->things, thing);
	}
}

static void query_metadata(const struct verb_call *call)
{
	LSA_SEC_HANDLE context = 0;
	PUCHAR metadata = answer_unset();
	ULONG bytes = ANSWER_UNSET;
	PUNICODE_STRING target;

	CREDENTIAL_BEGIN(call, QueryMetaData, "SpQueryMetaData")
	target = inputs_name("host/example.test");
	entry_seal(&entry);
	status = call->package->api.QueryMetaData(handle, target,
						  (ULONG)step_number(call->step, "flags", 0),
						  &bytes, &metadata, &context);
	entry_returned(&entry, status);
	answer_any_block("MetaData", call->client, status, metadata);
	CREDENTIAL_END(call, "SpQueryMetaData")
}

static void exchange_metadata(const struct verb_call *call)
{
	LSA_SEC_HANDLE context = 0;
	PUNICODE_STRING target;
	PSecBuffer input;

	CREDENTIAL_BEGIN(call, ExchangeMetaData, "SpExchangeMetaData")
	target = inputs_name("host/example.test");
	input = verb_input_buffer(call, "zero:32", 0);
	entry_seal(&entry);
	status = call->package->api.ExchangeMetaData(handle, target,
						     (ULONG)step_number(call->step, "flags", 0),
						     input->cbBuffer, input->pvBuffer, &context);
	entry_returned(&entry, status);
	CREDENTIAL_END(call, "SpExchangeMetaData")
}

static void get_guard_logon(const struct verb_call *call)
{
	PLSA_REDIRECTED_LOGON_CALLBACKS callback = NULL, cleanup = NULL;
	PVOID buffer = answer_unset();
	PUNICODE_STRING target;
	HANDLE logon = NULL;
	ULONG bytes = ANSWER_UNSET;

	CREDENTIAL_BEGIN(call, GetRemoteCredGuardLogonBuffer, "SpGetRemoteCredGuardLogonBuffer")
	target = inputs_name("host/example.test");
	entry_seal(&entry);
	status = call->package->api.GetRemoteCredGuardLogonBuffer(
		handle, 0, target, &logon, &callback, &cleanup, &bytes, &buffer);
	entry_returned(&entry, status);
	answer_any_block("LogonBuffer", call->client, status, buffer);
	CREDENTIAL_END(call, "SpGetRemoteCredGuardLogonBuffer")
}

static void get_guard_credentials(const struct verb_call *call)
{
	PLSA_REDIRECTED_LOGON_CALLBACKS callback = NULL, cleanup = NULL;
	PVOID buffer = answer_unset();
	PUNICODE_STRING target;
	HANDLE logon = NULL;
	ULONG bytes = ANSWER_UNSET;

	CREDENTIAL_BEGIN(call, GetRemoteCredGuardSupplementalCreds,
			 "SpGetRemoteCredGuardSupplementalCreds")
	target = inputs_name("host/example.test");
	entry_seal(&entry);
	status = call->package->api.GetRemoteCredGuardSupplementalCreds(
		handle, target, &logon, &callback, &cleanup, &bytes, &buffer);
	entry_returned(&entry, status);
	answer_any_block("SupplementalCreds", call->client, status, buffer);
	CREDENTIAL_END(call, "SpGetRemoteCredGuardSupplementalCreds")
}

const struct verb verbs_of_credentials[] = {
	{ "AcquireCredentialsHandle", " credential use target buffer ", acquire, VERB_OF_LSA },
	{ "QueryCredentialsAttributes", " credential attribute ", query_attributes, VERB_OF_LSA },
	{ "SaveCredentials", " credential buffer ", save, VERB_OF_LSA },
	{ "GetCredentials", " credential ", get, VERB_OF_LSA },
	{ "DeleteCredentials", " credential buffer ", delete, VERB_OF_LSA },
	{ "AddCredentials", " credential ", add, VERB_OF_LSA },
	{ "SetCredentialsAttributes", " credential attribute buffer ", set_attributes, VERB_OF_LSA },
	{ "FreeCredentialsHandle", " credential ", free_handle, VERB_OF_LSA },
	{ "QueryMetaData", " credential flags ", query_metadata, VERB_OF_LSA },
	{ "ExchangeMetaData", " credential flags buffer ", exchange_metadata, VERB_OF_LSA },
	{ "GetRemoteCredGuardLogonBuffer", " credential ", get_guard_logon, VERB_OF_LSA },
	{ "GetRemoteCredGuardSupplementalCreds", " credential ", get_guard_credentials, VERB_OF_LSA },
	{ 0 },
};
