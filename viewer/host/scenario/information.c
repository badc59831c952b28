/* SPDX-License-Identifier: MIT */
/* Verbs for what a package says of itself and its users, and what it is told of them. */
#include <string.h>

#include "viewer/host/memory/heaps.h"
#include "viewer/host/memory/inputs.h"
#include "viewer/host/package/answers.h"
#include "viewer/host/package/entry.h"
#include "viewer/host/package/lifetime.h"
#include "viewer/host/scenario/credentials.h"
#include "viewer/host/scenario/keys.h"

enum { INTERACTIVE = 2, EXTENDED_BYTES = 64, OUTPUT_BYTES = 256 };

/* Of ntsecpkg.h. */
struct primary_credential {
	LUID id;
	UNICODE_STRING account, domain, password, old_password;
	PSID sid;
	ULONG flags;
	UNICODE_STRING dns_domain, principal, server, spare[4];
};

struct supplemental_credential {
	UNICODE_STRING package;
	ULONG bytes;
	PUCHAR content;
};

struct post_logon {
	ULONG flags;
	LUID id, linked_id;
};

static void get_info(const struct verb_call *call)
{
	SecPkgInfoW info;

	VERB_NEEDS(call, GetInfo, "SpGetInfo")
	verb_expect(call, "SpGetInfo", "expect",
		    lifetime_get_info(call->package, call->client, &info));
}

/* The structures of the credentials of a user who has logged on somewhere. */
static struct primary_credential *make_primary(void)
{
	struct primary_credential primary = { .id = { .LowPart = 0x3e7 } };

	primary.account = *inputs_name("user");
	primary.domain = *inputs_name("EXAMPLE");
	primary.password = *inputs_name("secret");
	primary.dns_domain = *inputs_name("example.test");
	primary.principal = *inputs_name("user@example.test");
	return inputs_copy(&primary, sizeof(primary));
}

static struct supplemental_credential *make_supplemental(const struct package *package)
{
	struct supplemental_credential supplemental = { .bytes = sizeof("supplemental") };

	supplemental.package = *inputs_name(package->name);
	supplemental.content = inputs_copy("supplemental", supplemental.bytes);
	return inputs_copy(&supplemental, sizeof(supplemental));
}

static void accept_credentials(const struct verb_call *call)
{
	const char *type = step_text(call->step, "type");
	struct primary_credential *primary;
	struct supplemental_credential *supplemental;
	PUNICODE_STRING account;
	struct entry entry;
	NTSTATUS status;

	VERB_NEEDS(call, AcceptCredentials, "SpAcceptCredentials")
	entry_begin(&entry, call->package, "SpAcceptCredentials", call->client);
	account = inputs_name("user");
	primary = make_primary();
	supplemental = make_supplemental(call->package);
	entry_seal(&entry);
	status = call->package->api.AcceptCredentials(type ? key_logon_type(type) : INTERACTIVE,
						      account, (PSECPKG_PRIMARY_CRED)primary,
						      (PSECPKG_SUPPLEMENTAL_CRED)supplemental);
	entry_returned(&entry, status);
	entry_end(&entry);
	verb_expect(call, "SpAcceptCredentials", "expect", status);
}

/* The logon that the client has, or that of the system. */
static PLUID find_logon(const struct verb_call *call)
{
	const struct thing *thing = things_find(call->things, THING_LOGON, call->package, NULL);
	LUID id = { .LowPart = (ULONG)step_number(call->step, "logon", 0x3e7) };

	if (thing && !step_text(call->step, "logon"))
		id = thing->logon;
	return inputs_copy(&id, sizeof(id));
}

static void get_user_info(const struct verb_call *call)
{
	PSecurityUserData data = answer_unset();
	struct entry entry;
	NTSTATUS status;
	PLUID id;

	VERB_NEEDS(call, GetUserInfo, "SpGetUserInfo")
	entry_begin(&entry, call->package, "SpGetUserInfo", call->client);
	id = find_logon(call);
	entry_seal(&entry);
	status = call->package->api.GetUserInfo(id, (ULONG)step_number(call->step, "flags", 0),
						&data);
	entry_returned(&entry, status);
	answer_any_block("UserData", call->client, status, data);
	entry_end(&entry);
	verb_expect(call, "SpGetUserInfo", "expect", status);
}

static void get_extended(const struct verb_call *call)
{
	PSECPKG_EXTENDED_INFORMATION information = answer_unset();
	struct entry entry;
	NTSTATUS status;

	VERB_NEEDS(call, GetExtendedInformation, "SpGetExtendedInformation")
	entry_begin(&entry, call->package, "SpGetExtendedInformation", call->client);
	entry_seal(&entry);
	status = call->package->api.GetExtendedInformation(
		(ULONG)step_number(call->step, "class", 1), &information);
	entry_returned(&entry, status);
	answer_any_block("ppInformation", call->client, status, information);
	entry_end(&entry);
	verb_expect(call, "SpGetExtendedInformation", "expect", status);
}

static void set_extended(const struct verb_call *call)
{
	ULONG class = (ULONG)step_number(call->step, "class", 1);
	struct entry entry;
	PSecBuffer input;
	NTSTATUS status;

	VERB_NEEDS(call, SetExtendedInformation, "SpSetExtendedInformation")
	entry_begin(&entry, call->package, "SpSetExtendedInformation", call->client);
	input = verb_input_buffer(call, "zero:64", 0);
	entry_seal(&entry);
	status = call->package->api.SetExtendedInformation(
		class, (PSECPKG_EXTENDED_INFORMATION)input->pvBuffer);
	entry_returned(&entry, status);
	entry_end(&entry);
	verb_expect(call, "SpSetExtendedInformation", "expect", status);
}

/* The client's buffer for the reason of a refusal; or one of the package's, which may take its place. */
static void change_password(const struct verb_call *call)
{
	unsigned char room[OUTPUT_BYTES];
	SecBuffer buffer = { sizeof(room), 0, room };
	SecBufferDesc output = { 0, 1, &buffer };
	PUNICODE_STRING domain, account, old, new;
	struct entry entry;
	NTSTATUS status;

	VERB_NEEDS(call, ChangeAccountPassword, "SpChangeAccountPassword")
	entry_begin(&entry, call->package, "SpChangeAccountPassword", call->client);
	domain = inputs_name("EXAMPLE");
	account = inputs_name("user");
	old = inputs_name("secret");
	new = inputs_name("more secret");
	entry_seal(&entry);
	status = call->package->api.ChangeAccountPassword(domain, account, old, new, FALSE, &output);
	entry_returned(&entry, status);
	if (buffer.pvBuffer != room)
		answer_any_block("Output", call->client, STATUS_SUCCESS, buffer.pvBuffer);
	entry_end(&entry);
	verb_expect(call, "SpChangeAccountPassword", "expect", status);
}

static void validate_target(const struct verb_call *call)
{
	unsigned char target[EXTENDED_BYTES] = { 0 };
	struct verb_data data;
	struct entry entry;
	NTSTATUS status;
	void *submitted;

	VERB_NEEDS(call, ValidateTargetInfo, "SpValidateTargetInfo")
	verb_data_begin(&data, call, "buffer", "zero:64");
	submitted = heap_allocate(HEAP_LSA, data.submission.length);
	if (submitted && data.submission.length)
		memcpy(submitted, data.submission.bytes, data.submission.length);
	entry_begin(&entry, call->package, "SpValidateTargetInfo", call->client);
	entry_seal(&entry);
	status = call->package->api.ValidateTargetInfo(client_request(call->client), submitted,
						       data.submission.base, data.submission.length,
						       (PSECPKG_TARGETINFO)target);
	entry_returned(&entry, status);
	heap_take(submitted);
	entry_end(&entry);
	verb_data_end(&data, call);
	verb_expect(call, "SpValidateTargetInfo", "expect", status);
}

static void post_logon(const struct verb_call *call)
{
	struct post_logon information = { 0 }, *sealed;
	struct entry entry;
	NTSTATUS status;

	VERB_NEEDS(call, PostLogonUser, "SpPostLogonUser")
	if (!step_text(call->step, "logon") &&
	    !things_find(call->things, THING_LOGON, call->package, NULL)) {
		verb_lacks(call, "logon");
		return;
	}
	entry_begin(&entry, call->package, "SpPostLogonUser", call->client);
	information.id = *find_logon(call);
	sealed = inputs_copy(&information, sizeof(information));
	entry_seal(&entry);
	status = call->package->api.PostLogonUser((PSECPKG_POST_LOGON_USER_INFO)sealed);
	entry_returned(&entry, status);
	entry_end(&entry);
	verb_expect(call, "SpPostLogonUser", "expect", status);
}

const struct verb verbs_of_information[] = {
	{ "getinfo", " ", get_info, VERB_OF_LSA },
	{ "AcceptCredentials", " type ", accept_credentials, VERB_OF_LSA },
	{ "GetUserInfo", " logon flags ", get_user_info, VERB_OF_LSA },
	{ "GetExtendedInformation", " class ", get_extended, VERB_OF_LSA },
	{ "SetExtendedInformation", " class buffer ", set_extended, VERB_OF_LSA },
	{ "ChangeAccountPassword", " ", change_password, VERB_OF_LSA },
	{ "ValidateTargetInfo", " buffer ", validate_target, VERB_OF_LSA },
	{ "PostLogonUser", " logon ", post_logon, VERB_OF_LSA },
	{ 0 },
};
