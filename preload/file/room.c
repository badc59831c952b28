/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "include/trace_format.h"
#include "preload/base/kernel.h"
#include "preload/file/room.h"
#include "preload/host/own_file.h"

#include "preload/base/poison.h"

enum {
	GROW_CHUNKS = 64, /* the file grows by 1 MiB: one system call for 16,000 calls */
	FIRST_CHUNKS = 16,
	FIXED_CHUNKS = 4096, /* of a file that nobody bounded and that cannot grow */
	ZEROS_BYTES = 65536,
};

static struct {
	int fd;
	const char *path;
	dev_t device; /* with the inode, tells whether a descriptor leads to the trace */
	ino_t inode;
	uint32_t mapped;
	uint32_t most;    /* room_most() */
	uint32_t grown;   /* chunks in the file */
	uint32_t growing; /* 1: a thread is making more, ahead of need */
} room;

static bool is_trace(int fd)
{
	return own_file_is(fd, room.device, room.inode);
}

/* Allocates chunks on disk. Those that have room already keep what is in them. Returns an errno
 * value. */
static int allocate(int fd, uint32_t from, uint32_t to, int mode)
{
	uint64_t end = (uint64_t)to * TRACE_CHUNK_BYTES, begin = (uint64_t)from * TRACE_CHUNK_BYTES;

	if (!own_file_may_have(end))
		return EFBIG;
	return kernel_fallocate(fd, mode, (off_t)begin, (off_t)(end - begin)) == 0 ? 0 : errno;
}

/*
 * Pages that the kernel writes all at once cost a seventh of pages that are touched one by one, or
 * by MADV_POPULATE_WRITE. They are appended, so that they never overwrite what another thread has
 * appended meanwhile, and perhaps used.
 */
static void append_zeros(int fd, uint32_t chunks)
{
	static char zeros[ZEROS_BYTES];
	struct iovec part[GROW_CHUNKS * TRACE_CHUNK_BYTES / ZEROS_BYTES];
	size_t bytes = (size_t)chunks * TRACE_CHUNK_BYTES, count = 0;

	for (; bytes > 0; bytes -= part[count++].iov_len)
		part[count] = (struct iovec){ zeros, bytes < ZEROS_BYTES ? bytes : ZEROS_BYTES };
	/* The result does not matter: the length of the file tells what came of it. */
	if (kernel_append(fd, part, (int)count) < 0)
		return;
}

/* The length of the file in chunks. Two threads may both have appended to it: what is too much is
 * cut off. */
static uint32_t measure(int fd)
{
	uint64_t mapped_bytes = (uint64_t)room.mapped * TRACE_CHUNK_BYTES;
	struct stat st;

	if (fstat(fd, &st) != 0 ||
	    ((uint64_t)st.st_size > mapped_bytes && ftruncate(fd, (off_t)mapped_bytes) != 0))
		return 0;
	return (uint32_t)((uint64_t)st.st_size / TRACE_CHUNK_BYTES);
}

/* Makes the file longer by `chunks`, or by less if the disk, or a limit, has no more. */
static void lengthen(int fd, uint32_t have, uint32_t chunks)
{
	int mode = own_file_may_have(UINT64_MAX) ? FALLOC_FL_KEEP_SIZE : 0;

	while (chunks > 0 && allocate(fd, have, have + chunks, mode) != 0)
		chunks /= 2;
	if (chunks > 0 && mode == FALLOC_FL_KEEP_SIZE)
		append_zeros(fd, chunks);
}

/* Returns the length of the file in chunks, once it has been made longer than `have` if that is
 * possible. */
static uint32_t lengthen_past(uint32_t have)
{
	uint32_t more = room_most() - have, got = have;
	bool is_open = is_trace(room.fd);
	int fd = is_open ? room.fd : -1;

	if (!is_open && room.path)
		fd = kernel_open(room.path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
	if (fd < 0)
		return have;
	if (is_open || is_trace(fd)) {
		if (measure(fd) <= have)
			lengthen(fd, have, more < GROW_CHUNKS ? more : GROW_CHUNKS);
		got = measure(fd);
	}
	if (!is_open)
		kernel_close(fd);
	return got < room_most() ? got : room_most();
}

/* Lets the file grow past chunk `have`. Several threads may do so at once. */
static bool grow(uint32_t have)
{
	uint32_t got = room_most() > have ? lengthen_past(have) : have;

	if (got <= have) {
		__atomic_store_n(&room.most, have, __ATOMIC_RELAXED);
		return false;
	}
	__atomic_compare_exchange_n(&room.grown, &have, got, false, __ATOMIC_RELEASE,
				    __ATOMIC_RELAXED);
	return true;
}

bool room_reaches(uint32_t number)
{
	uint32_t grown;

	while ((grown = __atomic_load_n(&room.grown, __ATOMIC_ACQUIRE)) <= number)
		if (!grow(grown))
			return false;
	return true;
}

void room_grow_ahead(uint32_t next)
{
	uint32_t grown = __atomic_load_n(&room.grown, __ATOMIC_RELAXED);

	if (grown < GROW_CHUNKS || grown - next > GROW_CHUNKS / 2 ||
	    __atomic_exchange_n(&room.growing, 1, __ATOMIC_ACQUIRE))
		return;
	if (grown < room_most())
		grow(grown);
	__atomic_store_n(&room.growing, 0, __ATOMIC_RELEASE);
}

uint32_t room_most(void)
{
	return __atomic_load_n(&room.most, __ATOMIC_RELAXED);
}

void room_set_path(const char *path)
{
	room.path = path;
}

/*
 * A file system without fallocate() has to give all room now, for a hole in the file that finds the
 * disk full later kills the host.
 */
static int allocate_all(void)
{
	uint64_t bytes = (uint64_t)room.most * TRACE_CHUNK_BYTES;

	if (!own_file_may_have(bytes))
		return EFBIG;
	room.grown = room.most;
	for (uint32_t left = room.most; left > 0; left -= left < GROW_CHUNKS ? left : GROW_CHUNKS)
		append_zeros(room.fd, left < GROW_CHUNKS ? left : GROW_CHUNKS);
	return measure(room.fd) < room.most ? ENOSPC : 0;
}

int room_open(int fd, uint32_t mapped_chunks, bool is_bounded)
{
	struct stat st;
	int error;

	if (fstat(fd, &st) != 0)
		return errno;
	memset(&room, 0, sizeof(room));
	room.fd = fd;
	room.device = st.st_dev;
	room.inode = st.st_ino;
	room.mapped = room.most = mapped_chunks;
	room.grown = FIRST_CHUNKS;
	error = allocate(fd, 0, FIRST_CHUNKS, 0);
	if (error == EOPNOTSUPP) {
		if (!is_bounded)
			room.most = FIXED_CHUNKS;
		error = allocate_all();
	}
	return error;
}

void room_close(void)
{
	if (is_trace(room.fd))
		kernel_close(room.fd);
	memset(&room, 0, sizeof(room));
}
