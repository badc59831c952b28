/* SPDX-License-Identifier: MIT */
/*
 * Calls that --fail lets fail: which slots can fail, and how; and the values of the option.
 *
 *   SLOT[:WHICH][=STATUS]
 *
 *   WHICH             which calls of the slot fail; without it, each of them
 *   N                 the N-th one; 0: none, they are only recorded
 *   N-                the N-th one, and all after it
 *   1/N@SEED          one of N, chosen by the number of the call and the seed; without @SEED, 0
 *   site=SITE         the first one from that site (site.h)
 *   site=SITE,N       the N-th one from there
 *   site=SITE,N-      that one, and all from there after it
 *   STATUS            what a function that returns an NTSTATUS returns, as a hexadecimal number
 *
 * Calls are counted for each value of the option, over all packages and threads of a process.
 *
 * A slot that is traced fails behind its shim, and so as if the host's function had failed. One that is
 * not traced is recorded if it is named; the trace then has a FUNCTION definition of it.
 *
 * Nothing here allocates, prints or keeps state.
 */
#ifndef LSATRACE_FAILURES_H
#define LSATRACE_FAILURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "slots.h"
#include "trace_format.h"

/*
 * TRACED(name, returns, status), UNTRACED(table, name, returns, status)
 *
 * returns: POINTER, BOOLEAN or STATUS; a failure is NULL, FALSE, or `status` if the option says no
 * other. The statuses are those that Microsoft documents for the function; where it documents none, one
 * of the general ones. The names of tables are those of slots.h.
 */
#define TRACED_FAILURES(TRACED) \
	TRACED(CreateSharedMemory, POINTER, 0) \
	TRACED(AllocateSharedMemory, POINTER, 0) \
	TRACED(DeleteSharedMemory, BOOLEAN, 0) \
	TRACED(AllocateLsaHeap, POINTER, 0) \
	TRACED(CallPackage, STATUS, FAILURE_NO_SUCH_PACKAGE) \
	TRACED(CallPackageEx, STATUS, FAILURE_NO_SUCH_PACKAGE) \
	TRACED(CallPackagePassthrough, STATUS, FAILURE_NO_SUCH_PACKAGE) \
	TRACED(GetUserAuthData, STATUS, FAILURE_NO_MEMORY) \
	TRACED(GetAuthDataForUser, STATUS, FAILURE_NO_SUCH_USER) \
	TRACED(GetCredentials, STATUS, FAILURE_NO_SUCH_LOGON_SESSION) \
	TRACED(ExpandAuthDataForDomain, STATUS, FAILURE_NO_MEMORY) \
	TRACED(ConvertAuthDataToToken, STATUS, FAILURE_RESOURCES) \
	TRACED(CrackSingleName, STATUS, FAILURE_NO_MEMORY) \
	TRACED(GetUserCredentials, STATUS, FAILURE_NO_MEMORY) \
	TRACED(ClientCallback, STATUS, FAILURE_NO_MEMORY) \
	TRACED(MapBuffer, STATUS, FAILURE_NO_MEMORY) \
	TRACED(CrediRead, STATUS, FAILURE_NOT_FOUND) \
	TRACED(CrediReadDomainCredentials, STATUS, FAILURE_NOT_FOUND) \
	TRACED(CrediUnmarshalandDecodeString, STATUS, FAILURE_NO_MEMORY) \
	TRACED(GetServiceAccountPassword, STATUS, FAILURE_NO_SUCH_USER) \
	TRACED(QueryClientRequest, STATUS, FAILURE_ACCESS_DENIED) \
	TRACED(GetAppModeInfo, STATUS, FAILURE_ACCESS_DENIED) \
	TRACED(AllocatePrivateHeap, POINTER, 0) \
	TRACED(AllocateClientBuffer, STATUS, FAILURE_NO_MEMORY) \
	TRACED(FreeClientBuffer, STATUS, FAILURE_INVALID_PARAMETER) \
	TRACED(AllocateHeap, POINTER, 0)

#define UNTRACED_FAILURES(UNTRACED) \
	UNTRACED(LSA, CreateLogonSession, STATUS, FAILURE_RESOURCES) \
	UNTRACED(LSA, DeleteLogonSession, STATUS, FAILURE_NO_SUCH_LOGON_SESSION) \
	UNTRACED(LSA, AddCredential, STATUS, FAILURE_NO_SUCH_LOGON_SESSION) \
	UNTRACED(LSA, DeleteCredential, STATUS, FAILURE_NO_SUCH_LOGON_SESSION) \
	UNTRACED(LSA, CopyToClientBuffer, STATUS, FAILURE_ACCESS_VIOLATION) \
	UNTRACED(LSA, CopyFromClientBuffer, STATUS, FAILURE_ACCESS_VIOLATION) \
	UNTRACED(LSA, ImpersonateClient, STATUS, FAILURE_ACCESS_DENIED) \
	UNTRACED(LSA, UnloadPackage, STATUS, FAILURE_UNSUCCESSFUL) \
	UNTRACED(LSA, DuplicateHandle, STATUS, FAILURE_RESOURCES) \
	UNTRACED(LSA, SaveSupplementalCredentials, STATUS, FAILURE_NO_SUCH_LOGON_SESSION) \
	UNTRACED(LSA, CreateThread, POINTER, 0) \
	UNTRACED(LSA, GetClientInfo, STATUS, FAILURE_ACCESS_DENIED) \
	UNTRACED(LSA, RegisterNotification, POINTER, 0) \
	UNTRACED(LSA, CancelNotification, STATUS, FAILURE_INVALID_HANDLE) \
	UNTRACED(LSA, CreateToken, STATUS, FAILURE_RESOURCES) \
	UNTRACED(LSA, GetCallInfo, BOOLEAN, 0) \
	UNTRACED(LSA, OpenSamUser, STATUS, FAILURE_NO_SUCH_USER) \
	UNTRACED(LSA, CloseSamUser, STATUS, FAILURE_INVALID_HANDLE) \
	UNTRACED(LSA, UpdateCredentials, STATUS, FAILURE_NO_SUCH_LOGON_SESSION) \
	UNTRACED(LSA, AuditAccountLogon, STATUS, FAILURE_RESOURCES) \
	UNTRACED(LSA, OpenTokenByLogonId, STATUS, FAILURE_NO_SUCH_LOGON_SESSION) \
	UNTRACED(LSA, CreateTokenEx, STATUS, FAILURE_RESOURCES) \
	UNTRACED(LSA, CrediWrite, STATUS, FAILURE_NO_SUCH_LOGON_SESSION) \
	UNTRACED(NEWEST, GetExtendedCallFlags, STATUS, FAILURE_UNSUCCESSFUL) \
	UNTRACED(NEWEST, DuplicateTokenHandle, STATUS, FAILURE_RESOURCES) \
	UNTRACED(NEWEST, CheckProtectedUserByToken, STATUS, FAILURE_INVALID_HANDLE) \
	UNTRACED(NEWEST, SetAppModeInfo, STATUS, FAILURE_ACCESS_DENIED) \
	UNTRACED(NEWEST, GetClientInfoEx, STATUS, FAILURE_ACCESS_DENIED) \
	UNTRACED(DLL, RegisterCallback, STATUS, FAILURE_NO_MEMORY) \
	UNTRACED(DLL, LocatePackageById, POINTER, 0)

/* The slots that return nothing. Of the newest table, some have no documented prototype: they are not
 * known here. */
#define NEVER_FAILING(NAME) \
	NAME(FreeSharedMemory) \
	NAME(FreeLsaHeap) \
	NAME(FreeReturnBuffer) \
	NAME(FreePrivateHeap) \
	NAME(FreeHeap) \
	NAME(AuditLogon) \
	NAME(AuditLogonEx) \
	NAME(CrediFreeCredentials) \
	NAME(LsaProtectMemory) \
	NAME(LsaUnprotectMemory)

enum failure_status {
	FAILURE_UNSUCCESSFUL = 1,
	FAILURE_ACCESS_VIOLATION = 5,
	FAILURE_INVALID_HANDLE = 8,
	FAILURE_INVALID_PARAMETER = 0xd,
	FAILURE_NO_MEMORY = 0x17,
	FAILURE_ACCESS_DENIED = 0x22,
	FAILURE_NO_SUCH_LOGON_SESSION = 0x5f,
	FAILURE_NO_SUCH_USER = 0x64,
	FAILURE_RESOURCES = 0x9a,
	FAILURE_NO_SUCH_PACKAGE = 0xfe,
	FAILURE_NOT_FOUND = 0x225,
	FAILURE_SEVERITY = 0xc0000000, /* of all of them: added */
};

/* Behind the numbers of slots.h: a trace knows these functions only if --fail names them. */
#define UNTRACED_ENUM(table, name, returns, status) UNTRACED_##name,
enum untraced_slot {
	UNTRACED_BEFORE = TRANSFER_END - 1,
	UNTRACED_FAILURES(UNTRACED_ENUM) UNTRACED_END,
	UNTRACED_COUNT = UNTRACED_END - TRANSFER_END
};

_Static_assert(UNTRACED_END <= TRACE_FUNCTIONS, "numbers of functions");

enum failure_returns { FAILURE_POINTER, FAILURE_BOOLEAN, FAILURE_STATUS };

/* One value of the option. */
struct failure {
	uint32_t function;    /* number in the trace */
	uint32_t result;      /* an NTSTATUS, or 0 */
	uint64_t first, last; /* the calls that fail, numbered from 1 on; last < first: none */
	uint64_t one_of;      /* not 0: one of so many fails, in place of first to last */
	uint64_t seed;
	bool has_site;
	uint64_t site;
};

struct failure_slot {
	const char *name;
	uint32_t function;
	enum failure_returns returns;
	uint32_t status; /* without its severity */
};

#define FAILURE_OF_TRACED(name, returns, status) { #name, SLOT_##name, FAILURE_##returns, status },
#define FAILURE_OF_UNTRACED(table, name, returns, status) \
	{ #name, UNTRACED_##name, FAILURE_##returns, status },
#define FAILURE_NEVER(name) \
	if (bytes == sizeof(#name) - 1 && memcmp(text, #name, bytes) == 0) \
		return "a slot that can fail: " #name " returns nothing";

/* All slots that can fail; the last one has no name. */
static inline const struct failure_slot *failures_slots(void)
{
	static const struct failure_slot slots[] = {
		TRACED_FAILURES(FAILURE_OF_TRACED)
			UNTRACED_FAILURES(FAILURE_OF_UNTRACED){ NULL, 0, FAILURE_POINTER, 0 }
	};

	return slots;
}

#define FAILURE_EXPECTED_SLOT "a slot that can fail, such as DuplicateHandle:2"
#define FAILURE_EXPECTED_WHICH \
	"SLOT, SLOT:3, SLOT:3-, SLOT:1/100@7, SLOT:site=1f2e or SLOT:site=1f2e,3"
#define FAILURE_EXPECTED_STATUS "an error behind the =, such as 0xc0000017"

static inline const char *failures_find_slot(struct failure *f, const char *text, size_t bytes,
					     enum failure_returns *returns)
{
	for (const struct failure_slot *s = failures_slots(); s->name; s++)
		if (strlen(s->name) == bytes && memcmp(s->name, text, bytes) == 0) {
			f->function = s->function;
			f->result = s->status ? FAILURE_SEVERITY + s->status : 0;
			*returns = s->returns;
			return NULL;
		}
	NEVER_FAILING(FAILURE_NEVER)
	return FAILURE_EXPECTED_SLOT;
}

/* Steps over a number. Returns false if there is none, or one that is too large. */
static inline bool failures_number(const char **at, const char *end, unsigned base, uint64_t *number)
{
	const char *start = *at;

	for (*number = 0; *at < end; ++*at) {
		char c = **at, small = (char)(c | 0x20);
		unsigned digit = c >= '0' && c <= '9'           ? (unsigned)(c - '0')
				 : small >= 'a' && small <= 'f' ? (unsigned)(small - 'a') + 10
								: base;

		if (digit >= base)
			break;
		if (*number > (UINT64_MAX - digit) / base)
			return false;
		*number = *number * base + digit;
	}
	return *at > start;
}

static inline bool failures_step(const char **at, const char *end, const char *word)
{
	size_t bytes = strlen(word);

	if ((size_t)(end - *at) < bytes || memcmp(*at, word, bytes) != 0)
		return false;
	*at += bytes;
	return true;
}

/* Reads WHICH. */
static inline bool failures_which(struct failure *f, const char *at, const char *end)
{
	f->has_site = failures_step(&at, end, "site=");
	if (f->has_site) {
		f->first = f->last = 1;
		failures_step(&at, end, "0x");
		if (!failures_number(&at, end, 16, &f->site))
			return false;
		if (at == end)
			return true;
		if (!failures_step(&at, end, ","))
			return false;
	} else if (failures_step(&at, end, "1/")) {
		return failures_number(&at, end, 10, &f->one_of) && f->one_of > 0 &&
		       (at == end || (failures_step(&at, end, "@") &&
				      failures_number(&at, end, 10, &f->seed) && at == end));
	}
	if (!failures_number(&at, end, 10, &f->first))
		return false;
	f->last = failures_step(&at, end, "-") ? UINT64_MAX : f->first;
	return at == end;
}

/* Reads STATUS: it has to be an error. */
static inline bool failures_status(struct failure *f, const char *at, const char *end)
{
	uint64_t status;

	failures_step(&at, end, "0x");
	if (!failures_number(&at, end, 16, &status) || at != end || status > UINT32_MAX ||
	    status < 0x80000000)
		return false;
	f->result = (uint32_t)status;
	return true;
}

/* Reads a value of the option. Returns NULL, or what it must be, in words for "expected %s". */
static inline const char *failures_parse(struct failure *f, const char *text, size_t bytes)
{
	const char *end = text + bytes, *colon = memchr(text, ':', bytes), *equals = NULL;
	enum failure_returns returns;
	const char *expected;

	*f = (struct failure){ .first = 1, .last = UINT64_MAX };
	/* The last '=' begins the status, unless it is that of "site=". */
	for (const char *at = text; at < end; at++)
		if (*at == '=' && (at - text < 5 || memcmp(at - 5, ":site", 5) != 0))
			equals = at;
	if (!colon)
		colon = equals ? equals : end;
	expected = failures_find_slot(f, text, (size_t)(colon - text), &returns);
	if (expected)
		return expected;
	if (colon < (equals ? equals : end) && !failures_which(f, colon + 1, equals ? equals : end))
		return FAILURE_EXPECTED_WHICH;
	if (equals && (returns != FAILURE_STATUS || !failures_status(f, equals + 1, end)))
		return returns == FAILURE_STATUS ? FAILURE_EXPECTED_STATUS
						 : "no status: the function returns none";
	return NULL;
}

#endif
