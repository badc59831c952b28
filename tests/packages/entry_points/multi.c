/* SPDX-License-Identifier: MIT */
/*
 * One library with three packages. Each leaks a block, and the sizes differ.
 *
 * The tables are those of version 2, and the readable memory ends with them. Code that takes a
 * table to be longer, or the distance between two tables to be different, crashes. The tables are
 * read-only.
 */
#include <sys/mman.h>

#include "tests/packages/package.h"

enum { PACKAGES = 3, SLOTS = 28, PAGE = 4096 };

/* A package that leaks a block of `bytes` bytes. Each package keeps the table of functions that
 * it got. */
#define MEMBER(number, bytes) \
	static PLSA_SECPKG_FUNCTION_TABLE lsa_##number; \
\
	static NTSTATUS initialize_##number(ULONG_PTR PackageId, PSECPKG_PARAMETERS Parameters, \
					    PLSA_SECPKG_FUNCTION_TABLE FunctionTable) \
	{ \
		(void)PackageId; \
		(void)Parameters; \
		lsa_##number = FunctionTable; \
		return STATUS_SUCCESS; \
	} \
\
	static NTSTATUS get_info_##number(PSecPkgInfoW PackageInfo) \
	{ \
		package_describe(PackageInfo, u"multi-" #number); \
		return STATUS_SUCCESS; \
	} \
\
	/* A defect. */ \
	static NOINLINE void leak_of_##number(void) \
	{ \
		lsa_##number->AllocateLsaHeap(bytes); \
	} \
\
	static NTSTATUS call_##number(PLSA_CLIENT_REQUEST ClientRequest, \
				      PVOID ProtocolSubmitBuffer, PVOID ClientBufferBase, \
				      ULONG SubmitBufferLength, PVOID *ProtocolReturnBuffer, \
				      PULONG ReturnBufferLength, PNTSTATUS ProtocolStatus) \
	{ \
		(void)ClientRequest; \
		(void)ProtocolSubmitBuffer; \
		(void)ClientBufferBase; \
		(void)SubmitBufferLength; \
		leak_of_##number(); \
		*ProtocolReturnBuffer = NULL; \
		*ReturnBufferLength = 0; \
		*ProtocolStatus = STATUS_SUCCESS; \
		return STATUS_SUCCESS; \
	}

MEMBER(first, 100)
MEMBER(second, 200)
MEMBER(third, 300)

#define TABLE(number) \
	{ \
		.CallPackage = call_##number, .Initialize = initialize_##number, \
		.Shutdown = package_shutdown, .GetInfo = get_info_##number, \
	}

static const SECPKG_FUNCTION_TABLE tables[PACKAGES] = {
	TABLE(first),
	TABLE(second),
	TABLE(third),
};

static PSECPKG_FUNCTION_TABLE make_array(void)
{
	size_t table_size = SLOTS * sizeof(void *);
	char *pages =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *array = pages + PAGE - PACKAGES * table_size;

	if (pages == MAP_FAILED)
		return NULL;
	for (size_t i = 0; i < PACKAGES; i++)
		memcpy(array + i * table_size, &tables[i], table_size);
	mprotect(pages, PAGE, PROT_READ);
	mprotect(pages + PAGE, PAGE, PROT_NONE);
	return (PSECPKG_FUNCTION_TABLE)(void *)array;
}

PACKAGE_EXPORT(SECPKG_INTERFACE_VERSION_2, make_array(), PACKAGES)
