/* SPDX-License-Identifier: MIT */
#include "viewer/host/scenario/keys.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/host/scenario/data.h"

struct word {
	const char *text;
	unsigned value;
};

static const struct word logon_types[] = {
	{ "interactive", 2 },
	{ "network", 3 },
	{ "batch", 4 },
	{ "service", 5 },
	{ "proxy", 6 },
	{ "unlock", 7 },
	{ "network-cleartext", 8 },
	{ "new-credentials", 9 },
	{ "remote-interactive", 10 },
	{ "cached-interactive", 11 },
	{ 0 },
};
static const struct word logon_entries[] = {
	{ "LogonUser", LOGON_PLAIN },
	{ "LogonUserEx", LOGON_EX },
	{ "LogonUserEx2", LOGON_EX2 },
	{ 0 },
};
static const struct word call_entries[] = {
	{ "trusted", CALL_TRUSTED },
	{ "untrusted", CALL_UNTRUSTED },
	{ "passthrough", CALL_PASSTHROUGH },
	{ 0 },
};
static const struct word uses[] = {
	{ "inbound", 1 },
	{ "outbound", 2 },
	{ "both", 3 },
	{ 0 },
};
static const struct word answers[] = { { "yes", 1 }, { "no", 0 }, { 0 } };
static const struct word ends[] = { { "done", 1 }, { 0 } };

static const struct word *find_word(const struct word *words, const char *text)
{
	for (; words->text; words++)
		if (strcmp(words->text, text) == 0)
			return words;
	return NULL;
}

static bool is_number(const char *text)
{
	char *end;

	return isdigit((unsigned char)*text) && strtoull(text, &end, 0) <= UINT32_MAX && !*end;
}

static bool is_logon_type(const char *text)
{
	return find_word(logon_types, text) || is_number(text);
}

static bool is_logon_entry(const char *text)
{
	return find_word(logon_entries, text);
}

static bool is_call_entry(const char *text)
{
	return find_word(call_entries, text);
}

static bool is_use(const char *text)
{
	return find_word(uses, text) || is_number(text);
}

static bool is_answer(const char *text)
{
	return find_word(answers, text);
}

static bool is_end(const char *text)
{
	return find_word(ends, text);
}

static bool is_status(const char *text)
{
	return strcmp(text, "success") == 0 || strcmp(text, "failure") == 0 || is_number(text);
}

static bool is_name(const char *text)
{
	return *text;
}

/* Keys that have data are checked by reading these. Where verbs differ in a key, its name has the verb before it. */
static const struct key {
	const char *name;
	bool (*is_right)(const char *value);
	const char *values;
} keys[] = {
	{ "package", is_name, "a name" },
	{ "client", is_name, "a name" },
	{ "name", is_name, "a name" },
	{ "credential", is_name, "a name or a number" },
	{ "context", is_name, "a name or a number" },
	{ "initiator", is_name, "a name" },
	{ "acceptor", is_name, "a name" },
	{ "target", is_name, "a name" },
	{ "expect", is_status, "success, failure or a number" },
	{ "substatus", is_status, "success, failure or a number" },
	{ "protocol", is_status, "success, failure or a number" },
	{ "status", is_number, "a number" },
	{ "logon", is_number, "a number" },
	{ "attribute", is_number, "a number" },
	{ "class", is_number, "a number" },
	{ "flags", is_number, "a number" },
	{ "steps", is_number, "a number" },
	{ "ms", is_number, "a number" },
	{ "type", is_logon_type, "interactive, network, batch, service, unlock, ... or a number" },
	{ "logon entry", is_logon_entry, "LogonUser, LogonUserEx or LogonUserEx2" },
	{ "call entry", is_call_entry, "trusted, untrusted or passthrough" },
	{ "use", is_use, "inbound, outbound, both or a number" },
	{ "trusted", is_answer, "yes or no" },
	{ "until", is_end, "done" },
	{ "submit", NULL, NULL },
	{ "buffer", NULL, NULL },
	{ "returns", NULL, NULL },
	{ "token", NULL, NULL },
};

const char *key_check(const char *verb, const char *name, const char *value, const char *scenario)
{
	char own_name[64];

	snprintf(own_name, sizeof(own_name), "%s %s", verb, name);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		struct data data;
		const char *wrong;

		if (strcmp(keys[i].name, name) != 0 && strcmp(keys[i].name, own_name) != 0)
			continue;
		if (keys[i].is_right)
			return keys[i].is_right(value) ? NULL : keys[i].values;
		wrong = data_read(&data, value, scenario, true);
		if (!wrong)
			data_release(&data);
		return wrong;
	}
	return "no such key";
}

static unsigned value_of(const struct word *words, const char *text)
{
	const struct word *word = find_word(words, text);

	return word ? word->value : (unsigned)strtoul(text, NULL, 0);
}

SECURITY_LOGON_TYPE key_logon_type(const char *value)
{
	return value_of(logon_types, value);
}

enum logon_entry key_logon_entry(const char *value)
{
	return (enum logon_entry)value_of(logon_entries, value);
}

enum call_entry key_call_entry(const char *value)
{
	return (enum call_entry)value_of(call_entries, value);
}

ULONG key_credential_use(const char *value)
{
	return value_of(uses, value);
}
