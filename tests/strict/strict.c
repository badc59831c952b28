/* SPDX-License-Identifier: MIT */
/*
 * A host that must not be harmed: it ends by abort() if, within a call of the table, its allocator or
 * the loader is asked for anything, or a cancellation point of the C library is reached. It makes the
 * first call of a thread, calls from new stacks and through a module that was not seen before, as
 * many calls as let the trace grow, a wrong one, and all of that in a forked child as well.
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

static void give_back(PVOID block)
{
	__atomic_store_n(&is_taken[((char *)block - blocks[0]) / sizeof(blocks[0])], false,
			 __ATOMIC_RELEASE);
}

static LSA_SECPKG_FUNCTION_TABLE table = { .AllocatePrivateHeap = allocate,
					   .FreePrivateHeap = give_back };

/* The package's side. */

static NOINLINE PVOID take(SIZE_T size)
{
	PVOID block;

	in_call = true;
	block = table.AllocatePrivateHeap(size);
	in_call = false;
	return block;
}

static NOINLINE void drop(PVOID block)
{
	in_call = true;
	table.FreePrivateHeap(block);
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

static void *work(void *unused)
{
	char key = 'a', array[] = "a";

	drop(take(8));
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

	if (pthread_create(&thread, NULL, work, NULL) != 0)
		abort();
	pthread_join(thread, NULL);
}

int main(void)
{
	int status;
	pid_t child;

	lsatrace_hook_table(&table);
	work_in_thread();
	work(NULL);
	child = fork();
	if (child == 0) {
		work(NULL);
		work_in_thread();
		_exit(7);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		abort();
	take(31);
	printf("the child ended with status %x\n", (unsigned int)status);
	return 0;
}
