/* SPDX-License-Identifier: MIT */
#include "viewer/host/package/answers.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/host/base/faults.h"
#include "viewer/host/base/memory.h"
#include "viewer/host/base/system.h"
#include "viewer/host/memory/heaps.h"

/* What no output parameter points to before the call. */
static char *unset_page;

PVOID answer_unset(void)
{
	if (!unset_page)
		unset_page = system_map(system_page_bytes(), SYSTEM_NONE);
	return unset_page + 0xc0;
}

bool answer_is_unset(const void *address)
{
	return unset_page && (uintptr_t)address - (uintptr_t)unset_page < system_page_bytes();
}

bool answer_check_string(const char *parameter, const UNICODE_STRING *string, size_t character_bytes)
{
	if (string->Length > string->MaximumLength)
		fault_tell("%s has a Length of %u, beyond its MaximumLength of %u", parameter,
			   string->Length, string->MaximumLength);
	else if (string->Length % character_bytes)
		fault_tell("%s has an odd Length, %u", parameter, string->Length);
	else if (string->Length && !string->Buffer)
		fault_tell("%s has a Length of %u and no Buffer", parameter, string->Length);
	else
		return true;
	return false;
}

/* Tells what the LSA cannot take over. Returns whether it can. */
static bool check_lsa_block(const char *parameter, const void *address, struct heap_block *found)
{
	*found = heap_find(address);
	if (found->state == HEAP_LIVE && !found->offset && found->heap != HEAP_USER)
		return true;
	if (found->state == HEAP_LIVE && found->offset)
		fault_tell("%s points into a block, %zu bytes from its start", parameter,
			   found->offset);
	else if (found->state == HEAP_LIVE)
		fault_tell("%s is a block of %s, and not of the LSA's", parameter,
			   heap_name(found->heap));
	else if (found->state == HEAP_FREED)
		fault_tell(
			"%s is a block of %zu bytes that was freed before; the LSA frees it again",
			parameter, found->bytes);
	else if (client_has_address(address))
		fault_tell("%s is an address of the client; the LSA needs a block of its heap",
			   parameter);
	else
		fault_tell("%s is no block of the LSA's heap; the LSA cannot free it", parameter);
	return false;
}

static bool is_absent(const char *parameter, NTSTATUS status, const void *address)
{
	if (!answer_is_unset(address))
		return !address;
	if (NT_SUCCESS(status))
		fault_tell("%s was not set", parameter);
	return true;
}

/* The text is a block of its own, or part of the structure's, or the package's for ever. */
static void take_text(const char *parameter, const UNICODE_STRING *string, size_t character_bytes)
{
	struct heap_block whole = heap_find_start(string);
	struct heap_block found = heap_find_start(string->Buffer);
	size_t offset = (uintptr_t)string->Buffer - (uintptr_t)string;
	size_t room = string->MaximumLength;

	if (!answer_check_string(parameter, string, character_bytes) || !string->Buffer)
		return;
	if (offset < whole.bytes)
		room = whole.bytes - offset;
	else if (found.state == HEAP_LIVE)
		room = found.bytes;
	if (found.state == HEAP_FREED)
		fault_tell("the Buffer of %s was freed before; the LSA frees it again", parameter);
	else if (client_has_address(string->Buffer))
		fault_tell("the Buffer of %s is an address of the client", parameter);
	else if (room < string->MaximumLength)
		fault_tell("the Buffer of %s has %zu bytes, its MaximumLength is %u", parameter,
			   room, string->MaximumLength);
	if (offset)
		heap_take(string->Buffer);
}

/* Returns whether it may be read. */
static bool check_name(const char *parameter, const void *name)
{
	struct heap_block found;

	if (!check_lsa_block(parameter, name, &found))
		return false;
	if (found.bytes >= sizeof(UNICODE_STRING))
		return true;
	fault_tell("%s is a block of %zu bytes, a string has %zu", parameter, found.bytes,
		   sizeof(UNICODE_STRING));
	heap_take((void *)(uintptr_t)name);
	return false;
}

void answer_name(const char *parameter, PUNICODE_STRING name, bool is_needed)
{
	if (is_needed && (!name || answer_is_unset(name)))
		fault_tell("%s was not set", parameter);
	if (!name || answer_is_unset(name) || !check_name(parameter, name))
		return;
	take_text(parameter, name, sizeof(WCHAR));
	heap_take(name);
}

char *answer_package_name(PLSA_STRING name)
{
	const char *parameter = "AuthenticationPackageName";
	char *text = NULL;

	if (is_absent(parameter, STATUS_SUCCESS, name) || !check_name(parameter, name))
		return NULL;
	if (name->Length <= name->MaximumLength && name->Buffer &&
	    !client_has_address(name->Buffer) && heap_find_start(name->Buffer).state != HEAP_FREED) {
		text = memory_new((size_t)name->Length + 1);
		memcpy(text, name->Buffer, name->Length);
	}
	take_text(parameter, (const UNICODE_STRING *)name, 1);
	heap_take(name);
	return text;
}

/* After a failure nobody looks at it, so it must not hold anything. */
static void check_left(const char *parameter, struct client *client, PVOID address)
{
	struct heap_block found = heap_find_start(address);

	if (found.state == HEAP_LIVE || (client && client_buffer_bytes(client, address) >= 0))
		fault_tell("%s is set, but the call failed: nobody frees it", parameter);
}

static void tell_wrong_buffer(const char *parameter, PVOID address)
{
	struct heap_block found = heap_find_start(address);

	if (found.state == HEAP_LIVE)
		fault_tell("%s is a block of %s; the client needs a buffer of AllocateClientBuffer",
			   parameter, heap_name(found.heap));
	else if (found.state == HEAP_FREED)
		fault_tell("%s is a block of %s that was freed before", parameter,
			   heap_name(found.heap));
	else if (client_has_address(address))
		fault_tell("%s is no buffer of this client, or was freed before", parameter);
	else
		fault_tell("%s is no buffer of AllocateClientBuffer", parameter);
	heap_take(address);
}

unsigned char *answer_client_buffer(const char *parameter, struct client *client, NTSTATUS status,
				    PVOID address, ULONG *bytes)
{
	unsigned char *content = NULL;
	ULONG said = *bytes;
	long has;

	*bytes = 0;
	if (is_absent(parameter, status, address))
		return NULL;
	if (!NT_SUCCESS(status)) {
		check_left(parameter, client, address);
		return NULL;
	}
	has = client ? client_buffer_bytes(client, address) : -1;
	if (has < 0) {
		tell_wrong_buffer(parameter, address);
		return NULL;
	}
	if (said == ANSWER_UNSET)
		fault_tell("the length of %s was not set", parameter);
	else if (said > (unsigned long)has)
		fault_tell("%s has %ld bytes, but its length is said to be %u", parameter, has,
			   said);
	*bytes = said < (unsigned long)has ? said : (ULONG)has;
	content = memory_new(*bytes);
	client_read(client, address, content, *bytes);
	client_free(client, address);
	return content;
}

void answer_lsa_block(const char *parameter, NTSTATUS status, PVOID address, size_t bytes)
{
	struct heap_block found;

	if (is_absent(parameter, status, address))
		return;
	if (!NT_SUCCESS(status)) {
		check_left(parameter, NULL, address);
		return;
	}
	if (!check_lsa_block(parameter, address, &found))
		return;
	if (bytes > found.bytes)
		fault_tell("%s has %zu bytes, but its length is said to be %zu", parameter,
			   found.bytes, bytes);
	heap_take(address);
}

void answer_any_block(const char *parameter, struct client *client, NTSTATUS status, PVOID address)
{
	struct heap_block found;

	if (is_absent(parameter, status, address))
		return;
	if (!NT_SUCCESS(status)) {
		check_left(parameter, client, address);
		return;
	}
	found = heap_find_start(address);
	if (found.state == HEAP_FREED)
		fault_tell("%s is a block of %zu bytes that was freed before", parameter,
			   found.bytes);
	else if (client && client_buffer_bytes(client, address) >= 0)
		client_free(client, address);
	else
		heap_take(address);
}

void answer_structure(const char *parameter, struct client *client, NTSTATUS status,
		      const void *structure, size_t bytes, const void *before)
{
	for (size_t at = 0; at + sizeof(PVOID) <= bytes; at += sizeof(PVOID)) {
		PVOID word;

		memcpy(&word, (const char *)structure + at, sizeof(word));
		if (word != before && word && !answer_is_unset(word))
			answer_any_block(parameter, client, status, word);
	}
}

struct attributed_sid {
	PVOID sid;
	ULONG attributes;
};

struct groups {
	ULONG count;
	struct attributed_sid group[];
};

/* LSA_TOKEN_INFORMATION_V1; LSA_TOKEN_INFORMATION_NULL has the first two members only, without the user. */
struct token {
	LARGE_INTEGER expires;
	struct attributed_sid user;
	struct groups *groups;
	PVOID primary_group, privileges, owner, default_dacl;
};

struct null_token {
	LARGE_INTEGER expires;
	struct groups *groups;
};

enum { TOKEN_NULL, TOKEN_V1, TOKEN_V2, TOKEN_V3 };

static void take_part(const char *parameter, PVOID address)
{
	struct heap_block found = heap_find_start(address);

	if (found.state == HEAP_FREED)
		fault_tell("%s was freed before; the LSA frees it again", parameter);
	else
		heap_take(address);
}

static void take_groups(struct groups *groups)
{
	struct heap_block found = heap_find(groups);
	size_t room = found.bytes - found.offset;

	if (found.state == HEAP_LIVE && room >= sizeof(*groups)) {
		if (groups->count > (room - sizeof(*groups)) / sizeof(*groups->group))
			fault_tell("Groups of TokenInformation counts %u groups, but has %zu bytes",
				   groups->count, room);
		else
			for (ULONG i = 0; i < groups->count; i++)
				take_part("a group of TokenInformation", groups->group[i].sid);
	}
	take_part("Groups of TokenInformation", groups);
}

static void take_parts(ULONG type, PVOID address)
{
	struct token *token = address;

	if (type == TOKEN_NULL) {
		take_groups(((struct null_token *)address)->groups);
		return;
	}
	take_part("User of TokenInformation", token->user.sid);
	take_groups(token->groups);
	take_part("PrimaryGroup of TokenInformation", token->primary_group);
	take_part("Privileges of TokenInformation", token->privileges);
	take_part("Owner of TokenInformation", token->owner);
	take_part("DefaultDacl of TokenInformation", token->default_dacl);
}

void answer_token(NTSTATUS status, ULONG type, PVOID token)
{
	size_t least = type == TOKEN_NULL ? sizeof(struct null_token) : sizeof(struct token);
	struct heap_block found;

	if (!NT_SUCCESS(status)) {
		answer_lsa_block("TokenInformation", status, token, 0);
		return;
	}
	if (type > TOKEN_V3)
		fault_tell(type == ANSWER_UNSET ? "TokenInformationType was not set"
						: "TokenInformationType is unknown");
	if (is_absent("TokenInformation", status, token) ||
	    !check_lsa_block("TokenInformation", token, &found))
		return;
	if (type <= TOKEN_V3 && found.bytes < least)
		fault_tell("TokenInformation has %zu bytes, a structure of type %u has %zu",
			   found.bytes, type, least);
	else if (type != TOKEN_V2 && type <= TOKEN_V3) /* V2 is one block */
		take_parts(type, token);
	heap_take(token);
}
