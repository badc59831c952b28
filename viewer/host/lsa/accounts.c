/* SPDX-License-Identifier: MIT */
#include "viewer/host/lsa/accounts.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/host/base/memory.h"
#include "viewer/host/base/wide.h"
#include "viewer/host/lsa/objects.h"
#include "viewer/host/lsa/sessions.h"
#include "viewer/host/lsa/slot.h"

enum {
	DATA_BYTES = 112,
	EXPANSION_BYTES = 16,
	PRIMARY_BYTES = 64,
	SUPPLEMENTAL_BYTES = 80,
	NAME_NOT_FOUND = 2
};

struct removed {
	struct removed *next;
	char name[];
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct removed *removed;

void account_remove(const char *name)
{
	struct removed *row = memory_new(sizeof(*row) + strlen(name) + 1);

	strcpy(row->name, name);
	pthread_mutex_lock(&mutex);
	row->next = removed;
	removed = row;
	pthread_mutex_unlock(&mutex);
}

static bool exists(const UNICODE_STRING *name)
{
	char *text = name ? wide_to(name->Buffer, name->Length / sizeof(WCHAR)) : NULL;
	const struct removed *row;

	if (!text)
		return true;
	pthread_mutex_lock(&mutex);
	for (row = removed; row && strcmp(row->name, text) != 0; row = row->next)
		;
	pthread_mutex_unlock(&mutex);
	free(text);
	return !row;
}

static char *text_of(const UNICODE_STRING *name)
{
	return name && name->Length ? wide_to(name->Buffer, name->Length / sizeof(WCHAR))
				    : memory_text("user");
}

static NTSTATUS return_data(PUCHAR *data, PULONG bytes)
{
	*data = slot_copy(HEAP_LSA, NULL, DATA_BYTES);
	*bytes = DATA_BYTES;
	return *data ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

static bool is_user(PVOID handle)
{
	return !handle || object_is(OBJECT_USER, handle);
}

NTSTATUS account_open(PSECURITY_STRING name, SECPKG_NAME_TYPE type, PSECURITY_STRING prefix,
		      BOOLEAN allow_guest, ULONG reserved, PVOID *handle)
{
	(void)type;
	(void)allow_guest;
	(void)reserved;
	slot_enter("OpenSamUser");
	if (!slot_check_name("Name", name) || !slot_check_name("Prefix", prefix) ||
	    !slot_has_output("UserHandle", handle))
		return slot_leave(STATUS_INVALID_PARAMETER);
	if (!exists(name))
		return slot_leave(STATUS_NO_SUCH_USER);
	*handle = object_new(OBJECT_USER, NULL);
	return slot_leave(STATUS_SUCCESS);
}

NTSTATUS account_close(PVOID handle)
{
	slot_enter("CloseSamUser");
	if (handle && !object_close(OBJECT_USER, handle, NULL))
		return slot_leave(STATUS_INVALID_HANDLE);
	return slot_leave(STATUS_SUCCESS);
}

NTSTATUS account_get_credentials(PVOID handle, PVOID *primary, PULONG primary_bytes,
				 PVOID *supplemental, PULONG supplemental_bytes)
{
	slot_enter("GetUserCredentials");
	if (!slot_has_output("PrimaryCreds", primary) ||
	    !slot_has_output("PrimaryCredsSize", primary_bytes) ||
	    !slot_has_output("SupplementalCreds", supplemental) ||
	    !slot_has_output("SupplementalCredsSize", supplemental_bytes))
		return slot_leave(STATUS_INVALID_PARAMETER);
	if (!is_user(handle))
		return slot_leave(STATUS_INVALID_HANDLE);
	*primary = slot_copy(HEAP_ANY, NULL, PRIMARY_BYTES);
	*supplemental = slot_copy(HEAP_ANY, NULL, SUPPLEMENTAL_BYTES);
	*primary_bytes = PRIMARY_BYTES;
	*supplemental_bytes = SUPPLEMENTAL_BYTES;
	return slot_leave(*primary && *supplemental ? STATUS_SUCCESS : STATUS_NO_MEMORY);
}

NTSTATUS account_get_data(PVOID handle, PUCHAR *data, PULONG bytes)
{
	slot_enter("GetUserAuthData");
	if (!slot_has_output("UserAuthData", data) || !slot_has_output("UserAuthDataSize", bytes))
		return slot_leave(STATUS_INVALID_PARAMETER);
	if (!is_user(handle))
		return slot_leave(STATUS_INVALID_HANDLE);
	return slot_leave(return_data(data, bytes));
}

NTSTATUS account_find_data(PSECURITY_STRING name, SECPKG_NAME_TYPE type, PSECURITY_STRING prefix,
			   PUCHAR *data, PULONG bytes, PUNICODE_STRING flat_name)
{
	NTSTATUS status;
	char *text;

	(void)type;
	slot_enter("GetAuthDataForUser");
	if (!slot_check_name("Name", name) || !slot_check_name("Prefix", prefix) ||
	    !slot_has_output("UserAuthData", data) || !slot_has_output("UserAuthDataSize", bytes))
		return slot_leave(STATUS_INVALID_PARAMETER);
	if (!exists(name))
		return slot_leave(STATUS_NO_SUCH_USER);
	status = return_data(data, bytes);
	text = text_of(name);
	if (NT_SUCCESS(status) && flat_name && !slot_make_name(flat_name, text)) {
		heap_take(*data);
		status = STATUS_NO_MEMORY;
	}
	free(text);
	return slot_leave(status);
}

NTSTATUS account_expand_data(PUCHAR data, ULONG bytes, PVOID reserved, PUCHAR *expanded,
			     PULONG expanded_bytes)
{
	(void)reserved;
	slot_enter("ExpandAuthDataForDomain");
	if (!slot_has_output("ExpandedAuthData", expanded) ||
	    !slot_has_output("ExpandedAuthDataSize", expanded_bytes))
		return slot_leave(STATUS_INVALID_PARAMETER);
	bytes = data ? bytes : DATA_BYTES;
	*expanded = heap_allocate(HEAP_LSA, (size_t)bytes + EXPANSION_BYTES);
	if (*expanded && data)
		memcpy(*expanded, data, bytes);
	*expanded_bytes = bytes + EXPANSION_BYTES;
	return slot_leave(*expanded ? STATUS_SUCCESS : STATUS_NO_MEMORY);
}

NTSTATUS account_convert_data(PVOID data, ULONG bytes, SECURITY_IMPERSONATION_LEVEL level,
			      PTOKEN_SOURCE source, SECURITY_LOGON_TYPE type,
			      PUNICODE_STRING authority, PHANDLE token, PLUID id,
			      PUNICODE_STRING account, PNTSTATUS sub_status)
{
	(void)data;
	(void)bytes;
	(void)level;
	(void)source;
	(void)type;
	slot_enter("ConvertAuthDataToToken");
	if (!slot_check_name("AuthorityName", authority) || !slot_has_output("Token", token) ||
	    !slot_has_output("LogonId", id))
		return slot_leave(STATUS_INVALID_PARAMETER);
	if (account && !slot_make_name(account, "user"))
		return slot_leave(STATUS_NO_MEMORY);
	*token = object_new(OBJECT_TOKEN, NULL);
	*id = session_new();
	if (sub_status)
		*sub_status = STATUS_SUCCESS;
	return slot_leave(STATUS_SUCCESS);
}

/* Without a result of its own for a name that is unknown: SubStatus says so. */
NTSTATUS account_crack_name(ULONG offered, BOOLEAN at_catalog, PUNICODE_STRING input,
			    PUNICODE_STRING prefix, ULONG requested, PUNICODE_STRING cracked,
			    PUNICODE_STRING domain, PULONG sub_status)
{
	char *text;
	bool is_made;

	(void)offered;
	(void)at_catalog;
	(void)requested;
	slot_enter("CrackSingleName");
	if (!slot_check_name("NameInput", input) || !slot_check_name("Prefix", prefix) ||
	    !slot_has_output("CrackedName", cracked) || !slot_has_output("DnsDomainName", domain) ||
	    !slot_has_output("SubStatus", sub_status))
		return slot_leave(STATUS_INVALID_PARAMETER);
	*cracked = *domain = (UNICODE_STRING){ 0 };
	*sub_status = exists(input) ? 0 : NAME_NOT_FOUND;
	if (*sub_status)
		return slot_leave(STATUS_SUCCESS);
	text = text_of(input);
	is_made = slot_make_name(cracked, text) && slot_make_name(domain, "example.test");
	free(text);
	return slot_leave(is_made ? STATUS_SUCCESS : STATUS_NO_MEMORY);
}

static NTSTATUS return_token(PHANDLE token, PNTSTATUS sub_status)
{
	if (!slot_has_output("Token", token))
		return slot_leave(STATUS_INVALID_PARAMETER);
	*token = object_new(OBJECT_TOKEN, NULL);
	if (sub_status)
		*sub_status = STATUS_SUCCESS;
	return slot_leave(STATUS_SUCCESS);
}

NTSTATUS account_create_token(PLUID id, PTOKEN_SOURCE source, SECURITY_LOGON_TYPE logon_type,
			      SECURITY_IMPERSONATION_LEVEL level, LSA_TOKEN_INFORMATION_TYPE type,
			      PVOID information, PTOKEN_GROUPS groups, PUNICODE_STRING account,
			      PUNICODE_STRING authority, PUNICODE_STRING workstation,
			      PUNICODE_STRING profile, PHANDLE token, PNTSTATUS sub_status)
{
	(void)id;
	(void)source;
	(void)logon_type;
	(void)level;
	(void)type;
	(void)information;
	(void)groups;
	slot_enter("CreateToken");
	if (!slot_check_name("AccountName", account) ||
	    !slot_check_name("AuthorityName", authority) ||
	    !slot_check_name("Workstation", workstation) || !slot_check_name("ProfilePath", profile))
		return slot_leave(STATUS_INVALID_PARAMETER);
	return return_token(token, sub_status);
}

NTSTATUS account_create_token_ex(PLUID id, PTOKEN_SOURCE source, SECURITY_LOGON_TYPE logon_type,
				 SECURITY_IMPERSONATION_LEVEL level, LSA_TOKEN_INFORMATION_TYPE type,
				 PVOID information, PTOKEN_GROUPS groups,
				 PUNICODE_STRING workstation, PUNICODE_STRING profile,
				 PVOID session, SECPKG_SESSIONINFO_TYPE session_type, PHANDLE token,
				 PNTSTATUS sub_status)
{
	(void)id;
	(void)source;
	(void)logon_type;
	(void)level;
	(void)type;
	(void)information;
	(void)groups;
	(void)session;
	(void)session_type;
	slot_enter("CreateTokenEx");
	if (!slot_check_name("Workstation", workstation) || !slot_check_name("ProfilePath", profile))
		return slot_leave(STATUS_INVALID_PARAMETER);
	return return_token(token, sub_status);
}

void account_audit_logon(NTSTATUS status, NTSTATUS sub_status, PUNICODE_STRING account,
			 PUNICODE_STRING authority, PUNICODE_STRING workstation, PSID sid,
			 SECURITY_LOGON_TYPE type, PTOKEN_SOURCE source, PLUID id)
{
	(void)status;
	(void)sub_status;
	(void)sid;
	(void)type;
	(void)source;
	(void)id;
	slot_enter("AuditLogon");
	slot_check_name("AccountName", account);
	slot_check_name("AuthenticatingAuthority", authority);
	slot_check_name("WorkstationName", workstation);
	slot_leave(STATUS_SUCCESS);
}

NTSTATUS account_audit(ULONG audit, BOOLEAN is_success, PUNICODE_STRING source,
		       PUNICODE_STRING client, PUNICODE_STRING mapped, NTSTATUS status)
{
	bool is_right;

	(void)audit;
	(void)is_success;
	(void)status;
	slot_enter("AuditAccountLogon");
	is_right = slot_check_name("Source", source) && slot_check_name("ClientName", client) &&
		   slot_check_name("MappedName", mapped);
	return slot_leave(is_right ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER);
}
