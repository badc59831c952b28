/* SPDX-License-Identifier: MIT */
/* Verbs for security contexts. */
#include <stdlib.h>
#include <string.h>

#include "viewer/host/base/faults.h"
#include "viewer/host/base/memory.h"
#include "viewer/host/base/site.h"
#include "viewer/host/base/system.h"
#include "viewer/host/memory/heaps.h"
#include "viewer/host/memory/inputs.h"
#include "viewer/host/package/answers.h"
#include "viewer/host/package/entry.h"
#include "viewer/host/scenario/credentials.h"
#include "viewer/host/scenario/messages.h"

enum { TOKEN_BUFFER = 2, ALLOCATE_MEMORY = 0x100, STEPS_DEFAULT = 16, ATTRIBUTE_BYTES = 512 };
/* ISC_REQ_EXTENDED_ERROR and ASC_REQ_EXTENDED_ERROR: a token is returned also when the call fails. */
enum { EXTENDED_ERROR = 0x4000 | 0x8000 };
enum { USE_INBOUND = 1, USE_OUTBOUND = 2, NATIVE_DATA = 0x10 };
/* Of the side that a package does not have. */
#define DEFAULT_TOKEN "zero:64"
#define CONTINUE_NEEDED ((NTSTATUS)0x00090312)
#define COMPLETE_AND_CONTINUE ((NTSTATUS)0x00090314)
#define UNSET_HANDLE ((LSA_SEC_HANDLE)(uintptr_t)answer_unset())

/* One side of a context that is being made. */
struct side {
	bool is_initiator;
	bool is_played; /* the package does not have it: the host hands out the token of the step */
	const char *entry; /* its entry point */
	struct client *client;
	const char *name;
	struct thing *context; /* NULL before the first call */
	LSA_SEC_HANDLE credential;
	NTSTATUS status;
	unsigned char *token; /* that it returned last, to be freed */
	ULONG token_bytes;
	ULONG flags;
};

/* A buffer that ends at an inaccessible page, so that a package that writes past it ends the host. */
struct room {
	unsigned char *pages, *start;
	size_t page_bytes, bytes;
};

static void open_room(struct room *room, size_t bytes)
{
	size_t page = system_page_bytes();

	room->page_bytes = (bytes + page - 1) / page * page + page;
	room->pages = system_map(room->page_bytes, SYSTEM_WRITE);
	room->bytes = bytes;
	room->start = room->pages + room->page_bytes - page - bytes;
	system_protect(room->pages + room->page_bytes - page, page, SYSTEM_NONE);
}

/* Copies what was returned in an output buffer. What the package allocated goes to the client. */
static void take_token(struct side *side, const SecBuffer *buffer, const struct room *room)
{
	ULONG bytes = buffer->cbBuffer;
	struct heap_block found;

	if (buffer->pvBuffer == room->start) {
		if (bytes > room->bytes)
			fault_tell("OutputBuffers: a token of %u bytes in a buffer of %zu", bytes,
				   room->bytes);
		side->token_bytes = bytes > room->bytes ? (ULONG)room->bytes : bytes;
		side->token = memory_copy(room->start, side->token_bytes);
		return;
	}
	if (!buffer->pvBuffer)
		return;
	if (!(side->flags & ALLOCATE_MEMORY))
		fault_tell("OutputBuffers: pvBuffer was changed, but no allocation was asked for");
	if (client_buffer_bytes(side->client, buffer->pvBuffer) >= 0) {
		side->token = answer_client_buffer("OutputBuffers", side->client, STATUS_SUCCESS,
						   buffer->pvBuffer, &bytes);
		side->token_bytes = bytes;
		return;
	}
	found = heap_find(buffer->pvBuffer);
	if (found.state == HEAP_LIVE && bytes > found.bytes)
		fault_tell("OutputBuffers: a token of %u bytes in a block of %zu", bytes,
			   found.bytes);
	else if (found.state == HEAP_LIVE)
		side->token = memory_copy(buffer->pvBuffer, side->token_bytes = bytes);
	answer_any_block("OutputBuffers", side->client, STATUS_SUCCESS, buffer->pvBuffer);
}

/* What the entry point was handed and returned. */
struct exchange {
	SecBuffer input, output, data;
	SecBufferDesc inputs, outputs;
	LSA_SEC_HANDLE handle;
	ULONG attributes;
	TimeStamp expires;
	BOOLEAN is_mapped;
	struct room room;
};

static void begin_exchange(struct exchange *x, const struct verb_call *call, struct side *side,
			   const struct side *other)
{
	bool allocates = side->flags & ALLOCATE_MEMORY;

	*x = (struct exchange){ .handle = UNSET_HANDLE };
	open_room(&x->room, call->package->token_bytes);
	x->input = (SecBuffer){ other->token_bytes, TOKEN_BUFFER, other->token };
	x->inputs = (SecBufferDesc){ 0, 1, &x->input };
	x->output = (SecBuffer){ allocates ? 0 : call->package->token_bytes, TOKEN_BUFFER,
				 allocates ? NULL : x->room.start };
	x->outputs = (SecBufferDesc){ 0, 1, &x->output };
	free(side->token);
	side->token = NULL;
	side->token_bytes = 0;
}

static void call_entry(struct exchange *x, const struct verb_call *call, struct side *side,
		       PUNICODE_STRING target, bool has_input)
{
	const SECPKG_FUNCTION_TABLE *api = &call->package->api;
	LSA_SEC_HANDLE context = side->context ? side->context->handle : 0;
	PSecBufferDesc inputs = has_input ? &x->inputs : NULL;

	if (side->is_initiator)
		side->status = api->InitLsaModeContext(side->credential, context, target,
						       side->flags, NATIVE_DATA, inputs, &x->handle,
						       &x->outputs, &x->attributes, &x->expires,
						       &x->is_mapped, &x->data);
	else
		side->status = api->AcceptLsaModeContext(
			side->credential, context, inputs, side->flags, NATIVE_DATA, &x->handle,
			&x->outputs, &x->attributes, &x->expires, &x->is_mapped, &x->data);
}

static void keep_context(const struct verb_call *call, struct side *side, LSA_SEC_HANDLE handle)
{
	if (!side->context && handle == UNSET_HANDLE) {
		fault_tell("NewContextHandle was not set");
		return;
	}
	if (!side->context)
		side->context = things_add(call->things, THING_CONTEXT, call->package, side->client,
					   side->name);
	if (handle != UNSET_HANDLE)
		side->context->handle = handle;
}

/* What the package hands to its other half in the client. */
static void take_context_data(const struct verb_call *call, struct side *side, struct exchange *x)
{
	struct heap_block found = heap_find(x->data.pvBuffer);
	PVOID copy = NULL;
	ULONG bytes = x->data.cbBuffer;

	if (NT_SUCCESS(side->status) && x->is_mapped && found.state == HEAP_LIVE && !found.offset &&
	    bytes <= found.bytes)
		copy = memory_copy(x->data.pvBuffer, bytes);
	answer_lsa_block("ContextData", side->status, x->data.pvBuffer, bytes);
	if (side->context && x->is_mapped && call->package->is_user_ready)
		messages_map_context(call, side->context, copy, copy ? bytes : 0);
	free(copy);
}

/* One call of one side. Returns whether the exchange goes on. */
static void advance_side(const struct verb_call *call, struct side *side, const struct side *other)
{
	const char *target = step_text(call->step, "target");
	bool has_input = side->context || !side->is_initiator;
	PUNICODE_STRING name;
	struct exchange x;
	struct entry entry;

	begin_exchange(&x, call, side, other);
	entry_begin(&entry, call->package, side->entry, side->client);
	name = inputs_name(target ? target : "host/example.test");
	entry_seal(&entry);
	call_entry(&x, call, side, name, has_input);
	entry_returned(&entry, side->status);
	if (NT_SUCCESS(side->status))
		keep_context(call, side, x.handle);
	if (NT_SUCCESS(side->status) || (side->flags & EXTENDED_ERROR)) {
		take_token(side, &x.output, &x.room);
	} else if (x.output.pvBuffer != x.room.start) {
		answer_any_block("OutputBuffers", side->client, side->status, x.output.pvBuffer);
	}
	take_context_data(call, side, &x);
	entry_end(&entry);
	system_unmap(x.room.pages, x.room.page_bytes);
}

static bool goes_on(const struct side *side)
{
	return side->status == CONTINUE_NEEDED || side->status == COMPLETE_AND_CONTINUE;
}

/* A package that needs no credential gets 0. Returns whether the side can begin; nothing is acquired for one that is played. */
static bool begin_side(const struct verb_call *call, struct side *side, const char *key,
		       const char *otherwise, ULONG use)
{
	const char *name = step_text(call->step, key);
	struct verb_call own = *call;
	struct thing *credential;

	side->name = name ? name : otherwise;
	side->client = things_client(call->things, side->name, true);
	side->flags = (ULONG)step_number(call->step, "flags", 0);
	side->status = CONTINUE_NEEDED;
	if (side->is_played)
		return true;
	own.client = side->client;
	credential = things_find(call->things, THING_CREDENTIAL, call->package, side->name);
	if (!credential && call->package->api.AcquireCredentialsHandle) {
		credential = credential_acquire(&own, side->name, use);
		if (!credential)
			return false;
	}
	side->credential = credential ? credential->handle : 0;
	return true;
}

/* The same token each time, anew. */
static void play_side(const struct verb_call *call, struct side *side, const struct side *other)
{
	struct site outer = site_enter(call->package->name, other->entry);
	const char *text = step_text(call->step, "token");
	struct verb_data data;

	verb_data_begin(&data, call, "token", DEFAULT_TOKEN);
	note_tell("the package has no %s: in its place, the host sends token=%s", side->entry,
		  text ? text : DEFAULT_TOKEN);
	free(side->token);
	side->token = memory_copy(data.submission.bytes, data.submission.length);
	side->token_bytes = data.submission.length;
	verb_data_end(&data, call);
	site_leave(&outer);
}

/* Returns whether the other side has its turn. */
static bool take_turn(const struct verb_call *call, struct side *side, const struct side *other)
{
	if (side->is_played) {
		if (goes_on(other))
			play_side(call, side, other);
		return goes_on(other);
	}
	if (!goes_on(side))
		return false;
	advance_side(call, side, other);
	return NT_SUCCESS(side->status);
}

static bool is_done(const struct side *side)
{
	return side->is_played || !side->status;
}

static void check_done(const struct verb_call *call, const struct side *initiator,
		       const struct side *acceptor)
{
	if (!step_text(call->step, "until") || (is_done(initiator) && is_done(acceptor)))
		return;
	if (initiator->is_played || acceptor->is_played)
		fault_tell_unexpected(
			"%s: the context was not completed: the %s returned 0x%08x",
			call->package->name, initiator->is_played ? "acceptor" : "initiator",
			(unsigned)(initiator->is_played ? acceptor : initiator)->status);
	else
		fault_tell_unexpected(
			"%s: the context was not completed: the initiator returned 0x%08x, the "
			"acceptor 0x%08x",
			call->package->name, (unsigned)initiator->status,
			(unsigned)acceptor->status);
}

/* The tokens go to and fro until both sides are done, one fails, or neither has anything to say. */
static void make_context(const struct verb_call *call)
{
	const SECPKG_FUNCTION_TABLE *api = &call->package->api;
	uint64_t most = step_number(call->step, "steps", STEPS_DEFAULT);
	struct side initiator = { .is_initiator = true,
				  .is_played = !api->InitLsaModeContext,
				  .entry = "SpInitLsaModeContext" };
	struct side acceptor = { .is_played = !api->AcceptLsaModeContext,
				 .entry = "SpAcceptLsaModeContext" };
	const struct side *first = initiator.is_played ? &acceptor : &initiator;

	if (initiator.is_played && acceptor.is_played) {
		verb_is_missing(call, initiator.entry);
		return;
	}
	if (!begin_side(call, &initiator, "initiator", "client", USE_OUTBOUND) ||
	    !begin_side(call, &acceptor, "acceptor", "server", USE_INBOUND)) {
		verb_lacks(call, "credential");
		return;
	}
	for (uint64_t i = 0; i < most; i++)
		if (!take_turn(call, &initiator, &acceptor) ||
		    !take_turn(call, &acceptor, &initiator))
			break;
	check_done(call, &initiator, &acceptor);
	verb_expect(call, first->entry, "expect", first->status);
	free(initiator.token);
	free(acceptor.token);
}

/* Begins the call of an entry point that takes a context. */
#define CONTEXT_BEGIN(call, slot, name) \
	LSA_SEC_HANDLE handle; \
	struct entry entry; \
	NTSTATUS status; \
\
	VERB_NEEDS(call, slot, name) \
	if (!verb_find_handle(call, THING_CONTEXT, "context", &handle)) \
		return; \
	entry_begin(&entry, (call)->package, name, (call)->client);

#define CONTEXT_END(call, name) \
	entry_end(&entry); \
	verb_expect(call, name, "expect", status);

static void query_attributes(const struct verb_call *call)
{
	PVOID buffer[ATTRIBUTE_BYTES / sizeof(PVOID)] = { 0 }, beside;

	CONTEXT_BEGIN(call, QueryContextAttributes, "SpQueryContextAttributes")
	beside = buffer[1] =
		(PVOID)(uintptr_t)handle; /* behind a short structure lies something else */
	entry_seal(&entry);
	status = call->package->api.QueryContextAttributes(
		handle, (ULONG)step_number(call->step, "attribute", 1), buffer);
	entry_returned(&entry, status);
	answer_structure("Buffer", call->client, status, buffer, sizeof(buffer), beside);
	CONTEXT_END(call, "SpQueryContextAttributes")
}

static void set_attributes(const struct verb_call *call)
{
	PSecBuffer input;

	CONTEXT_BEGIN(call, SetContextAttributes, "SpSetContextAttributes")
	input = verb_input_buffer(call, "zero:64", 0);
	entry_seal(&entry);
	status = call->package->api.SetContextAttributes(
		handle, (ULONG)step_number(call->step, "attribute", 1), input->pvBuffer,
		input->cbBuffer);
	entry_returned(&entry, status);
	CONTEXT_END(call, "SpSetContextAttributes")
}

static void apply_token(const struct verb_call *call)
{
	SecBufferDesc description = { 0, 1, NULL }, *sealed;

	CONTEXT_BEGIN(call, ApplyControlToken, "SpApplyControlToken")
	description.pBuffers = verb_input_buffer(call, "u32:1", TOKEN_BUFFER);
	sealed = inputs_copy(&description, sizeof(description));
	entry_seal(&entry);
	status = call->package->api.ApplyControlToken(handle, sealed);
	entry_returned(&entry, status);
	CONTEXT_END(call, "SpApplyControlToken")
}

static void get_ui_context(const struct verb_call *call)
{
	GUID type = { 0 }, *sealed;
	PUCHAR context = answer_unset();
	ULONG bytes = ANSWER_UNSET;

	CONTEXT_BEGIN(call, GetCredUIContext, "SpGetCredUIContext")
	sealed = inputs_copy(&type, sizeof(type));
	entry_seal(&entry);
	status = call->package->api.GetCredUIContext(handle, sealed, &bytes, &context);
	entry_returned(&entry, status);
	answer_any_block("FlatCredUIContext", call->client, status, context);
	CONTEXT_END(call, "SpGetCredUIContext")
}

static void update_credentials(const struct verb_call *call)
{
	GUID type = { 0 }, *sealed;
	PSecBuffer input;

	CONTEXT_BEGIN(call, UpdateCredentials, "SpUpdateCredentials")
	sealed = inputs_copy(&type, sizeof(type));
	input = verb_input_buffer(call, "zero:32", 0);
	entry_seal(&entry);
	status = call->package->api.UpdateCredentials(handle, sealed, input->cbBuffer,
						      input->pvBuffer);
	entry_returned(&entry, status);
	CONTEXT_END(call, "SpUpdateCredentials")
}

/* The half in the client ends first. */
static void forget_context(const struct verb_call *call, LSA_SEC_HANDLE handle)
{
	struct thing *next;

	for (struct thing *thing = call->things->all; thing; thing = next) {
		next = thing->next;
		if (thing->package != call->package || thing->handle != handle)
			continue;
		if (thing->kind == THING_USER_CONTEXT)
			things_end_one(call->things, thing);
		else if (thing->kind == THING_CONTEXT)
			things_remove(call->things, thing);
	}
}

static void delete_context(const struct verb_call *call)
{
	LSA_SEC_HANDLE handle;
	struct entry entry;
	NTSTATUS status;

	VERB_NEEDS(call, DeleteContext, "SpDeleteContext")
	if (!verb_find_handle(call, THING_CONTEXT, "context", &handle))
		return;
	forget_context(call, handle);
	entry_begin(&entry, call->package, "SpDeleteContext", call->client);
	entry_seal(&entry);
	status = call->package->api.DeleteContext(handle);
	entry_returned(&entry, status);
	CONTEXT_END(call, "SpDeleteContext")
}

const struct verb verbs_of_contexts[] = {
	{ "context", " initiator acceptor until steps flags target token ", make_context,
	  VERB_OF_LSA },
	{ "QueryContextAttributes", " context attribute ", query_attributes, VERB_OF_LSA },
	{ "SetContextAttributes", " context attribute buffer ", set_attributes, VERB_OF_LSA },
	{ "ApplyControlToken", " context buffer ", apply_token, VERB_OF_LSA },
	{ "GetCredUIContext", " context ", get_ui_context, VERB_OF_LSA },
	{ "UpdateCredentials", " context buffer ", update_credentials, VERB_OF_LSA },
	{ "DeleteContext", " context ", delete_context, VERB_OF_LSA },
	{ 0 },
};
