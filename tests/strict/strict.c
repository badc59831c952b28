/* SPDX-License-Identifier: MIT */
/*
 * A host that must not be harmed: it ends by abort() if, within a call, its allocator or the loader is
 * asked for anything, or a cancellation point of the C library is reached. Calls are those of each
 * family of the table, those of the package's entry points, and those of lsatrace.h. It makes the first
 * call of a thread and its last one, calls from new stacks and through a module that was not seen
 * before, as many calls as let the trace grow, wrong ones, and all of that in a forked child as well.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "include/lsatrace.h"
#include "include/secpkg.h"

#define NOINLINE __attribute__((noinline))

enum { BLOCKS = 64, ROUNDS = 50000, WAYS = 512, WAYS_DEPTH = 9 };

/* Set while a function of the table is called, but not while the host's own runs. */
static __thread volatile bool in_call;

static void forbid(const char *name)
{
	static const char text[] = " within a call\n";

	if (!in_call)
		return;
	syscall(SYS_write, STDERR_FILENO, name, strlen(name));
	syscall(SYS_write, STDERR_FILENO, text, sizeof(text) - 1);
	abort();
}

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t bytes);
void *__libc_realloc(void *block, size_t bytes);
void __libc_free(void *block);

void *malloc(size_t bytes)
{
	forbid("malloc");
	return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
	forbid("calloc");
	return __libc_calloc(count, bytes);
}

void *realloc(void *block, size_t bytes)
{
	forbid("realloc");
	return __libc_realloc(block, bytes);
}

void free(void *block)
{
	forbid("free");
	__libc_free(block);
}

static int (*real_iterate)(int (*)(struct dl_phdr_info *, size_t, void *), void *);

int dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *data)
{
	forbid("dl_iterate_phdr");
	if (!real_iterate)
		real_iterate = (__typeof__(real_iterate))dlsym(RTLD_NEXT, "dl_iterate_phdr");
	return real_iterate(visit, data);
}

int open(const char *path, int flags, ...)
{
	va_list list;
	int mode;

	forbid("open");
	va_start(list, flags);
	mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, int) : 0;
	va_end(list);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int close(int fd)
{
	forbid("close");
	return (int)syscall(SYS_close, fd);
}

ssize_t read(int fd, void *to, size_t bytes)
{
	forbid("read");
	return syscall(SYS_read, fd, to, bytes);
}

ssize_t write(int fd, const void *from, size_t bytes)
{
	forbid("write");
	return syscall(SYS_write, fd, from, bytes);
}

ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t at, int flags)
{
	forbid("pwritev2");
	return syscall(SYS_pwritev2, fd, parts, count, at, 0l, flags);
}

int fallocate(int fd, int mode, off_t at, off_t bytes)
{
	forbid("fallocate");
	return (int)syscall(SYS_fallocate, fd, mode, at, bytes);
}

int nanosleep(const struct timespec *time, struct timespec *left)
{
	forbid("nanosleep");
	return (int)syscall(SYS_nanosleep, time, left);
}

/* Of the loader, the tracer calls these at start-up. */
#define FORBID_LOADER(type, name, parameters, ...) \
	type name parameters \
	{ \
		type(*real) parameters = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
\
		forbid(#name); \
		return real(__VA_ARGS__); \
	}

FORBID_LOADER(void *, dlopen, (const char *path, int flags), path, flags)
FORBID_LOADER(void *, dlmopen, (Lmid_t space, const char *path, int flags), space, path, flags)
FORBID_LOADER(int, dlinfo, (void *handle, int what, void *to), handle, what, to)

/* The host's functions. */

static char blocks[BLOCKS][64];
static bool is_taken[BLOCKS];

static PVOID allocate(SIZE_T size)
{
	for (int i = 0; size <= sizeof(blocks[0]) && i < BLOCKS; i++)
		if (!__atomic_exchange_n(&is_taken[i], true, __ATOMIC_ACQUIRE))
			return blocks[i];
	return NULL;
}

static PVOID allocate_lsa(ULONG size)
{
	return allocate(size);
}

/* Wrong ones change nothing. */
static void give_back(PVOID block)
{
	size_t i = (size_t)((char *)block - blocks[0]) / sizeof(blocks[0]);

	if (i < BLOCKS)
		__atomic_store_n(&is_taken[i], false, __ATOMIC_RELEASE);
}

static PVOID create_section(ULONG max_size, ULONG initial_size)
{
	(void)max_size, (void)initial_size;
	return allocate(1);
}

static BOOLEAN delete_section(PVOID section)
{
	give_back(section);
	return TRUE;
}

static PVOID allocate_in_section(PVOID section, ULONG size)
{
	(void)section;
	return allocate(size);
}

static void free_in_section(PVOID section, PVOID block)
{
	(void)section;
	give_back(block);
}

static NTSTATUS allocate_for_client(PLSA_CLIENT_REQUEST client, ULONG size, PVOID *block)
{
	(void)client;
	*block = allocate(size);
	return *block ? STATUS_SUCCESS : STATUS_NO_MEMORY;
}

static NTSTATUS free_for_client(PLSA_CLIENT_REQUEST client, PVOID block)
{
	(void)client;
	give_back(block);
	return STATUS_SUCCESS;
}

static NTSTATUS call_other_package(PUNICODE_STRING package, PVOID submit, ULONG submit_bytes,
				   PVOID *answer, PULONG bytes, PNTSTATUS status)
{
	(void)package, (void)submit, (void)submit_bytes;
	*answer = allocate(16);
	*bytes = 16;
	*status = STATUS_SUCCESS;
	return STATUS_SUCCESS;
}

static LSA_SECPKG_FUNCTION_TABLE host_table = {
	.CreateSharedMemory = create_section,
	.AllocateSharedMemory = allocate_in_section,
	.FreeSharedMemory = free_in_section,
	.DeleteSharedMemory = delete_section,
	.AllocateLsaHeap = allocate_lsa,
	.FreeLsaHeap = give_back,
	.AllocatePrivateHeap = allocate,
	.FreePrivateHeap = give_back,
	.AllocateClientBuffer = allocate_for_client,
	.FreeClientBuffer = free_for_client,
	.CallPackage = call_other_package,
	.FreeReturnBuffer = give_back,
};

/* The package's side. */

static PLSA_SECPKG_FUNCTION_TABLE lsa;

static NTSTATUS initialize(ULONG_PTR id, PSECPKG_PARAMETERS parameters,
			   PLSA_SECPKG_FUNCTION_TABLE table)
{
	(void)id, (void)parameters;
	lsa = table;
	return STATUS_SUCCESS;
}

static NTSTATUS get_info(PSecPkgInfoW info)
{
	static WCHAR name[] = u"strict";

	info->Name = name;
	return STATUS_SUCCESS;
}

/* Its answer is the client's from then on. */
static NTSTATUS call_package(PLSA_CLIENT_REQUEST client, PVOID submit, PVOID client_base,
			     ULONG submit_bytes, PVOID *answer, PULONG bytes, PNTSTATUS status)
{
	(void)submit, (void)client_base, (void)submit_bytes;
	*bytes = 8;
	*status = lsa->AllocateClientBuffer(client, *bytes, answer);
	return *status;
}

static SECPKG_FUNCTION_TABLE package = { .Initialize = initialize,
					 .GetInfo = get_info,
					 .CallPackage = call_package };

NTSTATUS SpLsaModeInitialize(ULONG version, PULONG package_version, PSECPKG_FUNCTION_TABLE *tables,
			     PULONG count)
{
	(void)version;
	*package_version = SECPKG_INTERFACE_VERSION_8;
	*tables = &package;
	*count = 1;
	return STATUS_SUCCESS;
}

static void need(bool condition)
{
	if (!condition)
		abort();
}

static NOINLINE PVOID take(SIZE_T size)
{
	PVOID block;

	in_call = true;
	block = lsa->AllocatePrivateHeap(size);
	in_call = false;
	return block;
}

static NOINLINE void drop(PVOID block)
{
	in_call = true;
	lsa->FreePrivateHeap(block);
	in_call = false;
}

static PSECPKG_FUNCTION_TABLE wrapped;

/* Each function of the table, and an entry point that returns memory. */
static void call_each_family(void)
{
	PVOID section, block, client = NULL;
	NTSTATUS status;
	ULONG bytes;

	in_call = true;
	section = lsa->CreateSharedMemory(4096, 64);
	block = lsa->AllocateSharedMemory(section, 8);
	lsa->FreeSharedMemory(section, block);
	need(lsa->DeleteSharedMemory(section));
	lsa->FreeLsaHeap(lsa->AllocateLsaHeap(8));
	lsa->AllocateClientBuffer(&client, 8, &block);
	lsa->FreeClientBuffer(&client, block);
	lsa->CallPackage(NULL, NULL, 0, &block, &bytes, &status);
	lsa->FreeReturnBuffer(block);
	need(wrapped->CallPackage(&client, NULL, NULL, 0, &block, &bytes, &status) == STATUS_SUCCESS);
	give_back(block);
	in_call = false;
}

/* Each from another place, and so another finding; NULL is none of the C library's. */
static void call_wrongly(void)
{
	PVOID section, other, block;

	in_call = true;
	section = lsa->CreateSharedMemory(4096, 64);
	other = lsa->CreateSharedMemory(4096, 64);
	block = lsa->AllocateSharedMemory(section, 8);
	lsa->FreeSharedMemory(other, block);
	lsa->FreeSharedMemory(section, block);
	lsa->DeleteSharedMemory(section);
	lsa->FreeSharedMemory(section, block);
	lsa->DeleteSharedMemory(other);
	lsa->DeleteSharedMemory(other);
	block = lsa->AllocateLsaHeap(8);
	lsa->FreeLsaHeap(block);
	lsa->FreeLsaHeap(block);
	lsa->FreeLsaHeap((char *)&host_table + 16);
	lsa->FreePrivateHeap(NULL);
	in_call = false;
}

static void mark_and_count(void)
{
	in_call = true;
	lsatrace_checkpoint("here");
	lsatrace_leaks_since("here");
	lsatrace_ignore(&host_table);
	in_call = false;
}

static NOINLINE void turn(unsigned int way, int depth)
{
	if (depth == 0)
		drop(take(8));
	else if (way % 2)
		turn(way / 2, depth - 1);
	else
		turn(way / 2, depth - 1);
	__asm__ volatile("");
}

/* The C library calls it. */
static int compare(const void *key, const void *element)
{
	drop(take(8));
	return *(const char *)key - *(const char *)element;
}

static pthread_key_t thread_end;

/* Of the tracer, the thread's end is a destructor like this one, made earlier. So what runs between the
 * first time and the second is its. */
static void end_thread(void *turn)
{
	static char second;

	if (turn != &second) {
		drop(take(8));
		pthread_setspecific(thread_end, &second);
	}
	in_call = turn != &second;
}

static void *work(void *unused)
{
	char key = 'a', array[] = "a";

	pthread_setspecific(thread_end, &key);
	drop(take(8));
	call_each_family();
	call_wrongly();
	mark_and_count();
	for (unsigned int way = 0; way < WAYS; way++)
		turn(way, WAYS_DEPTH);
	bsearch(&key, array, 1, 1, compare);
	for (int i = 0; i < ROUNDS; i++)
		drop(take(8));
	return unused;
}

static void work_in_thread(void)
{
	pthread_t thread;

	need(pthread_create(&thread, NULL, work, NULL) == 0);
	pthread_join(thread, NULL);
}

/* The tables come while a call is forbidden everything as well. What lsatrace.h looks up by the loader is
 * looked up before. */
static void start(void)
{
	SpLsaModeInitializeFn entry =
		(SpLsaModeInitializeFn)dlsym(RTLD_DEFAULT, "SpLsaModeInitialize");
	static LSA_SECPKG_FUNCTION_TABLE empty, another;
	SECPKG_PARAMETERS parameters = { .Version = 1 };
	SecPkgInfoW info = { 0 };
	ULONG version, count;

	lsatrace_hook_table(&empty);
	lsatrace_checkpoint("start");
	lsatrace_leaks_since("start");
	lsatrace_ignore(NULL);
	another = host_table;
	in_call = true;
	need(entry(1, &version, &wrapped, &count) == STATUS_SUCCESS);
	need(wrapped->Initialize(1, &parameters, &host_table) == STATUS_SUCCESS);
	need(wrapped->GetInfo(&info) == STATUS_SUCCESS);
	lsatrace_hook_table(&another);
	another.FreePrivateHeap(another.AllocatePrivateHeap(8));
	in_call = false;
}

int main(void)
{
	int status = 0;
	pid_t child;

	need(pthread_key_create(&thread_end, end_thread) == 0);
	start();
	work_in_thread();
	work(NULL);
	child = fork();
	if (child == 0) {
		work(NULL);
		work_in_thread();
		_exit(7);
	}
	need(child > 0 && waitpid(child, &status, 0) == child);
	take(31);
	printf("the child ended with status %x\n", (unsigned int)status);
	return 0;
}
