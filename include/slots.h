/* SPDX-License-Identifier: MIT */
#ifndef LSATRACE_SLOTS_H
#define LSATRACE_SLOTS_H
/*
 * What is traced, as tables: the families, one row for each slot of a function table that gets a
 * shim, and one row for each slot that gets a wrapper. Shims, wrappers, the definitions in the
 * trace, `--families` and the viewer's output all follow from these rows. Prototypes and offsets
 * are those of secpkg.h.
 *
 * To trace one more function, add a row to TRACED_SLOTS. If no function with its prototype is
 * traced yet, also add a row for the prototype to preload/call/shims.c.
 *
 * FAMILY(constant, name)
 * SLOT(table, member, family, role, prototype)
 *
 * table: LSA is the table that the host hands to a package, DLL the one that a client hands to it.
 * role: what the function does with memory; see trace_format.h.
 * prototype: the row of preload/call/shims.c that has its parameters and its body.
 */
#define TRACED_FAMILIES(FAMILY) \
	FAMILY(SHARED_MEMORY, "shared-memory") \
	FAMILY(LSA_HEAP, "lsa-heap") \
	FAMILY(PRIVATE_HEAP, "private-heap") \
	FAMILY(CLIENT_BUFFER, "client-buffer") \
	FAMILY(USER_HEAP, "user-heap")

#define SLOT_TABLE_LSA LSA_SECPKG_FUNCTION_TABLE
#define SLOT_TABLE_DLL SECPKG_DLL_FUNCTIONS

#define TRACED_SLOTS(SLOT) \
	SLOT(LSA, CreateSharedMemory, SHARED_MEMORY, CREATE_SECTION, CREATE_SECTION) \
	SLOT(LSA, AllocateSharedMemory, SHARED_MEMORY, ALLOCATE_IN_SECTION, ALLOCATE_IN_SECTION) \
	SLOT(LSA, FreeSharedMemory, SHARED_MEMORY, FREE_IN_SECTION, FREE_IN_SECTION) \
	SLOT(LSA, DeleteSharedMemory, SHARED_MEMORY, DELETE_SECTION, DELETE_SECTION) \
	SLOT(LSA, AllocateLsaHeap, LSA_HEAP, ALLOCATE, ALLOCATE_ULONG) \
	SLOT(LSA, FreeLsaHeap, LSA_HEAP, FREE, FREE) \
	SLOT(LSA, CallPackage, LSA_HEAP, OBTAIN, CALL_PACKAGE) \
	SLOT(LSA, CallPackageEx, LSA_HEAP, OBTAIN, CALL_PACKAGE_EX) \
	SLOT(LSA, CallPackagePassthrough, LSA_HEAP, OBTAIN, CALL_PACKAGE_EX) \
	SLOT(LSA, GetUserAuthData, LSA_HEAP, OBTAIN, GET_USER_AUTH_DATA) \
	SLOT(LSA, GetAuthDataForUser, LSA_HEAP, OBTAIN, GET_AUTH_DATA_FOR_USER) \
	SLOT(LSA, GetCredentials, LSA_HEAP, OBTAIN, GET_CREDENTIALS) \
	SLOT(LSA, FreeReturnBuffer, LSA_HEAP, FREE, FREE) \
	SLOT(LSA, AllocatePrivateHeap, PRIVATE_HEAP, ALLOCATE, ALLOCATE_SIZE_T) \
	SLOT(LSA, FreePrivateHeap, PRIVATE_HEAP, FREE, FREE) \
	SLOT(LSA, AllocateClientBuffer, CLIENT_BUFFER, ALLOCATE_FOR_CLIENT, ALLOCATE_FOR_CLIENT) \
	SLOT(LSA, FreeClientBuffer, CLIENT_BUFFER, FREE_FOR_CLIENT, FREE_FOR_CLIENT) \
	SLOT(DLL, AllocateHeap, USER_HEAP, ALLOCATE, ALLOCATE_ULONG) \
	SLOT(DLL, FreeHeap, USER_HEAP, FREE, FREE)

/*
 * The slots that get a wrapper (preload/package/wrappers.c): functions of a package by which it is
 * given a table, told its name or unloaded, and those that hand memory over when they return. All
 * others stay as they are. To wrap one more, add a row here and one to wrappers.c.
 *
 * PLAIN(member)
 * TRANSFER(member, documented name): what it returns belongs to the LSA or a client from then on
 */
#define WRAPPED_LSA_SLOTS(PLAIN, TRANSFER) /* of a package's SECPKG_FUNCTION_TABLE */ \
	PLAIN(Initialize) \
	PLAIN(GetInfo) \
	TRANSFER(InitializePackage, "LsaApInitializePackage") \
	TRANSFER(LogonUser, "LsaApLogonUser") \
	TRANSFER(LogonUserEx, "LsaApLogonUserEx") \
	TRANSFER(LogonUserEx2, "LsaApLogonUserEx2") \
	TRANSFER(CallPackage, "LsaApCallPackage") \
	TRANSFER(CallPackageUntrusted, "LsaApCallPackageUntrusted") \
	TRANSFER(CallPackagePassthrough, "LsaApCallPackagePassthrough") \
	TRANSFER(InitLsaModeContext, "SpInitLsaModeContext") \
	TRANSFER(AcceptLsaModeContext, "SpAcceptLsaModeContext") \
	TRANSFER(GetUserInfo, "SpGetUserInfo")
#define WRAPPED_USER_SLOTS(PLAIN) /* of a package's SECPKG_USER_FUNCTION_TABLE */ \
	PLAIN(InstanceInit)
#define WRAPPED_HOST_SLOTS(PLAIN) /* of the host's LSA_SECPKG_FUNCTION_TABLE */ PLAIN(UnloadPackage)

#define WRAPPED_SLOTS(ROW) \
	WRAPPED_LSA_SLOTS(ROW, ROW) WRAPPED_USER_SLOTS(ROW) WRAPPED_HOST_SLOTS(ROW)

#define NO_TRANSFER(name)
#define TRACED_TRANSFERS(TRANSFER) WRAPPED_LSA_SLOTS(NO_TRANSFER, TRANSFER)

#define FAMILY_ENUM(name, text) FAMILY_##name,
enum family { FAMILY_NONE, TRACED_FAMILIES(FAMILY_ENUM) FAMILY_COUNT };

#define SLOT_ENUM(table, name, family, role, prototype) SLOT_##name,
enum slot { TRACED_SLOTS(SLOT_ENUM) SLOT_COUNT };

#define WRAPPED_ENUM(name, ...) WRAPPED_##name,
enum wrapped { WRAPPED_SLOTS(WRAPPED_ENUM) WRAPPED_COUNT };

/* Functions in the trace have one numbering: the slots, then the transfers. */
#define TRANSFER_ENUM(name, text) TRANSFER_##name,
enum transfer_function {
	TRANSFER_BEFORE = SLOT_COUNT - 1,
	TRACED_TRANSFERS(TRANSFER_ENUM) TRANSFER_END
};

#endif
