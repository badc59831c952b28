/* SPDX-License-Identifier: MIT */
#ifndef SECPKG_H
#define SECPKG_H

/*
 * The interface between the Local Security Authority and its security packages, for hosts and
 * packages that are native Linux programs. Structures have the layout of 64-bit Windows: ULONG,
 * LONG and NTSTATUS are 32 bits wide, BOOLEAN 8, WCHAR 16, pointers and ULONG_PTR 64. Functions
 * have the System V calling convention. Code compiled for Windows has another one, and cannot share
 * a table with them: SECPKG_CALL is for those who call such code, or are called by it.
 *
 * The facts come from Microsoft's public documentation of ntsecpkg.h and sspi.h. Types that the
 * tables only pass by pointer are incomplete here.
 *
 * No table says its size or version, and every table has grown over the years. So a table that you
 * get may have fewer slots than this header declares, or more. The lists of slots below, such as
 * LSA_SECPKG_SLOTS, give the number of each slot. The layout of the structures is checked against
 * them.
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define SECPKG_STATIC_ASSERT(condition, text) static_assert(condition, text)
extern "C" {
#else
#define SECPKG_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

/* The calling convention of all functions below. Define it as __attribute__((ms_abi)) before this header
 * is included, and they are those of code that is compiled for Windows. */
#ifndef SECPKG_CALL
#define SECPKG_CALL
#endif

/* Basic types. */

typedef char CHAR, *PCHAR;
typedef unsigned char UCHAR, *PUCHAR;
typedef unsigned char BOOLEAN, *PBOOLEAN;
typedef uint16_t USHORT, *PUSHORT;
typedef int32_t LONG, *PLONG;
typedef uint32_t ULONG, *PULONG;
typedef int32_t NTSTATUS, *PNTSTATUS;
typedef uint64_t ULONG_PTR, *PULONG_PTR;
typedef uint64_t SIZE_T, *PSIZE_T;
typedef int64_t LARGE_INTEGER, *PLARGE_INTEGER;
typedef void *PVOID;
typedef void *HANDLE, **PHANDLE;
typedef void *PSID;
typedef LARGE_INTEGER TimeStamp, *PTimeStamp;
typedef struct FILETIME FILETIME;

/* In C, u"..." is an array of these. C++ has a special type for it. */
#ifdef __cplusplus
typedef char16_t WCHAR, *PWSTR;
#else
typedef uint16_t WCHAR, *PWSTR;
#endif

#ifndef FALSE
#define FALSE 0
#define TRUE 1
#endif

typedef struct LUID {
	ULONG LowPart;
	LONG HighPart;
} LUID, *PLUID;

typedef struct GUID {
	ULONG Data1;
	USHORT Data2;
	USHORT Data3;
	UCHAR Data4[8];
} GUID;

/* Counted strings. Both lengths are in bytes. A terminator is not required. */
typedef struct UNICODE_STRING {
	USHORT Length;
	USHORT MaximumLength;
	PWSTR Buffer;
} UNICODE_STRING, *PUNICODE_STRING;

typedef struct LSA_STRING {
	USHORT Length;
	USHORT MaximumLength;
	PCHAR Buffer;
} LSA_STRING, *PLSA_STRING;

typedef UNICODE_STRING LSA_UNICODE_STRING, *PLSA_UNICODE_STRING;
typedef UNICODE_STRING SECURITY_STRING, *PSECURITY_STRING;

/* Status values. A negative one is an error. */

#define NT_SUCCESS(status) ((NTSTATUS)(status) >= 0)

#define STATUS_SUCCESS ((NTSTATUS)0x00000000)
#define STATUS_UNSUCCESSFUL ((NTSTATUS)0xc0000001)
#define STATUS_INVALID_HANDLE ((NTSTATUS)0xc0000008)
#define STATUS_INVALID_PARAMETER ((NTSTATUS)0xc000000d)
#define STATUS_NO_MEMORY ((NTSTATUS)0xc0000017)
#define STATUS_ACCESS_DENIED ((NTSTATUS)0xc0000022)
#define STATUS_BUFFER_TOO_SMALL ((NTSTATUS)0xc0000023)
#define STATUS_NO_SUCH_USER ((NTSTATUS)0xc0000064)
#define STATUS_LOGON_FAILURE ((NTSTATUS)0xc000006d)
#define STATUS_NOT_SUPPORTED ((NTSTATUS)0xc00000bb)
#define STATUS_NO_SUCH_PACKAGE ((NTSTATUS)0xc00000fe)

/* Types that the functions below take. */

/* Identifies the request of a client while the package serves it. */
typedef PVOID *PLSA_CLIENT_REQUEST;

typedef ULONG_PTR LSA_SEC_HANDLE, *PLSA_SEC_HANDLE;

/* Enumerations are plain ULONGs here, because a table does not depend on their values. */
typedef ULONG SECURITY_LOGON_TYPE;
typedef ULONG SECURITY_IMPERSONATION_LEVEL;
typedef ULONG LSA_TOKEN_INFORMATION_TYPE, *PLSA_TOKEN_INFORMATION_TYPE;
typedef ULONG SECPKG_NAME_TYPE;
typedef ULONG SECPKG_SESSIONINFO_TYPE;
typedef ULONG SECPKG_EXTENDED_INFORMATION_CLASS;

typedef struct SECPKG_CLIENT_INFO {
	LUID LogonId;
	ULONG ProcessID;
	ULONG ThreadID;
	BOOLEAN HasTcbPrivilege;
	BOOLEAN Impersonating;
	BOOLEAN Restricted;
	UCHAR ClientFlags;
	SECURITY_IMPERSONATION_LEVEL ImpersonationLevel;
} SECPKG_CLIENT_INFO, *PSECPKG_CLIENT_INFO;

typedef struct SECPKG_CALL_INFO {
	ULONG ProcessId;
	ULONG ThreadId;
	ULONG Attributes;
	ULONG CallCount;
} SECPKG_CALL_INFO, *PSECPKG_CALL_INFO;

typedef struct SECPKG_PARAMETERS {
	ULONG Version;
	ULONG MachineState;
	ULONG SetupMode;
	PSID DomainSid;
	UNICODE_STRING DomainName;
	UNICODE_STRING DnsDomainName;
	GUID DomainGuid;
} SECPKG_PARAMETERS, *PSECPKG_PARAMETERS;

typedef struct SecPkgInfoW {
	ULONG fCapabilities;
	USHORT wVersion;
	USHORT wRPCID;
	ULONG cbMaxToken;
	WCHAR *Name;
	WCHAR *Comment;
} SecPkgInfoW, *PSecPkgInfoW;

typedef struct SecBuffer {
	ULONG cbBuffer;
	ULONG BufferType;
	PVOID pvBuffer;
} SecBuffer, *PSecBuffer;

typedef struct SecBufferDesc {
	ULONG ulVersion;
	ULONG cBuffers;
	PSecBuffer pBuffers;
} SecBufferDesc, *PSecBufferDesc;

typedef struct SECURITY_ATTRIBUTES *LPSECURITY_ATTRIBUTES;
typedef struct TOKEN_SOURCE *PTOKEN_SOURCE;
typedef struct TOKEN_GROUPS *PTOKEN_GROUPS;
typedef struct SECURITY_USER_DATA *PSecurityUserData;
typedef struct SECPKG_PRIMARY_CRED *PSECPKG_PRIMARY_CRED;
typedef struct SECPKG_SUPPLEMENTAL_CRED *PSECPKG_SUPPLEMENTAL_CRED;
typedef struct SECPKG_SUPPLEMENTAL_CRED_ARRAY *PSECPKG_SUPPLEMENTAL_CRED_ARRAY;
typedef struct SECPKG_EXTENDED_INFORMATION *PSECPKG_EXTENDED_INFORMATION;
typedef struct SECPKG_TARGETINFO *PSECPKG_TARGETINFO;
typedef struct SECPKG_POST_LOGON_USER_INFO *PSECPKG_POST_LOGON_USER_INFO;
typedef struct ENCRYPTED_CREDENTIALW *PENCRYPTED_CREDENTIALW;
typedef struct CREDENTIAL_TARGET_INFORMATIONW *PCREDENTIAL_TARGET_INFORMATIONW;

typedef ULONG(SECPKG_CALL *LPTHREAD_START_ROUTINE)(PVOID Parameter);

/* The type of a slot whose real prototype is not declared here. Cast it before you call it. */
typedef NTSTATUS(SECPKG_CALL SECPKG_UNDECLARED_FUNCTION)(void);

/* What the LSA offers to packages: LSA_DISPATCH_TABLE, slots 0 to 10. */

typedef NTSTATUS(SECPKG_CALL LSA_CREATE_LOGON_SESSION)(PLUID LogonId);
typedef NTSTATUS(SECPKG_CALL LSA_DELETE_LOGON_SESSION)(PLUID LogonId);
typedef NTSTATUS(SECPKG_CALL LSA_ADD_CREDENTIAL)(PLUID LogonId, ULONG AuthenticationPackage,
						 PLSA_STRING PrimaryKeyValue,
						 PLSA_STRING Credentials);
typedef NTSTATUS(SECPKG_CALL LSA_GET_CREDENTIALS)(PLUID LogonId, ULONG AuthenticationPackage,
						  PULONG QueryContext,
						  BOOLEAN RetrieveAllCredentials,
						  PLSA_STRING PrimaryKeyValue,
						  PULONG PrimaryKeyLength, PLSA_STRING Credentials);
typedef NTSTATUS(SECPKG_CALL LSA_DELETE_CREDENTIAL)(PLUID LogonId, ULONG AuthenticationPackage,
						    PLSA_STRING PrimaryKeyValue);
typedef PVOID(SECPKG_CALL LSA_ALLOCATE_LSA_HEAP)(ULONG Length);
typedef void(SECPKG_CALL LSA_FREE_LSA_HEAP)(PVOID Base);
typedef NTSTATUS(SECPKG_CALL LSA_ALLOCATE_CLIENT_BUFFER)(PLSA_CLIENT_REQUEST ClientRequest,
							 ULONG LengthRequired,
							 PVOID *ClientBaseAddress);
typedef NTSTATUS(SECPKG_CALL LSA_FREE_CLIENT_BUFFER)(PLSA_CLIENT_REQUEST ClientRequest,
						     PVOID ClientBaseAddress);
typedef NTSTATUS(SECPKG_CALL LSA_COPY_TO_CLIENT_BUFFER)(PLSA_CLIENT_REQUEST ClientRequest,
							ULONG Length, PVOID ClientBaseAddress,
							PVOID BufferToCopy);
typedef NTSTATUS(SECPKG_CALL LSA_COPY_FROM_CLIENT_BUFFER)(PLSA_CLIENT_REQUEST ClientRequest,
							  ULONG Length, PVOID BufferToCopy,
							  PVOID ClientBaseAddress);

/* The slots that LSA_SECPKG_FUNCTION_TABLE has beyond these. */

typedef NTSTATUS(SECPKG_CALL LSA_IMPERSONATE_CLIENT)(void);
typedef NTSTATUS(SECPKG_CALL LSA_UNLOAD_PACKAGE)(void);
typedef NTSTATUS(SECPKG_CALL LSA_DUPLICATE_HANDLE)(HANDLE SourceHandle, PHANDLE DestinationHandle);
typedef NTSTATUS(SECPKG_CALL LSA_SAVE_SUPPLEMENTAL_CREDENTIALS)(PLUID LogonId,
								ULONG SupplementalCredSize,
								PVOID SupplementalCreds,
								BOOLEAN Synchronous);
typedef HANDLE(SECPKG_CALL LSA_CREATE_THREAD)(LPSECURITY_ATTRIBUTES SecurityAttributes,
					      ULONG StackSize, LPTHREAD_START_ROUTINE StartFunction,
					      PVOID ThreadParameter, ULONG CreationFlags,
					      PULONG ThreadId);
typedef NTSTATUS(SECPKG_CALL LSA_GET_CLIENT_INFO)(PSECPKG_CLIENT_INFO ClientInfo);
typedef HANDLE(SECPKG_CALL LSA_REGISTER_NOTIFICATION)(LPTHREAD_START_ROUTINE StartFunction,
						      PVOID Parameter, ULONG NotificationType,
						      ULONG NotificationClass,
						      ULONG NotificationFlags,
						      ULONG IntervalMinutes, HANDLE WaitEvent);
typedef NTSTATUS(SECPKG_CALL LSA_CANCEL_NOTIFICATION)(HANDLE NotifyHandle);
typedef NTSTATUS(SECPKG_CALL LSA_MAP_BUFFER)(PSecBuffer InputBuffer, PSecBuffer OutputBuffer);
typedef NTSTATUS(SECPKG_CALL LSA_CREATE_TOKEN)(
	PLUID LogonId, PTOKEN_SOURCE TokenSource, SECURITY_LOGON_TYPE LogonType,
	SECURITY_IMPERSONATION_LEVEL ImpersonationLevel,
	LSA_TOKEN_INFORMATION_TYPE TokenInformationType, PVOID TokenInformation,
	PTOKEN_GROUPS TokenGroups, PUNICODE_STRING AccountName, PUNICODE_STRING AuthorityName,
	PUNICODE_STRING Workstation, PUNICODE_STRING ProfilePath, PHANDLE Token,
	PNTSTATUS SubStatus);
typedef void(SECPKG_CALL LSA_AUDIT_LOGON)(NTSTATUS Status, NTSTATUS SubStatus,
					  PUNICODE_STRING AccountName,
					  PUNICODE_STRING AuthenticatingAuthority,
					  PUNICODE_STRING WorkstationName, PSID UserSid,
					  SECURITY_LOGON_TYPE LogonType, PTOKEN_SOURCE TokenSource,
					  PLUID LogonId);
typedef NTSTATUS(SECPKG_CALL LSA_CALL_PACKAGE)(PUNICODE_STRING AuthenticationPackage,
					       PVOID ProtocolSubmitBuffer, ULONG SubmitBufferLength,
					       PVOID *ProtocolReturnBuffer,
					       PULONG ReturnBufferLength, PNTSTATUS ProtocolStatus);
typedef BOOLEAN(SECPKG_CALL LSA_GET_CALL_INFO)(PSECPKG_CALL_INFO Info);
typedef NTSTATUS(SECPKG_CALL LSA_CALL_PACKAGEEX)(PUNICODE_STRING AuthenticationPackage,
						 PVOID ClientBufferBase, PVOID ProtocolSubmitBuffer,
						 ULONG SubmitBufferLength,
						 PVOID *ProtocolReturnBuffer,
						 PULONG ReturnBufferLength,
						 PNTSTATUS ProtocolStatus);
typedef LSA_CALL_PACKAGEEX LSA_CALL_PACKAGE_PASSTHROUGH;
typedef PVOID(SECPKG_CALL LSA_CREATE_SHARED_MEMORY)(ULONG MaxSize, ULONG InitialSize);
typedef PVOID(SECPKG_CALL LSA_ALLOCATE_SHARED_MEMORY)(PVOID SharedMem, ULONG Size);
typedef void(SECPKG_CALL LSA_FREE_SHARED_MEMORY)(PVOID SharedMem, PVOID Memory);
typedef BOOLEAN(SECPKG_CALL LSA_DELETE_SHARED_MEMORY)(PVOID SharedMem);
typedef NTSTATUS(SECPKG_CALL LSA_OPEN_SAM_USER)(PSECURITY_STRING Name, SECPKG_NAME_TYPE NameType,
						PSECURITY_STRING Prefix, BOOLEAN AllowGuest,
						ULONG Reserved, PVOID *UserHandle);
typedef NTSTATUS(SECPKG_CALL LSA_GET_USER_CREDENTIALS)(PVOID UserHandle, PVOID *PrimaryCreds,
						       PULONG PrimaryCredsSize,
						       PVOID *SupplementalCreds,
						       PULONG SupplementalCredsSize);
typedef NTSTATUS(SECPKG_CALL LSA_GET_USER_AUTH_DATA)(PVOID UserHandle, PUCHAR *UserAuthData,
						     PULONG UserAuthDataSize);
typedef NTSTATUS(SECPKG_CALL LSA_CLOSE_SAM_USER)(PVOID UserHandle);
typedef NTSTATUS(SECPKG_CALL LSA_CONVERT_AUTH_DATA_TO_TOKEN)(
	PVOID UserAuthData, ULONG UserAuthDataSize, SECURITY_IMPERSONATION_LEVEL ImpersonationLevel,
	PTOKEN_SOURCE TokenSource, SECURITY_LOGON_TYPE LogonType, PUNICODE_STRING AuthorityName,
	PHANDLE Token, PLUID LogonId, PUNICODE_STRING AccountName, PNTSTATUS SubStatus);
typedef NTSTATUS(SECPKG_CALL LSA_CLIENT_CALLBACK)(PCHAR Callback, ULONG_PTR Argument1,
						  ULONG_PTR Argument2, PSecBuffer Input,
						  PSecBuffer Output);
typedef NTSTATUS(SECPKG_CALL LSA_UPDATE_PRIMARY_CREDENTIALS)(
	PSECPKG_PRIMARY_CRED PrimaryCredentials, PSECPKG_SUPPLEMENTAL_CRED_ARRAY Credentials);
typedef NTSTATUS(SECPKG_CALL LSA_GET_AUTH_DATA_FOR_USER)(
	PSECURITY_STRING Name, SECPKG_NAME_TYPE NameType, PSECURITY_STRING Prefix,
	PUCHAR *UserAuthData, PULONG UserAuthDataSize, PUNICODE_STRING UserFlatName);
typedef NTSTATUS(SECPKG_CALL LSA_CRACK_SINGLE_NAME)(ULONG FormatOffered, BOOLEAN PerformAtGC,
						    PUNICODE_STRING NameInput,
						    PUNICODE_STRING Prefix, ULONG RequestedFormat,
						    PUNICODE_STRING CrackedName,
						    PUNICODE_STRING DnsDomainName, PULONG SubStatus);
typedef NTSTATUS(SECPKG_CALL LSA_AUDIT_ACCOUNT_LOGON)(ULONG AuditId, BOOLEAN Success,
						      PUNICODE_STRING Source,
						      PUNICODE_STRING ClientName,
						      PUNICODE_STRING MappedName, NTSTATUS Status);
typedef NTSTATUS(SECPKG_CALL CredReadFn)(PLUID LogonId, ULONG CredFlags, PWSTR TargetName,
					 ULONG Type, ULONG Flags,
					 PENCRYPTED_CREDENTIALW *Credential);
typedef NTSTATUS(SECPKG_CALL CredReadDomainCredentialsFn)(PLUID LogonId, ULONG CredFlags,
							  PCREDENTIAL_TARGET_INFORMATIONW TargetInfo,
							  ULONG Flags, PULONG Count,
							  PENCRYPTED_CREDENTIALW **Credential);
typedef void(SECPKG_CALL CredFreeCredentialsFn)(ULONG Count, PENCRYPTED_CREDENTIALW *Credentials);
typedef NTSTATUS(SECPKG_CALL CredWriteFn)(PLUID LogonId, ULONG CredFlags,
					  PENCRYPTED_CREDENTIALW Credential, ULONG Flags);
typedef void(SECPKG_CALL LSA_PROTECT_MEMORY)(PVOID Buffer, ULONG BufferSize);
typedef NTSTATUS(SECPKG_CALL LSA_OPEN_TOKEN_BY_LOGON_ID)(PLUID LogonId, PHANDLE RetTokenHandle);
typedef NTSTATUS(SECPKG_CALL LSA_EXPAND_AUTH_DATA_FOR_DOMAIN)(PUCHAR UserAuthData,
							      ULONG UserAuthDataSize, PVOID Reserved,
							      PUCHAR *ExpandedAuthData,
							      PULONG ExpandedAuthDataSize);
typedef PVOID(SECPKG_CALL LSA_ALLOCATE_PRIVATE_HEAP)(SIZE_T Length);
typedef void(SECPKG_CALL LSA_FREE_PRIVATE_HEAP)(PVOID Base);
typedef NTSTATUS(SECPKG_CALL LSA_CREATE_TOKEN_EX)(
	PLUID LogonId, PTOKEN_SOURCE TokenSource, SECURITY_LOGON_TYPE LogonType,
	SECURITY_IMPERSONATION_LEVEL ImpersonationLevel,
	LSA_TOKEN_INFORMATION_TYPE TokenInformationType, PVOID TokenInformation,
	PTOKEN_GROUPS TokenGroups, PUNICODE_STRING Workstation, PUNICODE_STRING ProfilePath,
	PVOID SessionInformation, SECPKG_SESSIONINFO_TYPE SessionInformationType, PHANDLE Token,
	PNTSTATUS SubStatus);

/* Of what newer tables have behind these, the functions that return memory. */
typedef NTSTATUS(SECPKG_CALL CrediUnmarshalandDecodeStringFn)(PWSTR MarshaledString, PUCHAR *Blob,
							      PULONG BlobSize,
							      PBOOLEAN IsFailureFatal);
typedef NTSTATUS(SECPKG_CALL LSA_GET_SERVICE_ACCOUNT_PASSWORD)(
	PUNICODE_STRING AccountName, PUNICODE_STRING DomainName, int CredFetch,
	FILETIME *FileTimeExpiry, PUNICODE_STRING CurrentPassword, PUNICODE_STRING PreviousPassword,
	FILETIME *FileTimeCurrPwdValidForOutbound);
typedef NTSTATUS(SECPKG_CALL LSA_QUERY_CLIENT_REQUEST)(PLSA_CLIENT_REQUEST ClientRequest,
						       ULONG QueryType, PVOID *ReplyBuffer);
typedef NTSTATUS(SECPKG_CALL LSA_GET_APP_MODE_INFO)(PULONG UserFunction, PULONG_PTR Argument1,
						    PULONG_PTR Argument2, PSecBuffer UserData,
						    PBOOLEAN ReturnToLsa);

/* Number and name of each slot of LSA_DISPATCH_TABLE. The longer table begins with the same
 * slots. */
#define LSA_DISPATCH_SLOTS(SLOT) \
	SLOT(0, CreateLogonSession) \
	SLOT(1, DeleteLogonSession) \
	SLOT(2, AddCredential) \
	SLOT(3, GetCredentials) \
	SLOT(4, DeleteCredential) \
	SLOT(5, AllocateLsaHeap) \
	SLOT(6, FreeLsaHeap) \
	SLOT(7, AllocateClientBuffer) \
	SLOT(8, FreeClientBuffer) \
	SLOT(9, CopyToClientBuffer) \
	SLOT(10, CopyFromClientBuffer)

/* Number and name of each slot of LSA_SECPKG_FUNCTION_TABLE. */
#define LSA_SECPKG_SLOTS(SLOT) \
	LSA_DISPATCH_SLOTS(SLOT) \
	SLOT(11, ImpersonateClient) \
	SLOT(12, UnloadPackage) \
	SLOT(13, DuplicateHandle) \
	SLOT(14, SaveSupplementalCredentials) \
	SLOT(15, CreateThread) \
	SLOT(16, GetClientInfo) \
	SLOT(17, RegisterNotification) \
	SLOT(18, CancelNotification) \
	SLOT(19, MapBuffer) \
	SLOT(20, CreateToken) \
	SLOT(21, AuditLogon) \
	SLOT(22, CallPackage) \
	SLOT(23, FreeReturnBuffer) \
	SLOT(24, GetCallInfo) \
	SLOT(25, CallPackageEx) \
	SLOT(26, CreateSharedMemory) \
	SLOT(27, AllocateSharedMemory) \
	SLOT(28, FreeSharedMemory) \
	SLOT(29, DeleteSharedMemory) \
	SLOT(30, OpenSamUser) \
	SLOT(31, GetUserCredentials) \
	SLOT(32, GetUserAuthData) \
	SLOT(33, CloseSamUser) \
	SLOT(34, ConvertAuthDataToToken) \
	SLOT(35, ClientCallback) \
	SLOT(36, UpdateCredentials) \
	SLOT(37, GetAuthDataForUser) \
	SLOT(38, CrackSingleName) \
	SLOT(39, AuditAccountLogon) \
	SLOT(40, CallPackagePassthrough) \
	SLOT(41, CrediRead) \
	SLOT(42, CrediReadDomainCredentials) \
	SLOT(43, CrediFreeCredentials) \
	SLOT(44, LsaProtectMemory) \
	SLOT(45, LsaUnprotectMemory) \
	SLOT(46, OpenTokenByLogonId) \
	SLOT(47, ExpandAuthDataForDomain) \
	SLOT(48, AllocatePrivateHeap) \
	SLOT(49, FreePrivateHeap) \
	SLOT(50, CreateTokenEx) \
	SLOT(51, CrediWrite)

#define LSA_DISPATCH_SLOT_COUNT 11
#define LSA_SECPKG_SLOT_COUNT 52

typedef struct LSA_DISPATCH_TABLE {
	LSA_CREATE_LOGON_SESSION *CreateLogonSession;
	LSA_DELETE_LOGON_SESSION *DeleteLogonSession;
	LSA_ADD_CREDENTIAL *AddCredential;
	LSA_GET_CREDENTIALS *GetCredentials;
	LSA_DELETE_CREDENTIAL *DeleteCredential;
	LSA_ALLOCATE_LSA_HEAP *AllocateLsaHeap;
	LSA_FREE_LSA_HEAP *FreeLsaHeap;
	LSA_ALLOCATE_CLIENT_BUFFER *AllocateClientBuffer;
	LSA_FREE_CLIENT_BUFFER *FreeClientBuffer;
	LSA_COPY_TO_CLIENT_BUFFER *CopyToClientBuffer;
	LSA_COPY_FROM_CLIENT_BUFFER *CopyFromClientBuffer;
} LSA_DISPATCH_TABLE, *PLSA_DISPATCH_TABLE;

typedef struct LSA_SECPKG_FUNCTION_TABLE {
	LSA_CREATE_LOGON_SESSION *CreateLogonSession;
	LSA_DELETE_LOGON_SESSION *DeleteLogonSession;
	LSA_ADD_CREDENTIAL *AddCredential;
	LSA_GET_CREDENTIALS *GetCredentials;
	LSA_DELETE_CREDENTIAL *DeleteCredential;
	LSA_ALLOCATE_LSA_HEAP *AllocateLsaHeap;
	LSA_FREE_LSA_HEAP *FreeLsaHeap;
	LSA_ALLOCATE_CLIENT_BUFFER *AllocateClientBuffer;
	LSA_FREE_CLIENT_BUFFER *FreeClientBuffer;
	LSA_COPY_TO_CLIENT_BUFFER *CopyToClientBuffer;
	LSA_COPY_FROM_CLIENT_BUFFER *CopyFromClientBuffer;
	LSA_IMPERSONATE_CLIENT *ImpersonateClient;
	LSA_UNLOAD_PACKAGE *UnloadPackage;
	LSA_DUPLICATE_HANDLE *DuplicateHandle;
	LSA_SAVE_SUPPLEMENTAL_CREDENTIALS *SaveSupplementalCredentials;
	LSA_CREATE_THREAD *CreateThread;
	LSA_GET_CLIENT_INFO *GetClientInfo;
	LSA_REGISTER_NOTIFICATION *RegisterNotification;
	LSA_CANCEL_NOTIFICATION *CancelNotification;
	LSA_MAP_BUFFER *MapBuffer;
	LSA_CREATE_TOKEN *CreateToken;
	LSA_AUDIT_LOGON *AuditLogon;
	LSA_CALL_PACKAGE *CallPackage;
	LSA_FREE_LSA_HEAP *FreeReturnBuffer;
	LSA_GET_CALL_INFO *GetCallInfo;
	LSA_CALL_PACKAGEEX *CallPackageEx;
	LSA_CREATE_SHARED_MEMORY *CreateSharedMemory;
	LSA_ALLOCATE_SHARED_MEMORY *AllocateSharedMemory;
	LSA_FREE_SHARED_MEMORY *FreeSharedMemory;
	LSA_DELETE_SHARED_MEMORY *DeleteSharedMemory;
	LSA_OPEN_SAM_USER *OpenSamUser;
	LSA_GET_USER_CREDENTIALS *GetUserCredentials;
	LSA_GET_USER_AUTH_DATA *GetUserAuthData;
	LSA_CLOSE_SAM_USER *CloseSamUser;
	LSA_CONVERT_AUTH_DATA_TO_TOKEN *ConvertAuthDataToToken;
	LSA_CLIENT_CALLBACK *ClientCallback;
	LSA_UPDATE_PRIMARY_CREDENTIALS *UpdateCredentials;
	LSA_GET_AUTH_DATA_FOR_USER *GetAuthDataForUser;
	LSA_CRACK_SINGLE_NAME *CrackSingleName;
	LSA_AUDIT_ACCOUNT_LOGON *AuditAccountLogon;
	LSA_CALL_PACKAGE_PASSTHROUGH *CallPackagePassthrough;
	CredReadFn *CrediRead;
	CredReadDomainCredentialsFn *CrediReadDomainCredentials;
	CredFreeCredentialsFn *CrediFreeCredentials;
	LSA_PROTECT_MEMORY *LsaProtectMemory;
	LSA_PROTECT_MEMORY *LsaUnprotectMemory;
	LSA_OPEN_TOKEN_BY_LOGON_ID *OpenTokenByLogonId;
	LSA_EXPAND_AUTH_DATA_FOR_DOMAIN *ExpandAuthDataForDomain;
	LSA_ALLOCATE_PRIVATE_HEAP *AllocatePrivateHeap;
	LSA_FREE_PRIVATE_HEAP *FreePrivateHeap;
	LSA_CREATE_TOKEN_EX *CreateTokenEx;
	CredWriteFn *CrediWrite;
} LSA_SECPKG_FUNCTION_TABLE, *PLSA_SECPKG_FUNCTION_TABLE;

/*
 * The table of the newest SDKs. Windows hands it over as an LSA_SECPKG_FUNCTION_TABLE, which nothing tells
 * from a shorter one.
 */
typedef struct LSA_SECPKG_NEWEST_TABLE {
	LSA_SECPKG_FUNCTION_TABLE Older;
	CrediUnmarshalandDecodeStringFn *CrediUnmarshalandDecodeString;
	PVOID DummyFunction6;
	PVOID GetExtendedCallFlags;
	LSA_DUPLICATE_HANDLE *DuplicateTokenHandle;
	LSA_GET_SERVICE_ACCOUNT_PASSWORD *GetServiceAccountPassword;
	PVOID DummyFunction7;
	PVOID AuditLogonEx;
	PVOID CheckProtectedUserByToken;
	LSA_QUERY_CLIENT_REQUEST *QueryClientRequest;
	LSA_GET_APP_MODE_INFO *GetAppModeInfo;
	PVOID SetAppModeInfo;
	PVOID GetClientInfoEx;
	PVOID GetSecpkgFailureReason;
	PVOID SetSecpkgFailureReason;
} LSA_SECPKG_NEWEST_TABLE, *PLSA_SECPKG_NEWEST_TABLE;

/* What a package offers to the LSA: SECPKG_FUNCTION_TABLE. */

typedef NTSTATUS(SECPKG_CALL LSA_AP_INITIALIZE_PACKAGE)(ULONG AuthenticationPackageId,
							PLSA_DISPATCH_TABLE LsaDispatchTable,
							PLSA_STRING Database,
							PLSA_STRING Confidentiality,
							PLSA_STRING *AuthenticationPackageName);
typedef NTSTATUS(SECPKG_CALL LSA_AP_LOGON_USER)(
	PLSA_CLIENT_REQUEST ClientRequest, SECURITY_LOGON_TYPE LogonType,
	PVOID AuthenticationInformation, PVOID ClientAuthenticationBase,
	ULONG AuthenticationInformationLength, PVOID *ProfileBuffer, PULONG ProfileBufferLength,
	PLUID LogonId, PNTSTATUS SubStatus, PLSA_TOKEN_INFORMATION_TYPE TokenInformationType,
	PVOID *TokenInformation, PLSA_UNICODE_STRING *AccountName,
	PLSA_UNICODE_STRING *AuthenticatingAuthority);
typedef NTSTATUS(SECPKG_CALL LSA_AP_LOGON_USER_EX)(
	PLSA_CLIENT_REQUEST ClientRequest, SECURITY_LOGON_TYPE LogonType,
	PVOID AuthenticationInformation, PVOID ClientAuthenticationBase,
	ULONG AuthenticationInformationLength, PVOID *ProfileBuffer, PULONG ProfileBufferLength,
	PLUID LogonId, PNTSTATUS SubStatus, PLSA_TOKEN_INFORMATION_TYPE TokenInformationType,
	PVOID *TokenInformation, PUNICODE_STRING *AccountName,
	PUNICODE_STRING *AuthenticatingAuthority, PUNICODE_STRING *MachineName);
typedef NTSTATUS(SECPKG_CALL LSA_AP_LOGON_USER_EX2)(
	PLSA_CLIENT_REQUEST ClientRequest, SECURITY_LOGON_TYPE LogonType,
	PVOID AuthenticationInformation, PVOID ClientAuthenticationBase,
	ULONG AuthenticationInformationLength, PVOID *ProfileBuffer, PULONG ProfileBufferLength,
	PLUID LogonId, PNTSTATUS SubStatus, PLSA_TOKEN_INFORMATION_TYPE TokenInformationType,
	PVOID *TokenInformation, PUNICODE_STRING *AccountName,
	PUNICODE_STRING *AuthenticatingAuthority, PUNICODE_STRING *MachineName,
	PSECPKG_PRIMARY_CRED PrimaryCredentials, PSECPKG_SUPPLEMENTAL_CRED_ARRAY *CachedCredentials);
typedef NTSTATUS(SECPKG_CALL LSA_AP_CALL_PACKAGE)(PLSA_CLIENT_REQUEST ClientRequest,
						  PVOID ProtocolSubmitBuffer,
						  PVOID ClientBufferBase, ULONG SubmitBufferLength,
						  PVOID *ProtocolReturnBuffer,
						  PULONG ReturnBufferLength,
						  PNTSTATUS ProtocolStatus);
typedef LSA_AP_CALL_PACKAGE LSA_AP_CALL_PACKAGE_UNTRUSTED;
typedef LSA_AP_CALL_PACKAGE LSA_AP_CALL_PACKAGE_PASSTHROUGH;
typedef void(SECPKG_CALL LSA_AP_LOGON_TERMINATED)(PLUID LogonId);
typedef NTSTATUS(SECPKG_CALL LSA_AP_POST_LOGON_USER)(PSECPKG_POST_LOGON_USER_INFO PostLogonUserInfo);

typedef NTSTATUS(SECPKG_CALL SpInitializeFn)(ULONG_PTR PackageId, PSECPKG_PARAMETERS Parameters,
					     PLSA_SECPKG_FUNCTION_TABLE FunctionTable);
typedef NTSTATUS(SECPKG_CALL SpShutdownFn)(void);
typedef NTSTATUS(SECPKG_CALL SpGetInfoFn)(PSecPkgInfoW PackageInfo);
typedef NTSTATUS(SECPKG_CALL SpAcceptCredentialsFn)(
	SECURITY_LOGON_TYPE LogonType, PUNICODE_STRING AccountName,
	PSECPKG_PRIMARY_CRED PrimaryCredentials, PSECPKG_SUPPLEMENTAL_CRED SupplementalCredentials);
typedef NTSTATUS(SECPKG_CALL SpAcquireCredentialsHandleFn)(
	PUNICODE_STRING PrincipalName, ULONG CredentialUseFlags, PLUID LogonId,
	PVOID AuthorizationData, PVOID GetKeyFunction, PVOID GetKeyArgument,
	PLSA_SEC_HANDLE CredentialHandle, PTimeStamp ExpirationTime);
typedef NTSTATUS(SECPKG_CALL SpQueryCredentialsAttributesFn)(LSA_SEC_HANDLE CredentialHandle,
							     ULONG CredentialAttribute,
							     PVOID Buffer);
typedef NTSTATUS(SECPKG_CALL SpFreeCredentialsHandleFn)(LSA_SEC_HANDLE CredentialHandle);
typedef NTSTATUS(SECPKG_CALL SpSaveCredentialsFn)(LSA_SEC_HANDLE CredentialHandle,
						  PSecBuffer Credentials);
typedef NTSTATUS(SECPKG_CALL SpGetCredentialsFn)(LSA_SEC_HANDLE CredentialHandle,
						 PSecBuffer Credentials);
typedef NTSTATUS(SECPKG_CALL SpDeleteCredentialsFn)(LSA_SEC_HANDLE CredentialHandle, PSecBuffer Key);
typedef NTSTATUS(SECPKG_CALL SpInitLsaModeContextFn)(
	LSA_SEC_HANDLE CredentialHandle, LSA_SEC_HANDLE ContextHandle, PUNICODE_STRING TargetName,
	ULONG ContextRequirements, ULONG TargetDataRep, PSecBufferDesc InputBuffers,
	PLSA_SEC_HANDLE NewContextHandle, PSecBufferDesc OutputBuffers, PULONG ContextAttributes,
	PTimeStamp ExpirationTime, PBOOLEAN MappedContext, PSecBuffer ContextData);
typedef NTSTATUS(SECPKG_CALL SpAcceptLsaModeContextFn)(
	LSA_SEC_HANDLE CredentialHandle, LSA_SEC_HANDLE ContextHandle, PSecBufferDesc InputBuffer,
	ULONG ContextRequirements, ULONG TargetDataRep, PLSA_SEC_HANDLE NewContextHandle,
	PSecBufferDesc OutputBuffer, PULONG ContextAttributes, PTimeStamp ExpirationTime,
	PBOOLEAN MappedContext, PSecBuffer ContextData);
typedef NTSTATUS(SECPKG_CALL SpDeleteContextFn)(LSA_SEC_HANDLE ContextHandle);
typedef NTSTATUS(SECPKG_CALL SpApplyControlTokenFn)(LSA_SEC_HANDLE ContextHandle,
						    PSecBufferDesc ControlToken);
typedef NTSTATUS(SECPKG_CALL SpGetUserInfoFn)(PLUID LogonId, ULONG Flags,
					      PSecurityUserData *UserData);
typedef NTSTATUS(SECPKG_CALL SpGetExtendedInformationFn)(SECPKG_EXTENDED_INFORMATION_CLASS Class,
							 PSECPKG_EXTENDED_INFORMATION *ppInformation);
typedef NTSTATUS(SECPKG_CALL SpSetExtendedInformationFn)(SECPKG_EXTENDED_INFORMATION_CLASS Class,
							 PSECPKG_EXTENDED_INFORMATION Info);
typedef NTSTATUS(SECPKG_CALL SpQueryContextAttributesFn)(LSA_SEC_HANDLE ContextHandle,
							 ULONG ContextAttribute, PVOID Buffer);
typedef NTSTATUS(SECPKG_CALL SpSetContextAttributesFn)(LSA_SEC_HANDLE ContextHandle,
						       ULONG ContextAttribute, PVOID Buffer,
						       ULONG BufferSize);
typedef NTSTATUS(SECPKG_CALL SpAddCredentialsFn)(LSA_SEC_HANDLE CredentialHandle,
						 PUNICODE_STRING PrincipalName,
						 PUNICODE_STRING Package, ULONG CredentialUseFlags,
						 PVOID AuthorizationData, PVOID GetKeyFunction,
						 PVOID GetKeyArgument, PTimeStamp ExpirationTime);
typedef NTSTATUS(SECPKG_CALL SpSetCredentialsAttributesFn)(LSA_SEC_HANDLE CredentialHandle,
							   ULONG CredentialAttribute, PVOID Buffer,
							   ULONG BufferSize);
typedef NTSTATUS(SECPKG_CALL SpChangeAccountPasswordFn)(
	PUNICODE_STRING DomainName, PUNICODE_STRING AccountName, PUNICODE_STRING OldPassword,
	PUNICODE_STRING NewPassword, BOOLEAN Impersonating, PSecBufferDesc Output);
typedef NTSTATUS(SECPKG_CALL SpQueryMetaDataFn)(LSA_SEC_HANDLE CredentialHandle,
						PUNICODE_STRING TargetName,
						ULONG ContextRequirements, PULONG MetaDataLength,
						PUCHAR *MetaData, PLSA_SEC_HANDLE ContextHandle);
typedef NTSTATUS(SECPKG_CALL SpExchangeMetaDataFn)(LSA_SEC_HANDLE CredentialHandle,
						   PUNICODE_STRING TargetName,
						   ULONG ContextRequirements, ULONG MetaDataLength,
						   PUCHAR MetaData, PLSA_SEC_HANDLE ContextHandle);
typedef NTSTATUS(SECPKG_CALL SpGetCredUIContextFn)(LSA_SEC_HANDLE ContextHandle, GUID *CredType,
						   PULONG FlatCredUIContextLength,
						   PUCHAR *FlatCredUIContext);
typedef NTSTATUS(SECPKG_CALL SpUpdateCredentialsFn)(LSA_SEC_HANDLE ContextHandle, GUID *CredType,
						    ULONG FlatCredUIContextLength,
						    PUCHAR FlatCredUIContext);
typedef NTSTATUS(SECPKG_CALL SpValidateTargetInfoFn)(PLSA_CLIENT_REQUEST ClientRequest,
						     PVOID ProtocolSubmitBuffer,
						     PVOID ClientBufferBase,
						     ULONG SubmitBufferLength,
						     PSECPKG_TARGETINFO TargetInfo);

typedef struct LSA_REDIRECTED_LOGON_CALLBACKS *PLSA_REDIRECTED_LOGON_CALLBACKS;
typedef NTSTATUS(SECPKG_CALL SpGetRemoteCredGuardLogonBufferFn)(
	LSA_SEC_HANDLE CredHandle, LSA_SEC_HANDLE ContextHandle, const UNICODE_STRING *TargetName,
	PHANDLE RedirectedLogonHandle, PLSA_REDIRECTED_LOGON_CALLBACKS *Callback,
	PLSA_REDIRECTED_LOGON_CALLBACKS *CleanupCallback, PULONG LogonBufferSize,
	PVOID *LogonBuffer);
typedef NTSTATUS(SECPKG_CALL SpGetRemoteCredGuardSupplementalCredsFn)(
	LSA_SEC_HANDLE CredHandle, const UNICODE_STRING *TargetName, PHANDLE RedirectedLogonHandle,
	PLSA_REDIRECTED_LOGON_CALLBACKS *Callback, PLSA_REDIRECTED_LOGON_CALLBACKS *CleanupCallback,
	PULONG SupplementalCredsSize, PVOID *SupplementalCreds);

/* Number and name of each slot of SECPKG_FUNCTION_TABLE. */
#define SECPKG_PACKAGE_SLOTS(SLOT) \
	SLOT(0, InitializePackage) \
	SLOT(1, LogonUser) \
	SLOT(2, CallPackage) \
	SLOT(3, LogonTerminated) \
	SLOT(4, CallPackageUntrusted) \
	SLOT(5, CallPackagePassthrough) \
	SLOT(6, LogonUserEx) \
	SLOT(7, LogonUserEx2) \
	SLOT(8, Initialize) \
	SLOT(9, Shutdown) \
	SLOT(10, GetInfo) \
	SLOT(11, AcceptCredentials) \
	SLOT(12, AcquireCredentialsHandle) \
	SLOT(13, QueryCredentialsAttributes) \
	SLOT(14, FreeCredentialsHandle) \
	SLOT(15, SaveCredentials) \
	SLOT(16, GetCredentials) \
	SLOT(17, DeleteCredentials) \
	SLOT(18, InitLsaModeContext) \
	SLOT(19, AcceptLsaModeContext) \
	SLOT(20, DeleteContext) \
	SLOT(21, ApplyControlToken) \
	SLOT(22, GetUserInfo) \
	SLOT(23, GetExtendedInformation) \
	SLOT(24, QueryContextAttributes) \
	SLOT(25, AddCredentials) \
	SLOT(26, SetExtendedInformation) \
	SLOT(27, SetContextAttributes) \
	SLOT(28, SetCredentialsAttributes) \
	SLOT(29, ChangeAccountPassword) \
	SLOT(30, QueryMetaData) \
	SLOT(31, ExchangeMetaData) \
	SLOT(32, GetCredUIContext) \
	SLOT(33, UpdateCredentials) \
	SLOT(34, ValidateTargetInfo) \
	SLOT(35, PostLogonUser) \
	SLOT(36, GetRemoteCredGuardLogonBuffer) \
	SLOT(37, GetRemoteCredGuardSupplementalCreds)

#define SECPKG_PACKAGE_SLOT_COUNT 38

typedef struct SECPKG_FUNCTION_TABLE {
	LSA_AP_INITIALIZE_PACKAGE *InitializePackage;
	LSA_AP_LOGON_USER *LogonUser;
	LSA_AP_CALL_PACKAGE *CallPackage;
	LSA_AP_LOGON_TERMINATED *LogonTerminated;
	LSA_AP_CALL_PACKAGE_UNTRUSTED *CallPackageUntrusted;
	LSA_AP_CALL_PACKAGE_PASSTHROUGH *CallPackagePassthrough;
	LSA_AP_LOGON_USER_EX *LogonUserEx;
	LSA_AP_LOGON_USER_EX2 *LogonUserEx2;
	SpInitializeFn *Initialize;
	SpShutdownFn *Shutdown;
	SpGetInfoFn *GetInfo;
	SpAcceptCredentialsFn *AcceptCredentials;
	SpAcquireCredentialsHandleFn *AcquireCredentialsHandle;
	SpQueryCredentialsAttributesFn *QueryCredentialsAttributes;
	SpFreeCredentialsHandleFn *FreeCredentialsHandle;
	SpSaveCredentialsFn *SaveCredentials;
	SpGetCredentialsFn *GetCredentials;
	SpDeleteCredentialsFn *DeleteCredentials;
	SpInitLsaModeContextFn *InitLsaModeContext;
	SpAcceptLsaModeContextFn *AcceptLsaModeContext;
	SpDeleteContextFn *DeleteContext;
	SpApplyControlTokenFn *ApplyControlToken;
	SpGetUserInfoFn *GetUserInfo;
	SpGetExtendedInformationFn *GetExtendedInformation;
	SpQueryContextAttributesFn *QueryContextAttributes;
	SpAddCredentialsFn *AddCredentials;
	SpSetExtendedInformationFn *SetExtendedInformation;
	SpSetContextAttributesFn *SetContextAttributes;
	SpSetCredentialsAttributesFn *SetCredentialsAttributes;
	SpChangeAccountPasswordFn *ChangeAccountPassword;
	SpQueryMetaDataFn *QueryMetaData;
	SpExchangeMetaDataFn *ExchangeMetaData;
	SpGetCredUIContextFn *GetCredUIContext;
	SpUpdateCredentialsFn *UpdateCredentials;
	SpValidateTargetInfoFn *ValidateTargetInfo;
	LSA_AP_POST_LOGON_USER *PostLogonUser;
	SpGetRemoteCredGuardLogonBufferFn *GetRemoteCredGuardLogonBuffer;
	SpGetRemoteCredGuardSupplementalCredsFn *GetRemoteCredGuardSupplementalCreds;
} SECPKG_FUNCTION_TABLE, *PSECPKG_FUNCTION_TABLE;

/*
 * The version of a package says how many slots each of its tables has. This is also the distance
 * between the tables of its array; it is not sizeof(SECPKG_FUNCTION_TABLE).
 */
#define SECPKG_INTERFACE_VERSION 0x00010000u   /* 27 slots */
#define SECPKG_INTERFACE_VERSION_2 0x00020000u /* 28 */
#define SECPKG_INTERFACE_VERSION_3 \
	0x00040000u /* 29; some larger tables have this version as well */
#define SECPKG_INTERFACE_VERSION_4 0x00080000u /* 30 */
#define SECPKG_INTERFACE_VERSION_5 0x00100000u /* 34 */
#define SECPKG_INTERFACE_VERSION_6 0x00200000u /* 35 */
#define SECPKG_INTERFACE_VERSION_7 0x00400000u /* 36 */
#define SECPKG_INTERFACE_VERSION_8 0x00800000u /* 38 */

/* Returns the number of slots in a table of this version, or 0 for a version that is not listed
 * above. */
static inline unsigned int secpkg_slots_of_version(ULONG version)
{
	switch (version) {
	case SECPKG_INTERFACE_VERSION:
		return 27;
	case SECPKG_INTERFACE_VERSION_2:
		return 28;
	case SECPKG_INTERFACE_VERSION_3:
		return 29;
	case SECPKG_INTERFACE_VERSION_4:
		return 30;
	case SECPKG_INTERFACE_VERSION_5:
		return 34;
	case SECPKG_INTERFACE_VERSION_6:
		return 35;
	case SECPKG_INTERFACE_VERSION_7:
		return 36;
	case SECPKG_INTERFACE_VERSION_8:
		return 38;
	default:
		return 0;
	}
}

/* The client's side. */

typedef NTSTATUS(SECPKG_CALL LSA_CALLBACK_FUNCTION)(ULONG_PTR Argument1, ULONG_PTR Argument2,
						    PSecBuffer InputBuffer, PSecBuffer OutputBuffer);
typedef NTSTATUS(SECPKG_CALL LSA_REGISTER_CALLBACK)(ULONG CallbackId,
						    LSA_CALLBACK_FUNCTION *Callback);
typedef PVOID(SECPKG_CALL LSA_LOCATE_PKG_BY_ID)(ULONG PackageId);

typedef struct SECPKG_DLL_FUNCTIONS {
	LSA_ALLOCATE_LSA_HEAP *AllocateHeap;
	LSA_FREE_LSA_HEAP *FreeHeap;
	LSA_REGISTER_CALLBACK *RegisterCallback;
	LSA_LOCATE_PKG_BY_ID *LocatePackageById;
} SECPKG_DLL_FUNCTIONS, *PSECPKG_DLL_FUNCTIONS;

typedef NTSTATUS(SECPKG_CALL SpInstanceInitFn)(ULONG Version, PSECPKG_DLL_FUNCTIONS FunctionTable,
					       PVOID *UserFunctions);

typedef NTSTATUS(SECPKG_CALL SpInitUserModeContextFn)(LSA_SEC_HANDLE ContextHandle,
						      PSecBuffer PackedContext);
typedef NTSTATUS(SECPKG_CALL SpFormatCredentialsFn)(PSecBuffer Credentials,
						    PSecBuffer FormattedCredentials);
typedef NTSTATUS(SECPKG_CALL SpMarshallSupplementalCredsFn)(ULONG CredentialSize, PUCHAR Credentials,
							    PULONG MarshalledCredSize,
							    PVOID *MarshalledCreds);
typedef NTSTATUS(SECPKG_CALL SpExportSecurityContextFn)(LSA_SEC_HANDLE ContextHandle, ULONG Flags,
							PSecBuffer PackedContext,
							PHANDLE TokenHandle);

typedef NTSTATUS(SECPKG_CALL SpImportSecurityContextFn)(PSecBuffer PackedContext, HANDLE Token,
							PLSA_SEC_HANDLE ContextHandle);
typedef NTSTATUS(SECPKG_CALL SpMarshalAttributeDataFn)(ULONG AttributeInfo, ULONG Attribute,
						       ULONG AttributeDataSize, PUCHAR AttributeData,
						       PULONG MarshaledAttributeDataSize,
						       PUCHAR *MarshaledAttributeData);

/* Only the slots that pass a table, or pass memory on, are declared with their prototypes. */
typedef struct SECPKG_USER_FUNCTION_TABLE {
	SpInstanceInitFn *InstanceInit;
	SpInitUserModeContextFn *InitUserModeContext;
	SECPKG_UNDECLARED_FUNCTION *MakeSignature;
	SECPKG_UNDECLARED_FUNCTION *VerifySignature;
	SECPKG_UNDECLARED_FUNCTION *SealMessage;
	SECPKG_UNDECLARED_FUNCTION *UnsealMessage;
	SECPKG_UNDECLARED_FUNCTION *GetContextToken;
	SpQueryContextAttributesFn *QueryContextAttributes;
	SECPKG_UNDECLARED_FUNCTION *CompleteAuthToken;
	SpDeleteContextFn *DeleteUserModeContext;
	SpFormatCredentialsFn *FormatCredentials;
	SpMarshallSupplementalCredsFn *MarshallSupplementalCreds;
	SpExportSecurityContextFn *ExportContext;
	SpImportSecurityContextFn *ImportContext;
	SpMarshalAttributeDataFn *MarshalAttributeData; /* not in older tables, see below */
} SECPKG_USER_FUNCTION_TABLE, *PSECPKG_USER_FUNCTION_TABLE;

/* Returns the number of slots in a client's table of this version: the SDK's ntsecpkg.h says that
 * MarshalAttributeData belongs to version 2. mingw-w64 and Wine have 14. */
static inline unsigned int secpkg_user_slots_of_version(ULONG version)
{
	return version >= SECPKG_INTERFACE_VERSION_2 ? 15 : 14;
}

/* The functions that a library with packages exports. */

#define SECPKG_LSAMODEINIT_NAME "SpLsaModeInitialize"
#define SECPKG_USERMODEINIT_NAME "SpUserModeInitialize"
#define LSA_AP_NAME_INITIALIZE_PACKAGE "LsaApInitializePackage"
#define LSA_AP_NAME_LOGON_USER "LsaApLogonUser"
#define LSA_AP_NAME_LOGON_USER_EX "LsaApLogonUserEx"
#define LSA_AP_NAME_LOGON_USER_EX2 "LsaApLogonUserEx2"
#define LSA_AP_NAME_CALL_PACKAGE "LsaApCallPackage"
#define LSA_AP_NAME_CALL_PACKAGE_UNTRUSTED "LsaApCallPackageUntrusted"
#define LSA_AP_NAME_CALL_PACKAGE_PASSTHROUGH "LsaApCallPackagePassthrough"

typedef NTSTATUS(SECPKG_CALL *SpLsaModeInitializeFn)(ULONG LsaVersion, PULONG PackageVersion,
						     PSECPKG_FUNCTION_TABLE *ppTables,
						     PULONG pcTables);
typedef NTSTATUS(SECPKG_CALL *SpUserModeInitializeFn)(ULONG LsaVersion, PULONG PackageVersion,
						      PSECPKG_USER_FUNCTION_TABLE *ppTables,
						      PULONG pcTables);

NTSTATUS SECPKG_CALL SpLsaModeInitialize(ULONG LsaVersion, PULONG PackageVersion,
					 PSECPKG_FUNCTION_TABLE *ppTables, PULONG pcTables);
NTSTATUS SECPKG_CALL SpUserModeInitialize(ULONG LsaVersion, PULONG PackageVersion,
					  PSECPKG_USER_FUNCTION_TABLE *ppTables, PULONG pcTables);
LSA_AP_INITIALIZE_PACKAGE LsaApInitializePackage;
LSA_AP_LOGON_USER LsaApLogonUser;
LSA_AP_LOGON_USER_EX LsaApLogonUserEx;
LSA_AP_LOGON_USER_EX2 LsaApLogonUserEx2;
LSA_AP_CALL_PACKAGE LsaApCallPackage;
LSA_AP_CALL_PACKAGE_UNTRUSTED LsaApCallPackageUntrusted;
LSA_AP_CALL_PACKAGE_PASSTHROUGH LsaApCallPackagePassthrough;

/* Checks the layout against the lists of slots and the documented sizes. */

#define SECPKG_CHECK_DISPATCH(slot, name) \
	SECPKG_STATIC_ASSERT(offsetof(LSA_DISPATCH_TABLE, name) == 8 * (slot), \
			     "LSA_DISPATCH_TABLE: " #name);
#define SECPKG_CHECK_LSA(slot, name) \
	SECPKG_STATIC_ASSERT(offsetof(LSA_SECPKG_FUNCTION_TABLE, name) == 8 * (slot), \
			     "LSA_SECPKG_FUNCTION_TABLE: " #name);
#define SECPKG_CHECK_PACKAGE(slot, name) \
	SECPKG_STATIC_ASSERT(offsetof(SECPKG_FUNCTION_TABLE, name) == 8 * (slot), \
			     "SECPKG_FUNCTION_TABLE: " #name);

LSA_DISPATCH_SLOTS(SECPKG_CHECK_DISPATCH)
LSA_SECPKG_SLOTS(SECPKG_CHECK_LSA)
SECPKG_PACKAGE_SLOTS(SECPKG_CHECK_PACKAGE)

#undef SECPKG_CHECK_DISPATCH
#undef SECPKG_CHECK_LSA
#undef SECPKG_CHECK_PACKAGE

SECPKG_STATIC_ASSERT(sizeof(LSA_DISPATCH_TABLE) == 8 * LSA_DISPATCH_SLOT_COUNT, "11 slots");
SECPKG_STATIC_ASSERT(sizeof(LSA_SECPKG_FUNCTION_TABLE) == 416, "as long as in mingw-w64 10.0");
SECPKG_STATIC_ASSERT(sizeof(LSA_SECPKG_FUNCTION_TABLE) == 8 * LSA_SECPKG_SLOT_COUNT, "52 slots");
SECPKG_STATIC_ASSERT(sizeof(LSA_SECPKG_NEWEST_TABLE) == 8 * 66, "66 slots");
SECPKG_STATIC_ASSERT(offsetof(LSA_SECPKG_NEWEST_TABLE, GetAppModeInfo) == 488, "x64");
SECPKG_STATIC_ASSERT(sizeof(SECPKG_FUNCTION_TABLE) == 304, "as long as in Wine 8.0");
SECPKG_STATIC_ASSERT(sizeof(SECPKG_FUNCTION_TABLE) == 8 * SECPKG_PACKAGE_SLOT_COUNT, "38 slots");
SECPKG_STATIC_ASSERT(sizeof(SECPKG_USER_FUNCTION_TABLE) == 8 * 15, "15 slots");
SECPKG_STATIC_ASSERT(sizeof(SECPKG_DLL_FUNCTIONS) == 8 * 4, "4 slots");
SECPKG_STATIC_ASSERT(offsetof(LSA_SECPKG_FUNCTION_TABLE, CreateSharedMemory) == 208, "x64");
SECPKG_STATIC_ASSERT(offsetof(LSA_SECPKG_FUNCTION_TABLE, AllocateSharedMemory) == 216, "x64");
SECPKG_STATIC_ASSERT(offsetof(LSA_SECPKG_FUNCTION_TABLE, FreeSharedMemory) == 224, "x64");
SECPKG_STATIC_ASSERT(offsetof(LSA_SECPKG_FUNCTION_TABLE, DeleteSharedMemory) == 232, "x64");
SECPKG_STATIC_ASSERT(offsetof(SECPKG_FUNCTION_TABLE, Initialize) == 64, "x64");
SECPKG_STATIC_ASSERT(sizeof(UNICODE_STRING) == 16 && sizeof(LSA_STRING) == 16, "x64 layout");
SECPKG_STATIC_ASSERT(sizeof(SecPkgInfoW) == 32 && offsetof(SecPkgInfoW, Name) == 16, "x64 layout");
SECPKG_STATIC_ASSERT(sizeof(SECPKG_PARAMETERS) == 72, "x64 layout");
SECPKG_STATIC_ASSERT(sizeof(SECPKG_CLIENT_INFO) == 24, "x64 layout");
SECPKG_STATIC_ASSERT(sizeof(WCHAR) == 2 && sizeof(BOOLEAN) == 1, "x64 layout");
SECPKG_STATIC_ASSERT(sizeof(PVOID) == 8 && sizeof(NTSTATUS) == 4, "64-bit hosts only");

#ifdef __cplusplus
}
#endif

#endif
