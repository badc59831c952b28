/* SPDX-License-Identifier: MIT */
#ifndef LSATRACE_SLOTS_H
#define LSATRACE_SLOTS_H
/*
 * What is traced: the families, and one row for each hooked slot of a function table.
 * To add a function, add a row; to add a family, add it and its rows. Shims, definitions in the trace,
 * `--families` and the viewer's output all follow from here. Prototypes and offsets are those of
 * secpkg.h.
 *
 * FAMILY(constant, name)
 * SLOT(table, member of the table, family, role, shim)
 *
 * The table is one of those whose types are named below: the LSA's, or a client's.
 * The role (trace_format.h) says what the function does; the shim, which function of preload/call/shims.c
 * stands for it: roles with one prototype each have one shim of the same name.
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
	SLOT(LSA, AllocateLsaHeap, LSA_HEAP, ALLOCATE, ALLOCATE) \
	SLOT(LSA, FreeLsaHeap, LSA_HEAP, FREE, FREE) \
	SLOT(LSA, CallPackage, LSA_HEAP, OBTAIN, CALL_PACKAGE) \
	SLOT(LSA, CallPackageEx, LSA_HEAP, OBTAIN, CALL_PACKAGE_EX) \
	SLOT(LSA, CallPackagePassthrough, LSA_HEAP, OBTAIN, CALL_PACKAGE_EX) \
	SLOT(LSA, GetUserAuthData, LSA_HEAP, OBTAIN, GET_USER_AUTH_DATA) \
	SLOT(LSA, GetAuthDataForUser, LSA_HEAP, OBTAIN, GET_AUTH_DATA_FOR_USER) \
	SLOT(LSA, GetCredentials, LSA_HEAP, OBTAIN, GET_CREDENTIALS) \
	SLOT(LSA, FreeReturnBuffer, LSA_HEAP, FREE, FREE) \
	SLOT(LSA, AllocatePrivateHeap, PRIVATE_HEAP, ALLOCATE, ALLOCATE) \
	SLOT(LSA, FreePrivateHeap, PRIVATE_HEAP, FREE, FREE) \
	SLOT(LSA, AllocateClientBuffer, CLIENT_BUFFER, ALLOCATE_FOR_CLIENT, ALLOCATE_FOR_CLIENT) \
	SLOT(LSA, FreeClientBuffer, CLIENT_BUFFER, FREE_FOR_CLIENT, FREE_FOR_CLIENT) \
	SLOT(DLL, AllocateHeap, USER_HEAP, ALLOCATE, ALLOCATE) \
	SLOT(DLL, FreeHeap, USER_HEAP, FREE, FREE)

/*
 * What changes hands: one row for each entry point of a package whose return hands memory over.
 *
 * TRANSFER(member of SECPKG_FUNCTION_TABLE, documented name)
 */
#define TRACED_TRANSFERS(TRANSFER) \
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

#define FAMILY_ENUM(name, text) FAMILY_##name,
enum family { FAMILY_NONE, TRACED_FAMILIES(FAMILY_ENUM) FAMILY_COUNT };

#define SLOT_ENUM(table, name, family, role, shim) SLOT_##name,
enum slot { TRACED_SLOTS(SLOT_ENUM) SLOT_COUNT };

/* Functions of the trace as slots are, numbered behind them. */
#define TRANSFER_ENUM(name, text) TRANSFER_##name,
enum transfer_function {
	TRANSFER_BEFORE = SLOT_COUNT - 1,
	TRACED_TRANSFERS(TRANSFER_ENUM) TRANSFER_END
};

#endif
