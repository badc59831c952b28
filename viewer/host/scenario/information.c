/* SPDX-License-Identifier: MIT */
/* Verbs for what a package says of itself and its users. */
#include <string.h>

#include "viewer/host/base/faults.h"
#include "viewer/host/base/wide.h"
#include "viewer/host/memory/inputs.h"
#include "viewer/host/package/answers.h"
#include "viewer/host/package/entry.h"
#include "viewer/host/scenario/verbs.h"

static void check_text(const char *parameter, const WCHAR *text)
{
	if (!text || answer_is_unset(text))
		fault_tell("%s was not set", parameter);
	else if (client_has_address(text))
		fault_tell("%s is an address of the client", parameter);
}

static void get_info(const struct verb_call *call)
{
	SecPkgInfoW info = { .cbMaxToken = ANSWER_UNSET, .Name = answer_unset(), .Comment = answer_unset() };
	struct entry entry;
	NTSTATUS status;

	VERB_NEEDS(call, GetInfo, "SpGetInfo")
	entry_begin(&entry, call->package, "SpGetInfo", call->client);
	entry_seal(&entry);
	status = call->package->api.GetInfo(&info);
	entry_returned(&entry, status);
	if (NT_SUCCESS(status)) {
		check_text("Name", info.Name);
		check_text("Comment", info.Comment);
		if (info.cbMaxToken == ANSWER_UNSET)
			fault_tell("cbMaxToken was not set");
	}
	entry_end(&entry);
	verb_expect(call, "SpGetInfo", "expect", status);
}

const struct verb verbs_of_information[] = {
	{ "getinfo", " ", get_info, false },
	{ 0 },
};
