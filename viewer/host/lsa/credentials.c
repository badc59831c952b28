/* SPDX-License-Identifier: MIT */
#include "viewer/host/lsa/credentials.h"

#include <string.h>

#include "viewer/host/base/wide.h"
#include "viewer/host/lsa/slot.h"

/* ENCRYPTED_CREDENTIALW of ntsecpkg.h, which begins with the CREDENTIALW of wincred.h. */
struct stored {
	ULONG flags, type;
	WCHAR *target, *comment;
	uint64_t written;
	ULONG secret_bytes;
	unsigned char *secret;
	ULONG persist, attribute_count;
	PVOID attributes;
	WCHAR *alias, *user;
	ULONG clear_bytes;
	/* Not of that structure: */
	unsigned char secret_content[16];
	WCHAR user_content[8], target_content[];
};

/* One block, as CredRead returns it. */
static struct stored *make_credential(const WCHAR *target, ULONG type)
{
	size_t count = target ? wide_length(target) + 1 : 1;
	struct stored *stored = heap_allocate(HEAP_ANY, sizeof(*stored) + count * sizeof(WCHAR));

	if (!stored)
		return NULL;
	stored->type = type;
	stored->target = stored->target_content;
	if (target)
		memcpy(stored->target_content, target, count * sizeof(WCHAR));
	stored->secret = stored->secret_content;
	stored->secret_bytes = sizeof(stored->secret_content);
	stored->clear_bytes = stored->secret_bytes;
	stored->user = stored->user_content;
	wide_from(stored->user_content, "user");
	return stored;
}

NTSTATUS credential_read(PLUID id, ULONG cred_flags, PWSTR target, ULONG type, ULONG flags,
			 PENCRYPTED_CREDENTIALW *credential)
{
	(void)id;
	(void)cred_flags;
	(void)flags;
	slot_enter("CrediRead");
	if (!slot_has_output("Credential", credential))
		return slot_leave(STATUS_INVALID_PARAMETER);
	*credential = (PENCRYPTED_CREDENTIALW)make_credential(target, type);
	return slot_leave(*credential ? STATUS_SUCCESS : STATUS_NO_MEMORY);
}

NTSTATUS credential_read_domain(PLUID id, ULONG cred_flags, PCREDENTIAL_TARGET_INFORMATIONW target,
				ULONG flags, PULONG count, PENCRYPTED_CREDENTIALW **credentials)
{
	enum { DOMAIN_PASSWORD = 2 };

	(void)id;
	(void)cred_flags;
	(void)target;
	(void)flags;
	slot_enter("CrediReadDomainCredentials");
	if (!slot_has_output("Count", count) || !slot_has_output("Credential", credentials))
		return slot_leave(STATUS_INVALID_PARAMETER);
	*credentials = heap_allocate(HEAP_ANY, sizeof(**credentials));
	*count = 1;
	if (*credentials)
		**credentials = (PENCRYPTED_CREDENTIALW)make_credential(NULL, DOMAIN_PASSWORD);
	return slot_leave(*credentials && **credentials ? STATUS_SUCCESS : STATUS_NO_MEMORY);
}

/* The array may be the caller's own, if there is one credential. */
void credential_free(ULONG count, PENCRYPTED_CREDENTIALW *credentials)
{
	slot_enter("CrediFreeCredentials");
	for (ULONG i = 0; i < count && credentials; i++)
		heap_free(HEAP_LSA, credentials[i]);
	heap_take(credentials);
	slot_leave(STATUS_SUCCESS);
}

NTSTATUS credential_write(PLUID id, ULONG cred_flags, PENCRYPTED_CREDENTIALW credential, ULONG flags)
{
	(void)id;
	(void)cred_flags;
	(void)credential;
	(void)flags;
	return STATUS_SUCCESS;
}

NTSTATUS credential_decode(PWSTR text, PUCHAR *blob, PULONG bytes, PBOOLEAN is_fatal)
{
	slot_enter("CrediUnmarshalandDecodeString");
	if (!slot_has_output("Blob", blob) || !slot_has_output("BlobSize", bytes))
		return slot_leave(STATUS_INVALID_PARAMETER);
	if (is_fatal)
		*is_fatal = FALSE;
	*bytes = text ? (ULONG)(wide_length(text) * sizeof(WCHAR)) : 0;
	*blob = slot_copy(HEAP_ANY, text, *bytes);
	return slot_leave(*blob ? STATUS_SUCCESS : STATUS_NO_MEMORY);
}

NTSTATUS credential_get_password(PUNICODE_STRING account, PUNICODE_STRING domain, int fetch,
				 FILETIME *expires, PUNICODE_STRING current,
				 PUNICODE_STRING previous, FILETIME *valid)
{
	(void)fetch;
	(void)expires;
	(void)valid;
	slot_enter("GetServiceAccountPassword");
	if (!slot_check_name("AccountName", account) || !slot_check_name("DomainName", domain) ||
	    !slot_has_output("CurrentPassword", current))
		return slot_leave(STATUS_INVALID_PARAMETER);
	if (!slot_make_name(current, "secret") ||
	    (previous && !slot_make_name(previous, "old secret")))
		return slot_leave(STATUS_NO_MEMORY);
	return slot_leave(STATUS_SUCCESS);
}
