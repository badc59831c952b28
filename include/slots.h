/* SPDX-License-Identifier: MIT */
#ifndef LSATRACE_SLOTS_H
#define LSATRACE_SLOTS_H

#include "ownership.h"

/*
 * What is traced, as tables: the families, and one row for each slot of a function table that gets
 * a shim. ownership.h has the rows of what gets a wrapper. Shims, wrappers, the definitions in the
 * trace, `--families` and the viewer's output all follow from these rows. Prototypes and offsets
 * are those of secpkg.h.
 *
 * To trace one more function, add a row to TRACED_SLOTS. If no function with its prototype is
 * traced yet, also add a row for the prototype to preload/call/shims.c.
 *
 * FAMILY(constant, name)
 * SLOT(table, member, family, role, prototype)
 *
 * table: LSA is the table that the host hands to a package, NEWEST that of the newest SDKs, which goes on
 * behind its end; DLL is the one that a client hands to it.
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
#define SLOT_TABLE_NEWEST LSA_SECPKG_NEWEST_TABLE
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
	SLOT(LSA, ExpandAuthDataForDomain, LSA_HEAP, OBTAIN, EXPAND_AUTH_DATA) \
	SLOT(LSA, ConvertAuthDataToToken, LSA_HEAP, OBTAIN, CONVERT_AUTH_DATA) \
	SLOT(LSA, CrackSingleName, LSA_HEAP, OBTAIN, CRACK_SINGLE_NAME) \
	SLOT(LSA, GetUserCredentials, LSA_HEAP, OBTAIN, GET_USER_CREDENTIALS) \
	SLOT(LSA, ClientCallback, LSA_HEAP, OBTAIN, CLIENT_CALLBACK) \
	SLOT(LSA, MapBuffer, LSA_HEAP, OBTAIN, MAP_BUFFER) \
	SLOT(LSA, CrediRead, LSA_HEAP, OBTAIN, CREDI_READ) \
	SLOT(LSA, CrediReadDomainCredentials, LSA_HEAP, OBTAIN, CREDI_READ_DOMAIN) \
	SLOT(NEWEST, CrediUnmarshalandDecodeString, LSA_HEAP, OBTAIN, CREDI_DECODE) \
	SLOT(NEWEST, GetServiceAccountPassword, LSA_HEAP, OBTAIN, GET_PASSWORD) \
	SLOT(NEWEST, QueryClientRequest, LSA_HEAP, OBTAIN, QUERY_CLIENT_REQUEST) \
	SLOT(NEWEST, GetAppModeInfo, LSA_HEAP, OBTAIN, GET_APP_MODE_INFO) \
	SLOT(LSA, FreeReturnBuffer, LSA_HEAP, FREE, FREE) \
	SLOT(LSA, AllocatePrivateHeap, PRIVATE_HEAP, ALLOCATE, ALLOCATE_SIZE_T) \
	SLOT(LSA, FreePrivateHeap, PRIVATE_HEAP, FREE, FREE) \
	SLOT(LSA, AllocateClientBuffer, CLIENT_BUFFER, ALLOCATE_FOR_CLIENT, ALLOCATE_FOR_CLIENT) \
	SLOT(LSA, FreeClientBuffer, CLIENT_BUFFER, FREE_FOR_CLIENT, FREE_FOR_CLIENT) \
	SLOT(DLL, AllocateHeap, USER_HEAP, ALLOCATE, ALLOCATE_ULONG) \
	SLOT(DLL, FreeHeap, USER_HEAP, FREE, FREE)

/* The slots that get a wrapper, and what they return, are the rows of ownership.h. */
#define WRAPPED_SLOTS(ROW) \
	WRAPPED_LSA_SLOTS(ROW, ROW) WRAPPED_USER_SLOTS(ROW, ROW) WRAPPED_HOST_SLOTS(ROW)

/* These are given a table as well. */
#define NO_TRANSFER(name, member)
#define TRACED_TRANSFERS(TRANSFER) \
	TRANSFER(InitializePackage, InitializePackage, "LsaApInitializePackage", NULL, NULL, 0, 0) \
	TRANSFER(Initialize, Initialize, "SpInitialize", NULL, NULL, 0, 0) \
	TRANSFER(InstanceInit, InstanceInit, "SpInstanceInit", NULL, NULL, 0, 0) \
	WRAPPED_LSA_SLOTS(NO_TRANSFER, TRANSFER) WRAPPED_USER_SLOTS(NO_TRANSFER, TRANSFER)

/* The assembler reads the rows only. */
#ifndef __ASSEMBLER__

#define FAMILY_ENUM(name, text) FAMILY_##name,
enum family { FAMILY_NONE, TRACED_FAMILIES(FAMILY_ENUM) FAMILY_COUNT };

#define SLOT_ENUM(table, name, family, role, prototype) SLOT_##name,
enum slot { TRACED_SLOTS(SLOT_ENUM) SLOT_COUNT };

#define WRAPPED_ENUM(name, ...) WRAPPED_##name,
enum wrapped { WRAPPED_SLOTS(WRAPPED_ENUM) WRAPPED_COUNT };

/* Functions in the trace have one numbering: the slots, then the transfers, then the slots of failures.h
 * that are not traced. */
#define TRANSFER_ENUM(name, ...) TRANSFER_##name,
enum transfer_function {
	TRANSFER_BEFORE = SLOT_COUNT - 1,
	TRACED_TRANSFERS(TRANSFER_ENUM) TRANSFER_END
};

#endif

#endif
