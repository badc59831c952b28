/* SPDX-License-Identifier: MIT */
#include "viewer/host/scenario/run.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "viewer/host/base/site.h"
#include "viewer/host/scenario/keys.h"
#include "viewer/host/scenario/verbs.h"

static const struct verb *const lists[] = { verbs_of_authentication, verbs_of_information,
					    verbs_of_credentials, verbs_of_contexts,
					    verbs_of_messages };

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		for (const struct verb *verb = lists[i]; verb->name; verb++)
			if (strcasecmp(verb->name, name) == 0)
				return verb;
	return NULL;
}

/* A key with a "!" behind it must be there. */
static bool has_key(const struct verb *verb, const char *key)
{
	char word[64];

	snprintf(word, sizeof(word), " %s", key);
	for (const char *at = verb->keys; (at = strstr(at, word)) != NULL; at++)
		if (at[strlen(word)] == ' ' || at[strlen(word)] == '!')
			return true;
	return strcmp(key, "client") == 0 ||
	       (verb->kind != VERB_OF_HOST &&
		(strcmp(key, "package") == 0 || strcmp(key, "expect") == 0));
}

static const char *find_missing_key(const struct verb *verb, const struct step *step)
{
	static __thread char key[64];
	const char *mark = strchr(verb->keys, '!');

	if (!mark)
		return NULL;
	snprintf(key, sizeof(key), "%.*s", (int)(mark - verb->keys - 1), verb->keys + 1);
	return step_text(step, key) ? NULL : key;
}

static bool check_step(const struct steps *steps, const struct step *step)
{
	const struct verb *verb = find_verb(step->verb);
	const char *missing;

	if (strcmp(step->verb, "repeat") == 0)
		return true;
	if (!verb)
		return steps_refuse(steps, step->line, "'%s' is no verb", step->verb);
	for (size_t i = 0; i < step->pair_count; i++) {
		const struct pair *pair = &step->pairs[i];
		const char *wrong;

		if (!has_key(verb, pair->key))
			return steps_refuse(steps, step->line, "%s has no %s=", verb->name,
					    pair->key);
		wrong = key_check(verb->name, pair->key, pair->value, steps->file);
		if (wrong)
			return steps_refuse(steps, step->line, "%s=%s: expected %s", pair->key,
					    pair->value, wrong);
	}
	missing = find_missing_key(verb, step);
	return !missing || steps_refuse(steps, step->line, "%s needs %s=", verb->name, missing);
}

bool run_check(const struct steps *steps)
{
	for (size_t i = 0; i < steps->count; i++)
		if (!check_step(steps, &steps->all[i]))
			return false;
	return true;
}

bool run_check_packages(const struct steps *steps)
{
	for (size_t i = 0; i < steps->count; i++) {
		const char *name = step_text(&steps->all[i], "package");

		if (name && !packages_find(name))
			return steps_refuse(steps, steps->all[i].line, "there is no package '%s'",
					    name);
	}
	return true;
}

static void run_step(const struct steps *steps, const struct step *step, struct things *things)
{
	const char *client = step_text(step, "client"), *package = step_text(step, "package");
	const char *trusted = step_text(step, "trusted");
	const struct verb *verb = find_verb(step->verb);
	struct verb_call call = { .things = things, .steps = steps, .step = step };
	bool is_ready;

	site.file = steps->file;
	site.line = step->line;
	call.client = things_client(things, client ? client : "client",
				    !trusted || strcmp(trusted, "yes") == 0);
	if (verb->kind == VERB_OF_HOST) {
		verb->run(&call);
		return;
	}
	for (size_t i = 0; i < package_count; i++) {
		call.package = &packages[i];
		is_ready = verb->kind == VERB_OF_CLIENT ? call.package->is_user_ready
							: call.package->is_ready;
		if (is_ready && (!package || packages_find(package) == call.package))
			verb->run(&call);
	}
}

static void run_steps(const struct steps *steps, size_t first, size_t end, struct things *things)
{
	for (size_t i = first; i < end; i++) {
		const struct step *step = &steps->all[i];

		if (strcmp(step->verb, "repeat") != 0) {
			run_step(steps, step, things);
			continue;
		}
		for (unsigned time = 0; time < step->times; time++)
			run_steps(steps, i + 1, step->end, things);
		i = step->end - 1;
	}
}

void run_rounds(const struct steps *steps, unsigned rounds)
{
	for (unsigned round = 0; round < rounds; round++) {
		struct things things = { 0 };

		run_steps(steps, 0, steps->count, &things);
		things_end(&things, NULL);
	}
}

/* Packages that take texts get one, others numbers of messages. A handle is only one that the package has given out. */
const char run_default[] = "getinfo\n"
			   "AcceptCredentials\n"
			   "logon type=interactive\n"
			   "logon type=network\n"
			   "PostLogonUser\n"
			   "GetUserInfo\n"
			   "call buffer=text:run\n"
			   "call buffer=zero:64\n"
			   "call buffer=u32:1,zero:60\n"
			   "call buffer=u32:2,zero:60\n"
			   "call entry=untrusted\n"
			   "call entry=passthrough\n"
			   "AcquireCredentialsHandle credential=own\n"
			   "QueryCredentialsAttributes attribute=1\n"
			   "SetCredentialsAttributes\n"
			   "AddCredentials\n"
			   "SaveCredentials\n"
			   "GetCredentials\n"
			   "DeleteCredentials\n"
			   "QueryMetaData\n"
			   "ExchangeMetaData\n"
			   "GetRemoteCredGuardLogonBuffer\n"
			   "GetRemoteCredGuardSupplementalCreds\n"
			   "context initiator=client acceptor=server\n"
			   "QueryContextAttributes attribute=0\n"
			   "QueryContextAttributes attribute=1\n"
			   "QueryContextAttributes attribute=2\n"
			   "QueryContextAttributes attribute=10\n"
			   "SetContextAttributes\n"
			   "GetCredUIContext\n"
			   "UpdateCredentials\n"
			   "messages initiator=client acceptor=server\n"
			   "QueryUserContextAttributes attribute=1\n"
			   "GetContextToken\n"
			   "ExportContext\n"
			   "FormatCredentials\n"
			   "MarshallSupplementalCreds\n"
			   "MarshalAttributeData\n"
			   "ApplyControlToken\n"
			   "DeleteContext\n"
			   "context flags=0x100\n"
			   "FreeCredentialsHandle credential=own\n"
			   "GetExtendedInformation class=1\n"
			   "SetExtendedInformation class=1\n"
			   "ChangeAccountPassword\n"
			   "ValidateTargetInfo\n"
			   "terminate\n";
