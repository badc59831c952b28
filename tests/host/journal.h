/* SPDX-License-Identifier: MIT */
#ifndef HOST_JOURNAL_H
#define HOST_JOURNAL_H

/*
 * The host's own count of the calls that reached its functions. Tests compare a trace with it.
 *
 * The counters are in a file that is mapped shared, so they are right at any moment, even when the
 * process is killed. Each thread of each process has its own counters, which never decrease. For
 * one function, begun - returned is 1 while the host is in it, otherwise 0.
 */

#include <stdint.h>

#define JOURNAL_FUNCTIONS(FUNCTION) \
	FUNCTION(CreateSharedMemory) \
	FUNCTION(AllocateSharedMemory) \
	FUNCTION(FreeSharedMemory) \
	FUNCTION(DeleteSharedMemory) \
	FUNCTION(AllocateLsaHeap) \
	FUNCTION(FreeLsaHeap) \
	FUNCTION(CallPackage) \
	FUNCTION(CallPackageEx) \
	FUNCTION(CallPackagePassthrough) \
	FUNCTION(FreeReturnBuffer) \
	FUNCTION(GetUserAuthData) \
	FUNCTION(GetAuthDataForUser) \
	FUNCTION(GetCredentials) \
	FUNCTION(ExpandAuthDataForDomain) \
	FUNCTION(ConvertAuthDataToToken) \
	FUNCTION(CrackSingleName) \
	FUNCTION(GetUserCredentials) \
	FUNCTION(ClientCallback) \
	FUNCTION(AllocatePrivateHeap) \
	FUNCTION(FreePrivateHeap) \
	FUNCTION(AllocateClientBuffer) \
	FUNCTION(FreeClientBuffer)

#define JOURNAL_ENUMERATOR(name) JOURNAL_##name,
enum journal_function { JOURNAL_FUNCTIONS(JOURNAL_ENUMERATOR) JOURNAL_FUNCTION_COUNT };
#undef JOURNAL_ENUMERATOR

enum { JOURNAL_THREADS = 1024 };

struct journal_thread {
	uint32_t pid; /* 0: this place is not used */
	uint32_t tid;
	uint64_t begun[JOURNAL_FUNCTION_COUNT];
	uint64_t returned[JOURNAL_FUNCTION_COUNT];
};

/* The whole file. */
struct journal_file {
	uint64_t thread_count; /* places that are used, by all processes */
	struct journal_thread threads[JOURNAL_THREADS];
};

/*
 * Opens the journal of this process and of the processes that it forks: a file, which is replaced,
 * or private memory if `path` is NULL. Returns 0, or -1 with errno set.
 */
int journal_open(const char *path);

void journal_begin(enum journal_function function);
void journal_end(enum journal_function function);

#endif
