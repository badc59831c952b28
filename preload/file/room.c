/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "include/trace_format.h"
#include "preload/base/kernel.h"
#include "preload/base/process.h"
#include "preload/file/clock.h"
#include "preload/file/room.h"
#include "preload/host/cgroup.h"
#include "preload/host/own_file.h"

#include "preload/base/poison.h"

enum {
	GROW_CHUNKS = 64,  /* the file grows by 1 MiB: one system call for 16,000 calls */
	FIRST_CHUNKS = 16, /* it doubles until then: what a short run does not use costs nothing */
	LARGE_CHUNKS = VM_LARGE_BYTES / TRACE_CHUNK_BYTES,
	LARGE_MOST_NS = 2000000, /* for a large page; small ones take a millisecond for as much */
	FIXED_CHUNKS = 4096,     /* of a file that nobody bounded and that cannot grow */
	ZEROS_BYTES = 65536,
	INTERRUPTED_MOST = 16,
	PATIENCE = 64, /* so often there is no room until the file is asked once more */
};

static struct {
	int fd;
	const char *path;
	dev_t device; /* with the inode, tells whether a descriptor leads to the trace */
	ino_t inode;
	struct vm_table *map;
	uint32_t mapped;
	bool is_in_memory;    /* room_is_in_memory() */
	bool has_large;       /* it grows by large pages */
	uint32_t most;        /* room_most() */
	uint32_t grown;       /* chunks in the file */
	uint32_t growing;     /* 1: a thread is making more, ahead of need */
	uint32_t refusals;    /* since the file could grow no further */
	uint32_t is_given_up; /* room_give_up() */
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
	/* A signal may interrupt it; some signals come so often that it never ends. */
	for (int i = 0; i < INTERRUPTED_MOST; i++)
		if (kernel_fallocate(fd, mode, (off_t)begin, (off_t)(end - begin)) == 0)
			return 0;
		else if (errno != EINTR)
			return errno;
	return EINTR;
}

/*
 * Pages that the kernel writes all at once cost a seventh of pages that are touched one by one, or
 * by MADV_POPULATE_WRITE. They are appended, so that they never overwrite what another thread has
 * appended meanwhile, and perhaps used. GROW_CHUNKS at most.
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

/*
 * Makes a file in memory longer by one large page, which costs a tenth of small ones. Returns an errno
 * value: it may be longer by a chunk then. The kernel waits until each processor has come by, which takes
 * long where they are busy: then it was the last.
 */
static int add_large(int fd, uint32_t have)
{
	uint64_t began = clock_monotonic_ns();
	int error = 0;

	append_zeros(fd, 1);
	if (!vm_table_make_large(room.map, (size_t)have * TRACE_CHUNK_BYTES))
		error = errno;
	/* EAGAIN: another thread was in the way. */
	if ((error && error != EAGAIN) || clock_monotonic_ns() - began > LARGE_MOST_NS)
		poke(room.has_large, false);
	return error ? error : allocate(fd, have, have + LARGE_CHUNKS, 0);
}

/* Makes the file longer by `chunks`. Returns an errno value: it is as long as before. In memory, to write is
 * to allocate. */
static int lengthen(int fd, uint32_t have, uint32_t chunks)
{
	bool may_append = own_file_may_have(UINT64_MAX);
	int error = 0;

	if (may_append && chunks == LARGE_CHUNKS)
		return add_large(fd, have);
	if (!may_append || !room.is_in_memory)
		error = allocate(fd, have, have + chunks, may_append ? FALLOC_FL_KEEP_SIZE : 0);
	if (!error && may_append)
		append_zeros(fd, chunks);
	return error;
}

/* By how much a file of `have` chunks grows. */
static uint32_t step_past(uint32_t have)
{
	uint32_t most = room_most(),
		 step = have < GROW_CHUNKS ? have : GROW_CHUNKS - have % GROW_CHUNKS;

	if (peek(room.has_large) && have % LARGE_CHUNKS == 0 && have + LARGE_CHUNKS <= most)
		return LARGE_CHUNKS;
	return have + step <= most ? step : most > have ? most - have : 0;
}

/*
 * A descriptor of the file, which close_file() closes; -1: the file cannot be reached. It is a new one,
 * checked after it was made: the host may give the number of the old one to a file of its own at any
 * moment, but not a number of which it knows nothing. Only where no more descriptors can be had it is
 * the old one.
 */
static int open_file(void)
{
	int fd = kernel_fcntl(room.fd, F_DUPFD_CLOEXEC, room.fd);

	if (fd >= 0 && is_trace(fd))
		return fd;
	if (fd >= 0)
		kernel_close(fd);
	if (is_trace(room.fd))
		return room.fd;
	fd = room.path ? kernel_open(room.path, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0) : -1;
	if (fd < 0 || is_trace(fd))
		return fd;
	kernel_close(fd);
	return -1;
}

static void close_file(int fd)
{
	if (fd >= 0 && fd != room.fd)
		kernel_close(fd);
}

/* Returns the length of the file in chunks, once it has been made longer than `have` if that is
 * possible. */
static uint32_t lengthen_past(uint32_t have)
{
	uint32_t more = step_past(have), most = room_most(), got;
	int fd = open_file();

	if (fd < 0)
		return have;
	got = measure(fd);
	if (got == have) {
		/* By less if the disk, or a limit, has no more. */
		while (more > 0 && lengthen(fd, have, more) != 0)
			more /= 2;
		got = measure(fd);
	}
	/* Somebody has shortened it. */
	if (got < have)
		room_give_up();
	close_file(fd);
	return got < most ? got : most;
}

/* May the file grow past chunk `have`? What stopped it may be over: a disk that was full, a signal. */
static bool may_grow(uint32_t have)
{
	uint32_t most = room_most();

	if (process_is_confined)
		return false;
	return most > have ||
	       (!room_is_given_up() && have < room.mapped &&
		__atomic_add_fetch(&room.refusals, 1, __ATOMIC_RELAXED) % PATIENCE == 0 &&
		__atomic_compare_exchange_n(&room.most, &most, room.mapped, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED));
}

/* Lets the file grow past chunk `have`. Several threads may do so at once. */
static bool grow(uint32_t have)
{
	uint32_t most = room.mapped, got = may_grow(have) ? lengthen_past(have) : have;

	if (got <= have) {
		__atomic_compare_exchange_n(&room.most, &most, have, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED);
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

	if (grown <= GROW_CHUNKS || grown - next > GROW_CHUNKS / 2 ||
	    __atomic_exchange_n(&room.growing, 1, __ATOMIC_ACQUIRE))
		return;
	if (grown < room_most())
		grow(grown);
	__atomic_store_n(&room.growing, 0, __ATOMIC_RELEASE);
}

/* If its header is there still. */
static void count_in_file(int fd)
{
	off_t at = offsetof(struct trace_header, lost[TRACE_LOST_BLOCKS]);
	char magic[sizeof(TRACE_MAGIC) - 1];
	uint64_t lost = 0;

	if (kernel_pread(fd, magic, sizeof(magic), 0) != sizeof(magic) ||
	    memcmp(magic, TRACE_MAGIC, sizeof(magic)) != 0 ||
	    kernel_pread(fd, &lost, sizeof(lost), at) != sizeof(lost))
		return;
	lost++;
	kernel_pwrite(fd, &lost, sizeof(lost), at);
}

void room_give_up(void)
{
	int fd;

	if (__atomic_exchange_n(&room.is_given_up, 1, __ATOMIC_SEQ_CST))
		return;
	__atomic_store_n(&room.most, 0, __ATOMIC_RELEASE);
	fd = open_file();
	if (fd >= 0)
		count_in_file(fd);
	close_file(fd);
}

bool room_is_given_up(void)
{
	return __atomic_load_n(&room.is_given_up, __ATOMIC_RELAXED);
}

bool room_is_in_memory(void)
{
	return room.is_in_memory;
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

/* Pages of a file in memory count as the host's, and where the host may have little the kernel kills it
 * for them: the file takes a quarter of what is left at most. */
static uint32_t most_in_memory(uint32_t chunks)
{
	uint64_t share = cgroup_memory_left() / 4 / TRACE_CHUNK_BYTES;

	if (share >= chunks)
		return chunks;
	return share > FIRST_CHUNKS ? (uint32_t)share : FIRST_CHUNKS;
}

int room_open(int fd, struct vm_table *map, bool is_bounded)
{
	uint32_t mapped_chunks = (uint32_t)(map->bytes_most / TRACE_CHUNK_BYTES);
	struct statfs fs;
	struct stat st;
	int error;

	if (fstat(fd, &st) != 0)
		return errno;
	memset(&room, 0, sizeof(room));
	room.fd = fd;
	room.device = st.st_dev;
	room.inode = st.st_ino;
	room.map = map;
	room.is_in_memory = fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
	room.has_large = room.is_in_memory;
	room.mapped = room.most = room.is_in_memory ? most_in_memory(mapped_chunks) : mapped_chunks;
	room.grown = FIRST_CHUNKS;
	error = lengthen(fd, 0, FIRST_CHUNKS);
	if (error == EOPNOTSUPP) {
		if (!is_bounded)
			room.mapped = room.most = FIXED_CHUNKS;
		return allocate_all();
	}
	return error || measure(fd) >= FIRST_CHUNKS ? error : ENOSPC;
}

void room_close(void)
{
	if (is_trace(room.fd))
		kernel_close(room.fd);
	memset(&room, 0, sizeof(room));
}
