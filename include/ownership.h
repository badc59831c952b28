/* SPDX-License-Identifier: MIT */
#ifndef LSATRACE_OWNERSHIP_H
#define LSATRACE_OWNERSHIP_H
/*
 * Who owns what a package returns from its entry points, and what the LSA returns from its
 * functions. lsatrace/ownership.md is the same for readers, with the source of each row; a test
 * compares both. Wrappers (preload/package/wrappers.c) and the functions of transfers in the trace
 * follow from these rows.
 *
 * OWNED(argument, parameter, form, owner, when, basis): a parameter by which memory is returned.
 *
 * argument: its letter in the wrapper's prototype
 * form:     BLOCK       pointer to a pointer to a block
 *           STRING      pointer to a pointer to a block that is an LSA_STRING or UNICODE_STRING,
 *                       whose Buffer is a block of its own, or a part of that one
 *           BUFFER      a SecBuffer
 *           BUFFERS     a SecBufferDesc
 *           PRIMARY     a SECPKG_PRIMARY_CRED
 *           ATTRIBUTES  a structure of sspi.h, which the attribute asked for determines
 * owner:    LSA, CLIENT: to which it belongs when the entry point has returned
 * when:     SUCCESS, ALWAYS: if the entry point succeeds, or also if it fails;
 *           ASKED: if it succeeds, or the caller has asked for output in any case
 * basis:    CONTRACT    documented, with the function that has to allocate it: a block of another
 *                       kind, or one that was freed, is a wrong transfer
 *           DOCUMENTED  documented that it changes hands
 *           PRACTICE    packages that are right do so; nobody documents it
 */
#define OWNED_InitializePackage(OWNED) \
	OWNED(e, "AuthenticationPackageName", STRING, LSA, SUCCESS, CONTRACT)
#define OWNED_LogonUser(OWNED) \
	OWNED(f, "ProfileBuffer", BLOCK, CLIENT, SUCCESS, CONTRACT) \
	OWNED(k, "TokenInformation", BLOCK, LSA, SUCCESS, CONTRACT) \
	OWNED(l, "AccountName", STRING, LSA, ALWAYS, CONTRACT) \
	OWNED(m, "AuthenticatingAuthority", STRING, LSA, ALWAYS, CONTRACT)
#define OWNED_LogonUserEx(OWNED) \
	OWNED_LogonUser(OWNED) OWNED(n, "MachineName", STRING, LSA, ALWAYS, CONTRACT)
#define OWNED_LogonUserEx2(OWNED) \
	OWNED_LogonUserEx(OWNED) OWNED(o, "PrimaryCredentials", PRIMARY, LSA, SUCCESS, PRACTICE) \
		OWNED(q, "SupplementalCredentials", BLOCK, LSA, SUCCESS, PRACTICE)
#define OWNED_CallPackage(OWNED) OWNED(e, "ProtocolReturnBuffer", BLOCK, CLIENT, SUCCESS, CONTRACT)
#define OWNED_CallPackageUntrusted(OWNED) OWNED_CallPackage(OWNED)
#define OWNED_CallPackagePassthrough(OWNED) OWNED_CallPackage(OWNED)
#define OWNED_InitLsaModeContext(OWNED) \
	OWNED(h, "OutputBuffers", BUFFERS, CLIENT, ASKED, DOCUMENTED) \
	OWNED(l, "ContextData", BUFFER, LSA, SUCCESS, DOCUMENTED)
#define OWNED_AcceptLsaModeContext(OWNED) \
	OWNED(g, "OutputBuffer", BUFFERS, CLIENT, ASKED, DOCUMENTED) \
	OWNED(k, "ContextData", BUFFER, LSA, SUCCESS, DOCUMENTED)
#define OWNED_GetUserInfo(OWNED) OWNED(c, "UserData", BLOCK, CLIENT, SUCCESS, DOCUMENTED)
#define OWNED_QueryContextAttributes(OWNED) \
	OWNED(c, "Buffer", ATTRIBUTES, CLIENT, SUCCESS, DOCUMENTED)
#define OWNED_QueryCredentialsAttributes(OWNED) \
	OWNED(c, "Buffer", ATTRIBUTES, CLIENT, SUCCESS, DOCUMENTED)
#define OWNED_GetExtendedInformation(OWNED) OWNED(b, "ppInformation", BLOCK, LSA, SUCCESS, PRACTICE)
#define OWNED_GetCredentials(OWNED) OWNED(b, "Credentials", BUFFER, LSA, SUCCESS, PRACTICE)
#define OWNED_ChangeAccountPassword(OWNED) OWNED(f, "Output", BUFFERS, CLIENT, ALWAYS, PRACTICE)
#define OWNED_QueryMetaData(OWNED) OWNED(e, "MetaData", BLOCK, CLIENT, SUCCESS, PRACTICE)
#define OWNED_GetCredUIContext(OWNED) \
	OWNED(d, "FlatCredUIContext", BLOCK, CLIENT, SUCCESS, PRACTICE)
#define OWNED_GetRemoteCredGuardLogonBuffer(OWNED) \
	OWNED(h, "LogonBuffer", BLOCK, LSA, SUCCESS, PRACTICE)
#define OWNED_GetRemoteCredGuardSupplementalCreds(OWNED) \
	OWNED(g, "SupplementalCreds", BLOCK, LSA, SUCCESS, PRACTICE)
#define OWNED_UserQueryContextAttributes(OWNED) \
	OWNED(c, "Buffer", ATTRIBUTES, CLIENT, SUCCESS, DOCUMENTED)
#define OWNED_UserFormatCredentials(OWNED) \
	OWNED(b, "FormattedCredentials", BUFFER, CLIENT, SUCCESS, DOCUMENTED)
#define OWNED_UserMarshallSupplementalCreds(OWNED) \
	OWNED(d, "MarshalledCreds", BLOCK, CLIENT, SUCCESS, DOCUMENTED)
#define OWNED_UserExportContext(OWNED) \
	OWNED(c, "PackedContext", BUFFER, CLIENT, SUCCESS, DOCUMENTED)

/* These return no memory. */
#define OWNED_Initialize(OWNED)
#define OWNED_AcceptCredentials(OWNED)
#define OWNED_AcquireCredentialsHandle(OWNED)
#define OWNED_FreeCredentialsHandle(OWNED)
#define OWNED_SaveCredentials(OWNED)
#define OWNED_DeleteCredentials(OWNED)
#define OWNED_DeleteContext(OWNED)
#define OWNED_ApplyControlToken(OWNED)
#define OWNED_AddCredentials(OWNED)
#define OWNED_SetExtendedInformation(OWNED)
#define OWNED_SetContextAttributes(OWNED)
#define OWNED_SetCredentialsAttributes(OWNED)
#define OWNED_ExchangeMetaData(OWNED)
#define OWNED_UpdateCredentials(OWNED)
#define OWNED_ValidateTargetInfo(OWNED)
#define OWNED_PostLogonUser(OWNED)
#define OWNED_InstanceInit(OWNED)
#define OWNED_UserInitContext(OWNED)
#define OWNED_UserImportContext(OWNED)
#define OWNED_UserMarshalAttributeData(OWNED) \
	OWNED(f, "MarshaledAttributeData", BLOCK, CLIENT, SUCCESS, PRACTICE)

/*
 * The slots that get a wrapper (preload/package/wrappers.c): functions of a package by which it is
 * given a table, told its name or unloaded; those that return memory, or are handed some; and those
 * whose result says whether they have failed. The others stay as they are: Shutdown and LogonTerminated,
 * and in a client those that work on messages. To wrap one more, add a row here, its OWNED rows
 * above, and its prototype to wrappers.c.
 *
 * PLAIN(name, member); InitializePackage, Initialize and InstanceInit have their TRANSFER rows in
 * slots.h
 * TRANSFER(name, member, documented name, client request, submitted, its bytes, asked): what it
 * returns has another owner from then on. In letters of arguments:
 * submitted: a buffer in which the LSA hands over pointers to memory of its own
 * asked:     which attribute is asked for, or whether output is wanted even if it fails
 */
#define WRAPPED_LSA_SLOTS(PLAIN, TRANSFER) /* of a package's SECPKG_FUNCTION_TABLE */ \
	PLAIN(Initialize, Initialize) \
	PLAIN(GetInfo, GetInfo) \
	PLAIN(InitializePackage, InitializePackage) \
	TRANSFER(LogonUser, LogonUser, "LsaApLogonUser", a, c, e, 0) \
	TRANSFER(LogonUserEx, LogonUserEx, "LsaApLogonUserEx", a, c, e, 0) \
	TRANSFER(LogonUserEx2, LogonUserEx2, "LsaApLogonUserEx2", a, c, e, 0) \
	TRANSFER(CallPackage, CallPackage, "LsaApCallPackage", a, b, d, 0) \
	TRANSFER(CallPackageUntrusted, CallPackageUntrusted, "LsaApCallPackageUntrusted", a, b, d, \
		 0) \
	TRANSFER(CallPackagePassthrough, CallPackagePassthrough, "LsaApCallPackagePassthrough", a, \
		 b, d, 0) \
	TRANSFER(InitLsaModeContext, InitLsaModeContext, "SpInitLsaModeContext", NULL, NULL, 0, \
		 (d & ISC_REQ_EXTENDED_ERROR)) \
	TRANSFER(AcceptLsaModeContext, AcceptLsaModeContext, "SpAcceptLsaModeContext", NULL, NULL, \
		 0, (d & ASC_REQ_EXTENDED_ERROR)) \
	TRANSFER(GetUserInfo, GetUserInfo, "SpGetUserInfo", NULL, NULL, 0, 0) \
	TRANSFER(QueryContextAttributes, QueryContextAttributes, "SpQueryContextAttributes", NULL, \
		 NULL, 0, b) \
	TRANSFER(QueryCredentialsAttributes, QueryCredentialsAttributes, \
		 "SpQueryCredentialsAttributes", NULL, NULL, 0, b) \
	TRANSFER(GetExtendedInformation, GetExtendedInformation, "SpGetExtendedInformation", NULL, \
		 NULL, 0, 0) \
	TRANSFER(GetCredentials, GetCredentials, "SpGetCredentials", NULL, NULL, 0, 0) \
	TRANSFER(ChangeAccountPassword, ChangeAccountPassword, "SpChangeAccountPassword", NULL, \
		 NULL, 0, 0) \
	TRANSFER(QueryMetaData, QueryMetaData, "SpQueryMetaData", NULL, NULL, 0, 0) \
	TRANSFER(GetCredUIContext, GetCredUIContext, "SpGetCredUIContext", NULL, NULL, 0, 0) \
	TRANSFER(GetRemoteCredGuardLogonBuffer, GetRemoteCredGuardLogonBuffer, \
		 "SpGetRemoteCredGuardLogonBuffer", NULL, NULL, 0, 0) \
	TRANSFER(GetRemoteCredGuardSupplementalCreds, GetRemoteCredGuardSupplementalCreds, \
		 "SpGetRemoteCredGuardSupplementalCreds", NULL, NULL, 0, 0) \
	TRANSFER(AcceptCredentials, AcceptCredentials, "SpAcceptCredentials", NULL, c, \
		 PRIMARY_CRED_BYTES, 0) \
	TRANSFER(AcquireCredentialsHandle, AcquireCredentialsHandle, "SpAcquireCredentialsHandle", \
		 NULL, NULL, 0, 0) \
	TRANSFER(FreeCredentialsHandle, FreeCredentialsHandle, "SpFreeCredentialsHandle", NULL, \
		 NULL, 0, 0) \
	TRANSFER(SaveCredentials, SaveCredentials, "SpSaveCredentials", NULL, b, sizeof(*b), 0) \
	TRANSFER(DeleteCredentials, DeleteCredentials, "SpDeleteCredentials", NULL, b, sizeof(*b), \
		 0) \
	TRANSFER(DeleteContext, DeleteContext, "SpDeleteContext", NULL, NULL, 0, 0) \
	TRANSFER(ApplyControlToken, ApplyControlToken, "SpApplyControlToken", NULL, NULL, 0, 0) \
	TRANSFER(AddCredentials, AddCredentials, "SpAddCredentials", NULL, NULL, 0, 0) \
	TRANSFER(SetExtendedInformation, SetExtendedInformation, "SpSetExtendedInformation", NULL, \
		 NULL, 0, 0) \
	TRANSFER(SetContextAttributes, SetContextAttributes, "SpSetContextAttributes", NULL, c, d, \
		 0) \
	TRANSFER(SetCredentialsAttributes, SetCredentialsAttributes, "SpSetCredentialsAttributes", \
		 NULL, c, d, 0) \
	TRANSFER(ExchangeMetaData, ExchangeMetaData, "SpExchangeMetaData", NULL, NULL, 0, 0) \
	TRANSFER(UpdateCredentials, UpdateCredentials, "SpUpdateCredentials", NULL, NULL, 0, 0) \
	TRANSFER(ValidateTargetInfo, ValidateTargetInfo, "SpValidateTargetInfo", a, b, d, 0) \
	TRANSFER(PostLogonUser, PostLogonUser, "LsaApPostLogonUser", NULL, NULL, 0, 0)
#define WRAPPED_USER_SLOTS(PLAIN, TRANSFER) /* of a package's SECPKG_USER_FUNCTION_TABLE */ \
	PLAIN(InstanceInit, InstanceInit) \
	TRANSFER(UserQueryContextAttributes, QueryContextAttributes, \
		 "SpQueryContextAttributes (user mode)", NULL, NULL, 0, b) \
	TRANSFER(UserFormatCredentials, FormatCredentials, "SpFormatCredentials", NULL, NULL, 0, 0) \
	TRANSFER(UserMarshallSupplementalCreds, MarshallSupplementalCreds, \
		 "SpMarshallSupplementalCreds", NULL, NULL, 0, 0) \
	TRANSFER(UserExportContext, ExportContext, "SpExportSecurityContext", NULL, NULL, 0, 0) \
	TRANSFER(UserInitContext, InitUserModeContext, "SpInitUserModeContext", NULL, b, \
		 sizeof(*b), 0) \
	TRANSFER(UserImportContext, ImportContext, "SpImportSecurityContext", NULL, a, sizeof(*a), \
		 0) \
	TRANSFER(UserMarshalAttributeData, MarshalAttributeData, "SpMarshalAttributeData", NULL, \
		 NULL, 0, 0)
#define WRAPPED_HOST_SLOTS(PLAIN) /* of the host's LSA_SECPKG_FUNCTION_TABLE */ \
	PLAIN(UnloadPackage, UnloadPackage)

#endif
