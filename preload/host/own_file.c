/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload/base/compiler.h"
#include "preload/base/kernel.h"
#include "preload/host/own_file.h"

#include "preload/base/poison.h"

enum { COPIES_FROM = 4096 };

bool own_file_may_have(uint64_t bytes)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= bytes;
}

int own_file_make(uint64_t bytes)
{
	int fd = own_file_may_have(bytes)
			 ? memfd_create("lsatrace-section", MFD_CLOEXEC | MFD_ALLOW_SEALING)
			 : -1;

	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)bytes) == 0 &&
	    kernel_fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return fd;
	kernel_close(fd);
	return -1;
}

/* Tries the number from which there was room last time: to ask for the limit is one more call. */
int own_file_copy_high(int fd)
{
	static int from = COPIES_FROM;
	int copy = kernel_fcntl(fd, F_DUPFD_CLOEXEC, peek(from));
	struct rlimit limit;

	if (copy >= 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return copy;
	poke(from, limit.rlim_cur / 2 < COPIES_FROM ? (int)limit.rlim_cur / 2 : COPIES_FROM);
	return kernel_fcntl(fd, F_DUPFD_CLOEXEC, peek(from));
}

bool own_file_is(int fd, dev_t device, ino_t inode)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}
