/* SPDX-License-Identifier: MIT */
#include "viewer/host/scenario/messages.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/host/base/faults.h"
#include "viewer/host/memory/heaps.h"
#include "viewer/host/package/answers.h"
#include "viewer/host/package/entry.h"
#include "viewer/host/scenario/credentials.h"

enum {
	DATA_BUFFER = 1,
	TOKEN_BUFFER = 2,
	MESSAGE_BYTES = 32,
	TOKEN_BYTES = 256,
	ATTRIBUTE_BYTES = 512
};

/* The prototypes of what secpkg.h does not declare. */
typedef NTSTATUS protect_function(LSA_SEC_HANDLE context, ULONG quality, PSecBufferDesc message,
				  ULONG number);
typedef NTSTATUS check_function(LSA_SEC_HANDLE context, PSecBufferDesc message, ULONG number,
				PULONG quality);
typedef NTSTATUS token_function(LSA_SEC_HANDLE context, PHANDLE token);
typedef void any_function(void); /* gcc knows that a cast to this one is meant */

/* The package frees what it is handed, when it likes. */
static NTSTATUS init_context(const struct verb_call *call, LSA_SEC_HANDLE handle, const void *data,
			     ULONG bytes)
{
	SecBuffer packed = { bytes, TOKEN_BUFFER, heap_allocate(HEAP_USER, bytes) };
	struct entry entry;
	NTSTATUS status;

	if (packed.pvBuffer && bytes)
		memcpy(packed.pvBuffer, data, bytes);
	entry_begin(&entry, call->package, "SpInitUserModeContext", call->client);
	entry_seal(&entry);
	status = call->package->user.InitUserModeContext(handle, &packed);
	entry_returned(&entry, status);
	entry_end(&entry);
	return status;
}

static bool is_mapped(const struct verb_call *call, LSA_SEC_HANDLE handle)
{
	const struct thing *thing = call->things->all;

	while (thing && (thing->kind != THING_USER_CONTEXT || thing->package != call->package ||
			 thing->handle != handle))
		thing = thing->next;
	return thing;
}

void messages_map_context(const struct verb_call *call, const struct thing *context,
			  const void *data, ULONG bytes)
{
	if (!call->package->user.InitUserModeContext || is_mapped(call, context->handle))
		return;
	if (NT_SUCCESS(init_context(call, context->handle, data, bytes)))
		things_add(call->things, THING_USER_CONTEXT, context->package, context->client,
			   context->name)
			->handle = context->handle;
}

#define USER_NEEDS(call, slot, entry) \
	if (!(call)->package->user.slot) { \
		verb_is_missing(call, entry); \
		return; \
	}

/* A context begins in the LSA; its half in the client is made by itself only of a handle that the step gives. */
static void init_user_context(const struct verb_call *call)
{
	LSA_SEC_HANDLE handle = (LSA_SEC_HANDLE)step_number(call->step, "context", 0);
	struct verb_data data;
	NTSTATUS status;

	USER_NEEDS(call, InitUserModeContext, "SpInitUserModeContext")
	verb_data_begin(&data, call, "buffer", "zero:32");
	status = init_context(call, handle, data.submission.bytes, data.submission.length);
	verb_data_end(&data, call);
	verb_expect(call, "SpInitUserModeContext", "expect", status);
	if (NT_SUCCESS(status))
		things_add(call->things, THING_USER_CONTEXT, call->package, call->client, "")->handle =
			handle;
}

/* Begins the call of an entry point that takes a context of the client's. */
#define USER_BEGIN(call, slot, name) \
	LSA_SEC_HANDLE handle; \
	struct entry entry; \
	NTSTATUS status; \
\
	USER_NEEDS(call, slot, name) \
	if (!verb_find_handle(call, THING_USER_CONTEXT, "context", &handle)) \
		return; \
	entry_begin(&entry, (call)->package, name, (call)->client); \
	entry_seal(&entry);

#define USER_END(call, name) \
	entry_end(&entry); \
	verb_expect(call, name, "expect", status);

/* A block that the application frees: of the client's heap, by the documentation. */
static void take_block(const char *parameter, const struct verb_call *call, NTSTATUS status,
		       PVOID address, ULONG bytes)
{
	struct heap_block found = heap_find(address);

	if (NT_SUCCESS(status) && found.state == HEAP_LIVE && !found.offset && bytes > found.bytes)
		fault_tell("%s has %zu bytes, but its length is said to be %u", parameter,
			   found.bytes, bytes);
	answer_any_block(parameter, call->client, status, address);
}

static void query_attributes(const struct verb_call *call)
{
	PVOID buffer[ATTRIBUTE_BYTES / sizeof(PVOID)] = { 0 };

	USER_BEGIN(call, QueryContextAttributes, "SpQueryContextAttributes (user mode)")
	status = call->package->user.QueryContextAttributes(
		handle, (ULONG)step_number(call->step, "attribute", 1), buffer);
	entry_returned(&entry, status);
	answer_structure("Buffer", call->client, status, buffer, sizeof(buffer), NULL);
	USER_END(call, "SpQueryContextAttributes (user mode)")
}

static void format_credentials(const struct verb_call *call)
{
	SecBuffer formatted = { 0 };
	struct entry entry;
	PSecBuffer input;
	NTSTATUS status;

	USER_NEEDS(call, FormatCredentials, "SpFormatCredentials")
	entry_begin(&entry, call->package, "SpFormatCredentials", call->client);
	input = verb_input_buffer(call, "zero:32", 0);
	entry_seal(&entry);
	status = call->package->user.FormatCredentials(input, &formatted);
	entry_returned(&entry, status);
	take_block("FormattedCredentials", call, status, formatted.pvBuffer, formatted.cbBuffer);
	USER_END(call, "SpFormatCredentials")
}

static void marshall_credentials(const struct verb_call *call)
{
	PVOID marshalled = NULL;
	struct entry entry;
	PSecBuffer input;
	NTSTATUS status;
	ULONG bytes = 0;

	USER_NEEDS(call, MarshallSupplementalCreds, "SpMarshallSupplementalCreds")
	entry_begin(&entry, call->package, "SpMarshallSupplementalCreds", call->client);
	input = verb_input_buffer(call, "zero:32", 0);
	entry_seal(&entry);
	status = call->package->user.MarshallSupplementalCreds(input->cbBuffer, input->pvBuffer,
							       &bytes, &marshalled);
	entry_returned(&entry, status);
	take_block("MarshalledCreds", call, status, marshalled, bytes);
	USER_END(call, "SpMarshallSupplementalCreds")
}

static void marshal_attribute(const struct verb_call *call)
{
	PUCHAR marshaled = NULL;
	struct entry entry;
	PSecBuffer input;
	NTSTATUS status;
	ULONG bytes = 0;

	USER_NEEDS(call, MarshalAttributeData, "SpMarshalAttributeData")
	entry_begin(&entry, call->package, "SpMarshalAttributeData", call->client);
	input = verb_input_buffer(call, "zero:32", 0);
	entry_seal(&entry);
	status = call->package->user.MarshalAttributeData(
		0, (ULONG)step_number(call->step, "attribute", 1), input->cbBuffer, input->pvBuffer,
		&bytes, &marshaled);
	entry_returned(&entry, status);
	take_block("MarshaledAttributeData", call, status, marshaled, bytes);
	USER_END(call, "SpMarshalAttributeData")
}

/* What was exported is imported again, and then deleted. */
static void import_context(const struct verb_call *call, const SecBuffer *packed)
{
	SecBuffer copy = { packed->cbBuffer, packed->BufferType, NULL };
	struct thing *imported;
	LSA_SEC_HANDLE handle = 0;
	struct entry entry;
	NTSTATUS status;

	if (!call->package->user.ImportContext)
		return;
	copy.pvBuffer = heap_allocate(HEAP_USER, copy.cbBuffer);
	if (copy.pvBuffer && copy.cbBuffer)
		memcpy(copy.pvBuffer, packed->pvBuffer, copy.cbBuffer);
	entry_begin(&entry, call->package, "SpImportSecurityContext", call->client);
	entry_seal(&entry);
	status = call->package->user.ImportContext(&copy, NULL, &handle);
	entry_returned(&entry, status);
	entry_end(&entry);
	if (!NT_SUCCESS(status))
		return;
	imported = things_add(call->things, THING_USER_CONTEXT, call->package, call->client, "");
	imported->handle = handle;
	things_end_one(call->things, imported);
}

/* Where the memory of an exported context lies: in a heap, or in the client. Returns a copy, to be freed. */
static void *read_exported(const struct verb_call *call, const SecBuffer *packed)
{
	struct heap_block found = heap_find(packed->pvBuffer);
	void *copy = calloc(1, (size_t)packed->cbBuffer + 1);

	if (copy && found.state == HEAP_LIVE && packed->cbBuffer <= found.bytes - found.offset)
		memcpy(copy, packed->pvBuffer, packed->cbBuffer);
	else if (copy)
		client_read(call->client, packed->pvBuffer, copy, packed->cbBuffer);
	return copy;
}

static void export_context(const struct verb_call *call)
{
	SecBuffer packed = { 0 }, copy;
	HANDLE token = NULL;

	USER_BEGIN(call, ExportContext, "SpExportSecurityContext")
	status = call->package->user.ExportContext(
		handle, (ULONG)step_number(call->step, "flags", 0), &packed, &token);
	entry_returned(&entry, status);
	copy = packed;
	copy.pvBuffer = NT_SUCCESS(status) ? read_exported(call, &packed) : NULL;
	take_block("PackedContext", call, status, packed.pvBuffer, packed.cbBuffer);
	USER_END(call, "SpExportSecurityContext")
	if (NT_SUCCESS(status))
		import_context(call, &copy);
	free(copy.pvBuffer);
}

static void get_token(const struct verb_call *call)
{
	HANDLE token = NULL;

	USER_BEGIN(call, GetContextToken, "SpGetContextToken")
	status = ((token_function *)(any_function *)call->package->user.GetContextToken)(handle,
											 &token);
	entry_returned(&entry, status);
	USER_END(call, "SpGetContextToken")
}

/* A message and its token, as they go from one side to the other. */
struct message {
	unsigned char data[MESSAGE_BYTES], token[TOKEN_BYTES];
	SecBuffer buffer[2];
	SecBufferDesc description;
	ULONG number;
};

static NTSTATUS protect_message(const struct verb_call *call, const struct thing *context,
				const char *name, SECPKG_UNDECLARED_FUNCTION *function,
				struct message *m)
{
	struct entry entry;
	NTSTATUS status;

	m->buffer[0] = (SecBuffer){ MESSAGE_BYTES, DATA_BUFFER, m->data };
	m->buffer[1] = (SecBuffer){ TOKEN_BYTES, TOKEN_BUFFER, m->token };
	m->description = (SecBufferDesc){ 0, 2, m->buffer };
	entry_begin(&entry, call->package, name, context->client);
	entry_seal(&entry);
	status = ((protect_function *)(any_function *)function)(context->handle, 0, &m->description,
								m->number);
	entry_returned(&entry, status);
	if (NT_SUCCESS(status) &&
	    (m->buffer[0].cbBuffer > MESSAGE_BYTES || m->buffer[1].cbBuffer > TOKEN_BYTES))
		fault_tell("Message: a buffer is longer than the caller's");
	entry_end(&entry);
	return status;
}

static void check_message(const struct verb_call *call, const struct thing *context,
			  const char *name, SECPKG_UNDECLARED_FUNCTION *function, struct message *m)
{
	struct entry entry;
	ULONG quality = 0;

	entry_begin(&entry, call->package, name, context->client);
	entry_seal(&entry);
	entry_returned(&entry, ((check_function *)(any_function *)function)(
				       context->handle, &m->description, m->number, &quality));
	entry_end(&entry);
}

/* Signs and seals a message each, from the initiator to the acceptor; to itself, if there is none. */
static void send_messages(const struct verb_call *call)
{
	const char *from_name = step_text(call->step, "initiator");
	const char *to_name = step_text(call->step, "acceptor");
	const SECPKG_USER_FUNCTION_TABLE *user = &call->package->user;
	const struct thing *from = things_find(call->things, THING_USER_CONTEXT, call->package,
					       from_name ? from_name : "client");
	const struct thing *to = things_find(call->things, THING_USER_CONTEXT, call->package,
					     to_name ? to_name : "server");
	struct message message = { .number = 0 };

	from = from ? from : things_find(call->things, THING_USER_CONTEXT, call->package, NULL);
	to = to ? to : from;
	if (!from) {
		verb_lacks(call, "context of a client");
		return;
	}
	if (user->MakeSignature &&
	    NT_SUCCESS(protect_message(call, from, "SpMakeSignature", user->MakeSignature,
				       &message)) &&
	    user->VerifySignature)
		check_message(call, to, "SpVerifySignature", user->VerifySignature, &message);
	message.number++;
	if (user->SealMessage &&
	    NT_SUCCESS(protect_message(call, from, "SpSealMessage", user->SealMessage, &message)) &&
	    user->UnsealMessage)
		check_message(call, to, "SpUnsealMessage", user->UnsealMessage, &message);
}

const struct verb verbs_of_messages[] = {
	{ "InitUserModeContext", " context! buffer ", init_user_context, VERB_OF_CLIENT },
	{ "QueryUserContextAttributes", " context attribute ", query_attributes, VERB_OF_CLIENT },
	{ "FormatCredentials", " buffer ", format_credentials, VERB_OF_CLIENT },
	{ "MarshallSupplementalCreds", " buffer ", marshall_credentials, VERB_OF_CLIENT },
	{ "MarshalAttributeData", " attribute buffer ", marshal_attribute, VERB_OF_CLIENT },
	{ "ExportContext", " context flags ", export_context, VERB_OF_CLIENT },
	{ "GetContextToken", " context ", get_token, VERB_OF_CLIENT },
	{ "messages", " initiator acceptor ", send_messages, VERB_OF_CLIENT },
	{ 0 },
};
