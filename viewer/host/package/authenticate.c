/* SPDX-License-Identifier: MIT */
#include "viewer/host/package/authenticate.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/host/base/faults.h"
#include "viewer/host/base/memory.h"
#include "viewer/host/memory/heaps.h"
#include "viewer/host/memory/inputs.h"
#include "viewer/host/package/answers.h"
#include "viewer/host/package/entry.h"

/* SECPKG_PRIMARY_CRED is shorter. Behind what was submitted lie some zeroes, which end a text. */
enum { PRIMARY_CREDENTIAL_BYTES = 256, EMPTY_BYTES = 16 };

struct logon_results {
	PVOID profile;
	ULONG profile_bytes;
	LSA_TOKEN_INFORMATION_TYPE token_type;
	PVOID token;
	PUNICODE_STRING account, authority, machine;
	PVOID primary[PRIMARY_CREDENTIAL_BYTES / sizeof(PVOID)];
	PSECPKG_SUPPLEMENTAL_CRED_ARRAY supplemental;
};

static bool choose_logon(const SECPKG_FUNCTION_TABLE *api, enum logon_entry *entry)
{
	if (*entry == LOGON_NEWEST)
		*entry = api->LogonUserEx2 ? LOGON_EX2 : api->LogonUserEx ? LOGON_EX : LOGON_PLAIN;
	switch (*entry) {
	case LOGON_EX2:
		return api->LogonUserEx2 != NULL;
	case LOGON_EX:
		return api->LogonUserEx != NULL;
	default:
		return api->LogonUser != NULL;
	}
}

static NTSTATUS call_logon(const SECPKG_FUNCTION_TABLE *api, PLSA_CLIENT_REQUEST request,
			   void *bytes, const struct submission *s, struct logon *l,
			   struct logon_results *r)
{
	if (l->entry == LOGON_EX2)
		return api->LogonUserEx2(request, l->type, bytes, s->base, s->length, &r->profile,
					 &r->profile_bytes, &l->id, &l->sub_status, &r->token_type,
					 &r->token, &r->account, &r->authority, &r->machine,
					 (PSECPKG_PRIMARY_CRED)r->primary, &r->supplemental);
	if (l->entry == LOGON_EX)
		return api->LogonUserEx(request, l->type, bytes, s->base, s->length, &r->profile,
					&r->profile_bytes, &l->id, &l->sub_status, &r->token_type,
					&r->token, &r->account, &r->authority, &r->machine);
	return api->LogonUser(request, l->type, bytes, s->base, s->length, &r->profile,
			      &r->profile_bytes, &l->id, &l->sub_status, &r->token_type, &r->token,
			      &r->account, &r->authority);
}

/* The length is that of the buffer. If the protocol refuses, it may be that of a buffer to come. */
static void check_length(const char *parameter, bool is_ok, const void *address, ULONG bytes)
{
	if (is_ok && !address && bytes && bytes != ANSWER_UNSET)
		fault_tell("%s is NULL, but its length is said to be %u", parameter, bytes);
}

static void take_logon(struct client *client, const struct logon *l, struct logon_results *r)
{
	bool is_ok = NT_SUCCESS(l->status);

	check_length("ProfileBuffer", is_ok, r->profile, r->profile_bytes);
	free(answer_client_buffer("ProfileBuffer", client, l->status, r->profile, &r->profile_bytes));
	answer_token(l->status, r->token_type, r->token);
	answer_name("AccountName", r->account, is_ok && answer_is_unset(r->account));
	answer_name("AuthenticatingAuthority", r->authority, false);
	if (l->entry == LOGON_PLAIN)
		return;
	answer_name("MachineName", r->machine, false);
	if (l->entry == LOGON_EX)
		return;
	answer_structure("PrimaryCredentials", client, l->status, r->primary, sizeof(r->primary),
			 NULL);
	if (!answer_is_unset(r->supplemental))
		answer_any_block("SupplementalCredentials", client, l->status, r->supplemental);
}

/* Packages that relocate the pointers in what was submitted write to it, so it is a copy in the LSA's heap. */
static void *copy_submission(const struct submission *s)
{
	void *copy = heap_allocate(HEAP_LSA, s->length + EMPTY_BYTES);

	if (copy && s->length)
		memcpy(copy, s->bytes, s->length);
	return copy;
}

bool package_log_on(const struct package *package, struct client *client,
		    const struct submission *submission, struct logon *l)
{
	static const char *const names[] = { "LsaApLogonUserEx2", "LsaApLogonUserEx",
					     "LsaApLogonUser" };
	struct logon_results r = { .profile = answer_unset(),
				   .profile_bytes = ANSWER_UNSET,
				   .token_type = ANSWER_UNSET,
				   .token = answer_unset(),
				   .account = answer_unset(),
				   .authority = answer_unset(),
				   .machine = answer_unset(),
				   .supplemental = answer_unset() };
	struct entry entry;
	void *bytes;

	if (!choose_logon(&package->api, &l->entry))
		return false;
	bytes = copy_submission(submission);
	l->id = (LUID){ 0 };
	l->sub_status = STATUS_SUCCESS;
	entry_begin(&entry, package, names[l->entry], client);
	entry_seal(&entry);
	l->status = call_logon(&package->api, client_request(client), bytes, submission, l, &r);
	entry_returned(&entry, l->status);
	take_logon(client, l, &r);
	heap_take(bytes);
	entry_end(&entry);
	return true;
}

bool package_call(const struct package *package, struct client *client,
		  const struct submission *submission, struct call *call)
{
	static const char *const names[] = { "LsaApCallPackage", "LsaApCallPackageUntrusted",
					     "LsaApCallPackagePassthrough" };
	LSA_AP_CALL_PACKAGE *const functions[] = { package->api.CallPackage,
						   package->api.CallPackageUntrusted,
						   package->api.CallPackagePassthrough };
	struct entry entry;
	PVOID reply = answer_unset();
	ULONG bytes = ANSWER_UNSET;
	void *copy;

	if (!functions[call->entry])
		return false;
	copy = copy_submission(submission);
	call->protocol_status = (NTSTATUS)ANSWER_UNSET;
	entry_begin(&entry, package, names[call->entry], client);
	entry_seal(&entry);
	call->status =
		functions[call->entry](client_request(client), copy, submission->base,
				       submission->length, &reply, &bytes, &call->protocol_status);
	entry_returned(&entry, call->status);
	if (NT_SUCCESS(call->status) && call->protocol_status == (NTSTATUS)ANSWER_UNSET)
		fault_tell("ProtocolStatus was not set");
	check_length("ProtocolReturnBuffer",
		     NT_SUCCESS(call->status) && NT_SUCCESS(call->protocol_status), reply, bytes);
	call->reply =
		answer_client_buffer("ProtocolReturnBuffer", client, call->status, reply, &bytes);
	call->reply_bytes = bytes;
	heap_take(copy);
	entry_end(&entry);
	return true;
}

bool package_terminate(const struct package *package, const LUID *id)
{
	struct entry entry;
	PLUID sealed;

	if (!package->api.LogonTerminated)
		return false;
	entry_begin(&entry, package, "LsaApLogonTerminated", NULL);
	sealed = inputs_copy(id, sizeof(*id));
	entry_seal(&entry);
	package->api.LogonTerminated(sealed);
	entry_returned(&entry, STATUS_SUCCESS);
	entry_end(&entry);
	return true;
}
