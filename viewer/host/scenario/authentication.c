/* SPDX-License-Identifier: MIT */
/* Verbs for authentication packages, and the settings. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "viewer/host/base/faults.h"
#include "viewer/host/base/site.h"
#include "viewer/host/lsa/accounts.h"
#include "viewer/host/lsa/peers.h"
#include "viewer/host/scenario/keys.h"
#include "viewer/host/scenario/verbs.h"

/* MSV1_0_INTERACTIVE_LOGON: the type of the message, three strings. */
#define DEFAULT_LOGON "u32:2,pad:8,string:EXAMPLE,string:user,string:secret"
#define DEFAULT_CALL "zero:64"

static void log_on(const struct verb_call *call)
{
	const char *type = step_text(call->step, "type"), *entry = step_text(call->step, "entry");
	struct logon logon = { .entry = entry ? key_logon_entry(entry) : LOGON_NEWEST,
			       .type = key_logon_type(type ? type : "interactive") };
	struct verb_data data;

	verb_data_begin(&data, call, "submit", DEFAULT_LOGON);
	if (package_log_on(call->package, call->client, &data.submission, &logon)) {
		verb_expect(call, "LsaApLogonUser", "expect", logon.status);
		verb_expect(call, "LsaApLogonUser", "substatus", logon.sub_status);
		if (NT_SUCCESS(logon.status))
			things_add(call->things, THING_LOGON, call->package, call->client, "")->logon =
				logon.id;
	} else {
		verb_is_missing(call, "LsaApLogonUser");
	}
	verb_data_end(&data, call);
}

static void compare_reply(const struct verb_call *call, const struct call *made)
{
	const char *text = step_text(call->step, "returns");
	struct data expected;

	if (!text || data_read(&expected, text, call->steps->file, true))
		return;
	if (expected.length != made->reply_bytes ||
	    (expected.length && memcmp(expected.bytes, made->reply, expected.length) != 0)) {
		struct site outer = site_enter(call->package->name, "LsaApCallPackage");

		fault_tell_unexpected("%u bytes were returned that are not those expected",
				      made->reply_bytes);
		site_leave(&outer);
	}
	data_release(&expected);
}

static void call_package(const struct verb_call *call)
{
	const char *entry = step_text(call->step, "entry");
	struct call made = { .entry = entry ? key_call_entry(entry) : CALL_TRUSTED };
	struct verb_data data;

	verb_data_begin(&data, call, "buffer", DEFAULT_CALL);
	if (package_call(call->package, call->client, &data.submission, &made)) {
		verb_expect(call, "LsaApCallPackage", "expect", made.status);
		verb_expect(call, "LsaApCallPackage", "protocol", made.protocol_status);
		compare_reply(call, &made);
		free(made.reply);
	} else {
		verb_is_missing(call, "LsaApCallPackage");
	}
	verb_data_end(&data, call);
}

/* The logons of this client, or one that the step names. */
static void terminate(const struct verb_call *call)
{
	const char *id = step_text(call->step, "logon");
	LUID luid = { .LowPart = (ULONG)step_number(call->step, "logon", 0) };
	struct thing *next;

	VERB_NEEDS(call, LogonTerminated, "LsaApLogonTerminated")
	if (id)
		things_terminate(call->package, &luid);
	for (struct thing *thing = id ? NULL : call->things->all; thing; thing = next) {
		next = thing->next;
		if (thing->kind != THING_LOGON || thing->package != call->package ||
		    thing->client != call->client)
			continue;
		things_terminate(call->package, &thing->logon);
		things_remove(call->things, thing);
	}
}

static void begin_client(const struct verb_call *call)
{
	(void)call; /* it began with the step, and with trusted=no was given no privilege */
}

static void end_client(const struct verb_call *call)
{
	const char *name = step_text(call->step, "client");

	things_end(call->things, name ? name : "client");
}

static void add_peer(const struct verb_call *call)
{
	const char *reply = step_text(call->step, "returns");
	struct data data = { 0 };

	if (reply)
		data_read(&data, reply, call->steps->file, true);
	peer_add(step_text(call->step, "name"), (NTSTATUS)step_number(call->step, "status", 0),
		 (NTSTATUS)step_number(call->step, "protocol", 0), reply ? data.bytes : NULL,
		 data.length);
	data_release(&data);
}

static void remove_user(const struct verb_call *call)
{
	account_remove(step_text(call->step, "name"));
}

static void wait_a_while(const struct verb_call *call)
{
	uint64_t ms = step_number(call->step, "ms", 0);
	struct timespec time = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	nanosleep(&time, NULL);
}

const struct verb verbs_of_authentication[] = {
	{ "logon", " type submit entry substatus ", log_on, VERB_OF_LSA },
	{ "call", " buffer entry protocol returns ", call_package, VERB_OF_LSA },
	{ "terminate", " logon ", terminate, VERB_OF_LSA },
	{ "client", " trusted ", begin_client, VERB_OF_HOST },
	{ "end", " ", end_client, VERB_OF_HOST },
	{ "peer", " name! status protocol returns ", add_peer, VERB_OF_HOST },
	{ "no-user", " name! ", remove_user, VERB_OF_HOST },
	{ "wait", " ms! ", wait_a_while, VERB_OF_HOST },
	{ 0 },
};
