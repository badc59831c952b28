/* SPDX-License-Identifier: MIT */
/*
 * A small challenge-response package, in the manner of NTLM, as it might be written in a hurry. It
 * keeps the cache of its sessions in memory shared with its clients, the challenges in another
 * section, and its secrets on the private heap.
 *
 * Every CallPackage plays three logons: one whose message is refused, one with the wrong
 * password, and one that succeeds. It has six defects on purpose, each marked by a comment.
 */
#include <stdbool.h>

#include "tests/packages/package.h"

enum {
	CACHE_SIZE = 65536,
	CHALLENGES_SIZE = 16384,
	AUDIT_SIZE = 32768,
	CHALLENGE_LENGTH = 24,
	SESSION_KEY_LENGTH = 16,
	TARGET_INFO_LENGTH = 112,
	REPLY_LENGTH = 72,
};

enum { NEGOTIATE_UNICODE = 0x1, NEGOTIATE_SEAL = 0x20 };

struct message {
	ULONG flags;
	const char *user;
	const char *password;
};

struct cached_session {
	ULONG flags;
	char user[64];
};

struct context {
	ULONG flags;
	struct cached_session *session; /* in the cache */
	UCHAR *challenge;               /* in the section of challenges */
	UCHAR *session_key;             /* on the private heap */
	UCHAR *target_info;             /* on the LSA heap */
};

static PVOID session_cache;
static PVOID challenges;
static PVOID audit_log;

static NOINLINE PVOID create_session_cache(void)
{
	return lsa->CreateSharedMemory(CACHE_SIZE, 4096);
}

static NOINLINE PVOID create_challenge_section(void)
{
	return lsa->CreateSharedMemory(CHALLENGES_SIZE, 4096);
}

/* Defect 1: demo_shutdown does not know of this section, and never deletes it. */
static NOINLINE PVOID open_audit_log(void)
{
	return lsa->CreateSharedMemory(AUDIT_SIZE, 4096);
}

static NOINLINE void make_challenge(struct context *context)
{
	context->challenge = lsa->AllocateSharedMemory(challenges, CHALLENGE_LENGTH);
	if (context->challenge)
		memset(context->challenge, 0x5c, CHALLENGE_LENGTH);
}

static NOINLINE void cache_session(struct context *context, const struct message *message)
{
	context->session = lsa->AllocateSharedMemory(session_cache, sizeof(*context->session));
	if (!context->session)
		return;
	context->session->flags = message->flags;
	snprintf(context->session->user, sizeof(context->session->user), "%s", message->user);
}

static NOINLINE void derive_session_key(struct context *context, const struct message *message)
{
	size_t length = strlen(message->password);

	context->session_key = lsa->AllocatePrivateHeap(SESSION_KEY_LENGTH);
	for (size_t i = 0; context->session_key && i < SESSION_KEY_LENGTH; i++)
		context->session_key[i] = (UCHAR)message->password[i % length];
}

static NOINLINE void collect_target_info(struct context *context)
{
	context->target_info = lsa->AllocateLsaHeap(TARGET_INFO_LENGTH);
	if (context->target_info)
		memset(context->target_info, 0, TARGET_INFO_LENGTH);
}

/* Defect 2: a message that is refused leaves its context behind. */
static NOINLINE struct context *begin_context(const struct message *message)
{
	struct context *context = lsa->AllocateLsaHeap(sizeof(*context));

	if (!context)
		return NULL;
	memset(context, 0, sizeof(*context));
	context->flags = message->flags;
	if (!(message->flags & NEGOTIATE_UNICODE))
		return NULL;
	return context;
}

/* Defect 3: the challenge does not lie in the cache, but in another section. */
static NOINLINE void drop_challenge(struct context *context)
{
	lsa->FreeSharedMemory(session_cache, context->challenge);
}

/* Defect 4: the target information comes from the LSA heap. */
static NOINLINE void drop_target_info(struct context *context)
{
	lsa->FreePrivateHeap(context->target_info);
}

static NOINLINE void drop_session_key(struct context *context)
{
	lsa->FreePrivateHeap(context->session_key);
}

/* Defect 5: when the logon has failed, the session key has been dropped before. */
static NOINLINE void end_context(struct context *context)
{
	drop_challenge(context);
	drop_target_info(context);
	drop_session_key(context);
	lsa->FreeSharedMemory(session_cache, context->session);
	lsa->FreeLsaHeap(context);
}

static bool verify_response(const struct message *message)
{
	return strcmp(message->password, "correct horse") == 0;
}

static NOINLINE NTSTATUS authenticate(struct context *context, const struct message *message)
{
	make_challenge(context);
	cache_session(context, message);
	collect_target_info(context);
	derive_session_key(context, message);
	if (verify_response(message))
		return STATUS_SUCCESS;
	drop_session_key(context);
	return STATUS_LOGON_FAILURE;
}

/* Defect 6: the client is told the reply's address only after a successful logon. */
static NOINLINE void send_reply(PLSA_CLIENT_REQUEST client, NTSTATUS status, PVOID *return_buffer,
				PULONG return_length)
{
	char reply[REPLY_LENGTH] = { 0 };
	PVOID address = NULL;

	if (!NT_SUCCESS(lsa->AllocateClientBuffer(client, REPLY_LENGTH, &address)))
		return;
	snprintf(reply, sizeof(reply), "status %08x", (unsigned int)status);
	lsa->CopyToClientBuffer(client, REPLY_LENGTH, address, reply);
	if (NT_SUCCESS(status)) {
		*return_buffer = address;
		*return_length = REPLY_LENGTH;
	}
}

static NOINLINE NTSTATUS log_on(PLSA_CLIENT_REQUEST client, const struct message *message,
				PVOID *return_buffer, PULONG return_length)
{
	struct context *context = begin_context(message);
	NTSTATUS status;

	if (!context)
		return STATUS_INVALID_PARAMETER;
	status = authenticate(context, message);
	send_reply(client, status, return_buffer, return_length);
	end_context(context);
	return status;
}

static NTSTATUS demo_initialize(ULONG_PTR PackageId, PSECPKG_PARAMETERS Parameters,
				PLSA_SECPKG_FUNCTION_TABLE FunctionTable)
{
	package_initialize(PackageId, Parameters, FunctionTable);
	session_cache = create_session_cache();
	challenges = create_challenge_section();
	audit_log = open_audit_log();
	return session_cache && challenges && audit_log ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

static NTSTATUS demo_shutdown(void)
{
	lsa->DeleteSharedMemory(challenges);
	lsa->DeleteSharedMemory(session_cache);
	return STATUS_SUCCESS;
}

static NTSTATUS demo_get_info(PSecPkgInfoW PackageInfo)
{
	package_describe(PackageInfo, u"demo");
	return STATUS_SUCCESS;
}

static NTSTATUS demo_call_package(PLSA_CLIENT_REQUEST ClientRequest, PVOID ProtocolSubmitBuffer,
				  PVOID ClientBufferBase, ULONG SubmitBufferLength,
				  PVOID *ProtocolReturnBuffer, PULONG ReturnBufferLength,
				  PNTSTATUS ProtocolStatus)
{
	static const struct message messages[] = {
		{ NEGOTIATE_SEAL, "bob", "battery staple" },
		{ NEGOTIATE_UNICODE, "carol", "battery staple" },
		{ NEGOTIATE_UNICODE | NEGOTIATE_SEAL, "alice", "correct horse" },
	};

	(void)ProtocolSubmitBuffer;
	(void)ClientBufferBase;
	(void)SubmitBufferLength;
	*ProtocolReturnBuffer = NULL;
	*ReturnBufferLength = 0;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
		*ProtocolStatus = log_on(ClientRequest, &messages[i], ProtocolReturnBuffer,
					 ReturnBufferLength);
	return STATUS_SUCCESS;
}

static SECPKG_FUNCTION_TABLE package_table = {
	.CallPackage = demo_call_package,
	.Initialize = demo_initialize,
	.Shutdown = demo_shutdown,
	.GetInfo = demo_get_info,
};

PACKAGE_EXPORT(SECPKG_INTERFACE_VERSION_8, &package_table, 1)
