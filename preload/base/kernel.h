/* SPDX-License-Identifier: MIT */
/*
 * System calls that the tracer makes without the C library's functions of the same names. Those
 * are cancellation points: a thread that somebody has asked to end by pthread_cancel() would end
 * there, inside the tracer. A host may also define functions of those names itself. poison.h
 * forbids the C library's.
 *
 * Arguments, results and errno are those of the C library's functions, where nothing else is said.
 * Any thread; async-signal-safe.
 */
#ifndef LSATRACE_PRELOAD_BASE_KERNEL_H
#define LSATRACE_PRELOAD_BASE_KERNEL_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

/* Any system call, as syscall() makes it: six arguments at most, each of 64 bits. That one is not called:
 * the library exports it. But once the C library's own is known, the call is made there: a process may have
 * it that system calls from elsewhere become signals (Syscall User Dispatch), as Wine does while a thread runs
 * code of Windows. */
long kernel_call(long number, ...);

/* At start-up: this is the C library's syscall(). */
void kernel_call_by(long (*of_c_library)(long number, ...));

static inline int kernel_open(const char *path, int flags, mode_t mode)
{
	return (int)kernel_call(SYS_openat, AT_FDCWD, path, flags, mode);
}

static inline int kernel_close(int fd)
{
	return (int)kernel_call(SYS_close, fd);
}

static inline ssize_t kernel_read(int fd, void *to, size_t bytes)
{
	return kernel_call(SYS_read, fd, to, bytes);
}

/* Reads the beginning of a file, at most `bytes` bytes. Returns how many; 0 if it cannot be read. */
static inline size_t kernel_read_file(const char *path, char *to, size_t bytes)
{
	int fd = kernel_open(path, O_RDONLY | O_CLOEXEC, 0);
	ssize_t got = fd < 0 ? -1 : kernel_read(fd, to, bytes);

	if (fd >= 0)
		kernel_close(fd);
	return got > 0 ? (size_t)got : 0;
}

static inline ssize_t kernel_pread(int fd, void *to, size_t bytes, off_t at)
{
	return kernel_call(SYS_pread64, fd, to, bytes, at);
}

static inline ssize_t kernel_pwrite(int fd, const void *from, size_t bytes, off_t at)
{
	return kernel_call(SYS_pwrite64, fd, from, bytes, at);
}

static inline ssize_t kernel_write(int fd, const void *from, size_t bytes)
{
	return kernel_call(SYS_write, fd, from, bytes);
}

static inline ssize_t kernel_writev(int fd, const struct iovec *parts, int count)
{
	return kernel_call(SYS_writev, fd, parts, count);
}

/* At the end of the file, wherever that is. */
static inline ssize_t kernel_append(int fd, const struct iovec *parts, int count)
{
	return kernel_call(SYS_pwritev2, fd, parts, count, 0l, 0l, RWF_APPEND);
}

static inline int kernel_fallocate(int fd, int mode, off_t at, off_t bytes)
{
	return (int)kernel_call(SYS_fallocate, fd, mode, at, bytes);
}

/* For commands whose argument is a number. */
static inline int kernel_fcntl(int fd, int command, int argument)
{
	return (int)kernel_call(SYS_fcntl, fd, command, (long)argument);
}

/* May the aligned 8 bytes that hold an address be read? Without a descriptor: the kernel reads the set
 * of signals before it looks at the first argument, which is none that it knows; NULL is no set. Changes
 * errno. */
static inline bool kernel_can_read(uint64_t address)
{
	return address >= sizeof(uint64_t) &&
	       (kernel_call(SYS_rt_sigprocmask, ~0, address & ~7ull, NULL, sizeof(uint64_t)) == 0 ||
		errno != EFAULT);
}

#define MASK_OF(signal) (1ull << ((signal)-1))
#define MASK_ALL (~0ull)
/* Signals that threads and processes send. Those that an instruction raises are not among them:
 * where one of these is blocked and raised, the kernel ends the process. */
#define MASK_SENT \
	(~(MASK_OF(SIGSEGV) | MASK_OF(SIGBUS) | MASK_OF(SIGILL) | MASK_OF(SIGFPE) | \
	   MASK_OF(SIGTRAP) | MASK_OF(SIGSYS)))

/* Blocks more signals, also those that glibc reserves for itself and hides from its own functions.
 * Returns the set that was blocked before. For the calling thread. */
static inline uint64_t kernel_block_signals(uint64_t signals)
{
	uint64_t before = 0;

	kernel_call(SYS_rt_sigprocmask, SIG_BLOCK, &signals, &before, sizeof(signals));
	return before;
}

static inline void kernel_restore_signals(uint64_t before)
{
	kernel_call(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
}

#endif
