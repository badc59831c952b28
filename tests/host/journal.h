/* SPDX-License-Identifier: MIT */
#ifndef HOST_JOURNAL_H
#define HOST_JOURNAL_H

/*
 * The host's own count of the calls that reached its functions: what a trace is compared with.
 *
 * The counters lie in a file mapped shared, which is current at every instant, also when the
 * process is killed. Each thread of each process counts in a slot of its own; nothing is ever
 * subtracted. For one function, begun - returned is 1 while the host is inside it, else 0.
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
	FUNCTION(AllocatePrivateHeap) \
	FUNCTION(FreePrivateHeap) \
	FUNCTION(AllocateClientBuffer) \
	FUNCTION(FreeClientBuffer)

#define JOURNAL_ENUMERATOR(name) JOURNAL_##name,
enum journal_function { JOURNAL_FUNCTIONS(JOURNAL_ENUMERATOR) JOURNAL_FUNCTION_COUNT };
#undef JOURNAL_ENUMERATOR

enum { JOURNAL_THREADS = 1024 };

struct journal_thread {
	uint32_t pid; /* 0: slot not taken */
	uint32_t tid;
	uint64_t begun[JOURNAL_FUNCTION_COUNT];
	uint64_t returned[JOURNAL_FUNCTION_COUNT];
};

/* The whole file. */
struct journal_file {
	uint64_t thread_count; /* slots taken, by all processes */
	struct journal_thread threads[JOURNAL_THREADS];
};

/*
 * Opens the journal of this process and of those that it forks: the file of that name, which is
 * replaced, or memory that nobody else sees when path is NULL. Returns 0, or -1 with errno set.
 */
int journal_open(const char *path);

void journal_begin(enum journal_function function);
void journal_end(enum journal_function function);

#endif
