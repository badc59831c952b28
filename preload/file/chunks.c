/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "preload/base/reentry.h"
#include "preload/base/vm.h"
#include "preload/file/chunks.h"

#include "preload/base/poison.h"

enum {
	GROW_CHUNKS = 64, /* the file grows by 1 MiB: one system call for 16,000 calls */
	LEAST_CHUNKS = 16,
	FIXED_CHUNKS = 4096, /* of a file that may not be bounded and cannot grow */
	LEAST_MAPPED_BYTES = 64 << 20,
	RECYCLE_TRIES = 4096, /* bounds the search for a closed chunk */
	ZEROS_BYTES = 65536,
};

/* What 32 bits of granules can name. */
#define REFERABLE_BYTES ((1ull << 32) * TRACE_GRANULE)

/* What a ring chunk is to the pool. A chunk of any other kind is TAKEN for good. */
enum chunk_use { USE_TAKEN, USE_OPEN, USE_CLOSED };

static struct {
	char *base;
	size_t mapped_bytes;
	int fd;
	const char *path;
	dev_t device; /* of the file: tells whether `fd` still is ours */
	ino_t inode;
	bool bounded;
	uint32_t max;      /* chunks that the file may have */
	uint32_t grown;    /* chunks that the file has room for */
	uint32_t growing;  /* 1: a thread is at it, ahead of need */
	uint32_t cursor;   /* where the search for the oldest ring chunk goes on */
	uint32_t open;     /* ring chunks that threads hold */
	uint32_t results;  /* chunks that are not the ring's */
	uint64_t sequence; /* of the ring chunk begun last */
	uint8_t *use;      /* enum chunk_use, by number; NULL when unbounded */
} pool;

static struct trace_header *header(void)
{
	return (struct trace_header *)pool.base;
}

static struct trace_chunk *chunk_at(uint32_t number)
{
	return (struct trace_chunk *)(pool.base + (size_t)number * TRACE_CHUNK_BYTES);
}

static uint32_t chunk_number(const struct trace_chunk *chunk)
{
	return (uint32_t)(((const char *)chunk - pool.base) / TRACE_CHUNK_BYTES);
}

uint32_t chunks_reference(const void *item)
{
	return (uint32_t)(((const char *)item - pool.base) / TRACE_GRANULE);
}

void *chunks_at(uint32_t reference)
{
	return pool.base + (size_t)reference * TRACE_GRANULE;
}

static bool is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == pool.device && st.st_ino == pool.inode;
}

/* The host may have closed our descriptor, and opened its own under the same number. */
static int open_again(void)
{
	int fd = pool.path ? open(pool.path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) : -1;

	if (fd >= 0 && !is_ours(fd)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static uint64_t size_limit(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

/* Beyond the limit the kernel would send SIGXFSZ. */
static bool limit_allows(uint64_t bytes)
{
	return size_limit() >= bytes;
}

/* Makes room, or returns an errno value. Chunks that have room already are left alone. */
static int make_room(int fd, uint32_t from, uint32_t to, int mode)
{
	uint64_t end = (uint64_t)to * TRACE_CHUNK_BYTES, begin = (uint64_t)from * TRACE_CHUNK_BYTES;

	if (!limit_allows(end))
		return EFBIG;
	return fallocate(fd, mode, (off_t)begin, (off_t)(end - begin)) == 0 ? 0 : errno;
}

/*
 * Pages that are written at once by the kernel cost a seventh of those that are touched one by one,
 * or by MADV_POPULATE_WRITE. Appended: another thread that does the same at the same time, or has long
 * done it, is not overwritten.
 */
static void append_zeros(int fd, uint32_t chunks)
{
	static char zeros[ZEROS_BYTES];
	struct iovec part[GROW_CHUNKS * TRACE_CHUNK_BYTES / ZEROS_BYTES];
	size_t bytes = (size_t)chunks * TRACE_CHUNK_BYTES, count = 0;

	for (; bytes > 0; bytes -= part[count++].iov_len)
		part[count] = (struct iovec){ zeros, bytes < ZEROS_BYTES ? bytes : ZEROS_BYTES };
	/* What came of it, the file's length tells. */
	if (pwritev2(fd, part, (int)count, 0, RWF_APPEND) < 0)
		return;
}

/* How long the file is; never longer than it may be, though two threads have appended to it. */
static uint32_t chunks_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || ((uint64_t)st.st_size > pool.mapped_bytes &&
				    ftruncate(fd, (off_t)pool.mapped_bytes) != 0))
		return 0;
	return (uint32_t)((uint64_t)st.st_size / TRACE_CHUNK_BYTES);
}

/* Lengthens the file by up to `chunks`; what is left of a disk, or below a limit, may be less. */
static void lengthen(int fd, uint32_t have, uint32_t chunks)
{
	int mode = size_limit() == RLIM_INFINITY ? FALLOC_FL_KEEP_SIZE : 0;

	while (chunks > 0 && make_room(fd, have, have + chunks, mode) != 0)
		chunks /= 2;
	if (chunks > 0 && mode == FALLOC_FL_KEEP_SIZE)
		append_zeros(fd, chunks);
}

/* The file's length in chunks, once it has been lengthened past `have`. */
static uint32_t lengthen_past(uint32_t have)
{
	uint32_t most = pool.max - have, got = have;
	bool ours = is_ours(pool.fd);
	int fd = ours ? pool.fd : open_again();

	if (fd < 0)
		return have;
	if (chunks_of(fd) <= have)
		lengthen(fd, have, most < GROW_CHUNKS ? most : GROW_CHUNKS);
	got = chunks_of(fd);
	if (!ours)
		close(fd);
	return got < pool.max ? got : pool.max;
}

/* Lets the file grow past chunk `have`. Several threads may do so at once. */
static bool grow(uint32_t have)
{
	uint32_t got = pool.max > have ? lengthen_past(have) : have;

	if (got <= have) {
		__atomic_store_n(&pool.max, have, __ATOMIC_RELAXED);
		return false;
	}
	__atomic_compare_exchange_n(&pool.grown, &have, got, false, __ATOMIC_RELEASE,
				    __ATOMIC_RELAXED);
	return true;
}

/* While there is room for half as much still, one thread makes more: the others need not wait for it,
 * as they would for each other inside the kernel. */
static void grow_ahead(uint32_t next)
{
	uint32_t grown = __atomic_load_n(&pool.grown, __ATOMIC_RELAXED);

	if (grown < GROW_CHUNKS || grown - next > GROW_CHUNKS / 2 ||
	    __atomic_exchange_n(&pool.growing, 1, __ATOMIC_ACQUIRE))
		return;
	if (grown < __atomic_load_n(&pool.max, __ATOMIC_RELAXED))
		grow(grown);
	__atomic_store_n(&pool.growing, 0, __ATOMIC_RELEASE);
}

static struct trace_chunk *take_fresh(void)
{
	uint32_t next = __atomic_load_n(&header()->chunks, __ATOMIC_RELAXED);

	for (;;) {
		uint32_t grown = __atomic_load_n(&pool.grown, __ATOMIC_ACQUIRE);

		if (next >= grown) {
			if (!grow(grown))
				return NULL;
		} else if (__atomic_compare_exchange_n(&header()->chunks, &next, next + 1, false,
						       __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
			grow_ahead(next + 1);
			return chunk_at(next);
		}
	}
}

static bool claim_closed(uint32_t number)
{
	uint8_t closed = USE_CLOSED;

	return __atomic_compare_exchange_n(&pool.use[number], &closed, USE_OPEN, false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Chunks are searched in the order of their numbers, round and round: that of their age, but for
 * those that a thread held for long. */
static struct trace_chunk *take_oldest(void)
{
	uint32_t chunks = __atomic_load_n(&header()->chunks, __ATOMIC_RELAXED);
	struct trace_chunk *chunk;

	if (!pool.use)
		return NULL;
	for (int i = 0; i < RECYCLE_TRIES; i++) {
		uint32_t number = __atomic_fetch_add(&pool.cursor, 1, __ATOMIC_RELAXED) % chunks;

		if (!claim_closed(number))
			continue;
		chunk = chunk_at(number);
		__atomic_store_n(&chunk->sequence, 0, __ATOMIC_RELEASE);
		chunk->records = chunk->transfers = 0;
		memset(chunk + 1, 0, TRACE_CHUNK_BYTES - sizeof(*chunk));
		return chunk;
	}
	return NULL;
}

/* However many threads there are, three quarters of the file are there for results to take. */
static bool ring_open(void)
{
	uint32_t open = __atomic_add_fetch(&pool.open, 1, __ATOMIC_RELAXED);

	if (!pool.bounded || open <= pool.max / 4)
		return true;
	__atomic_sub_fetch(&pool.open, 1, __ATOMIC_RELAXED);
	return false;
}

static bool results_may_grow(void)
{
	uint32_t most = pool.bounded ? pool.max - pool.max / 4 : pool.max;

	return __atomic_load_n(&pool.results, __ATOMIC_RELAXED) < most;
}

static void begin(struct trace_chunk *chunk, enum trace_chunk_kind kind, uint32_t lane)
{
	bool ring = kind == TRACE_CHUNK_RING;

	if (pool.use)
		__atomic_store_n(&pool.use[chunk_number(chunk)], ring ? USE_OPEN : USE_TAKEN,
				 __ATOMIC_RELAXED);
	if (!ring)
		__atomic_add_fetch(&pool.results, 1, __ATOMIC_RELAXED);
	else
		chunk->sequence = __atomic_add_fetch(&pool.sequence, 1, __ATOMIC_RELAXED);
	chunk->lane = lane;
	__atomic_store_n(&chunk->kind, kind, __ATOMIC_RELEASE);
}

struct trace_chunk *chunks_take(enum trace_chunk_kind kind, uint32_t lane)
{
	struct trace_chunk *chunk;

	if (kind == TRACE_CHUNK_RING ? !ring_open() : !results_may_grow())
		return NULL;
	chunk = take_fresh();
	if (!chunk)
		chunk = take_oldest();
	if (chunk)
		begin(chunk, kind, lane);
	else if (kind == TRACE_CHUNK_RING)
		__atomic_sub_fetch(&pool.open, 1, __ATOMIC_RELAXED);
	return chunk;
}

void chunks_retire(struct trace_chunk *chunk)
{
	__atomic_sub_fetch(&pool.open, 1, __ATOMIC_RELAXED);
	if (pool.use)
		__atomic_store_n(&pool.use[chunk_number(chunk)], USE_CLOSED, __ATOMIC_RELEASE);
}

/* Address space for an unbounded file: as much as the process's limits allow. */
static bool map_unbounded(void)
{
	size_t bytes = REFERABLE_BYTES;

	for (; bytes >= LEAST_MAPPED_BYTES; bytes /= 2) {
		pool.base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, pool.fd, 0);
		if (pool.base != MAP_FAILED) {
			pool.mapped_bytes = bytes;
			return true;
		}
	}
	return false;
}

static bool map_bounded(uint64_t max_bytes)
{
	pool.mapped_bytes = max_bytes / TRACE_CHUNK_BYTES * TRACE_CHUNK_BYTES;
	pool.base = mmap(NULL, pool.mapped_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, pool.fd, 0);
	if (pool.base == MAP_FAILED)
		return false;
	pool.use = vm_reserve(pool.mapped_bytes / TRACE_CHUNK_BYTES);
	if (pool.use)
		return true;
	munmap(pool.base, pool.mapped_bytes);
	errno = ENOMEM;
	return false;
}

/*
 * A file system without fallocate() gets all of its room now, while there is one thread: the C
 * library's substitute reads and writes what may be in use later.
 */
static int make_all_room(void)
{
	uint64_t bytes;

	if (!pool.bounded)
		pool.max = FIXED_CHUNKS;
	bytes = (uint64_t)pool.max * TRACE_CHUNK_BYTES;
	if (!limit_allows(bytes))
		return EFBIG;
	pool.grown = pool.max;
	return posix_fallocate(pool.fd, 0, (off_t)bytes);
}

void chunks_set_path(const char *path)
{
	pool.path = path;
}

static void give_up(void)
{
	munmap(pool.base, pool.mapped_bytes);
	if (pool.use)
		munmap(pool.use, pool.mapped_bytes / TRACE_CHUNK_BYTES);
	memset(&pool, 0, sizeof(pool));
}

/* The first chunks, zeroed by the kernel; the header's is handed out with them. */
static bool make_first_room(void)
{
	int error = make_room(pool.fd, 0, LEAST_CHUNKS, 0);

	pool.grown = LEAST_CHUNKS;
	if (error == EOPNOTSUPP)
		error = make_all_room();
	if (error) {
		give_up();
		errno = error;
		return false;
	}
	pool.results = 1;
	header()->chunks = 1;
	return true;
}

struct trace_header *chunks_open(int fd, uint64_t max_bytes)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return NULL;
	memset(&pool, 0, sizeof(pool));
	pool.fd = fd;
	pool.device = st.st_dev;
	pool.inode = st.st_ino;
	pool.bounded = max_bytes != 0;
	if (!(pool.bounded ? map_bounded(max_bytes) : map_unbounded()))
		return NULL;
	pool.max = (uint32_t)(pool.mapped_bytes / TRACE_CHUNK_BYTES);
	return make_first_room() ? header() : NULL;
}

void chunks_detach(struct chunks_mapping *mapping)
{
	*mapping = (struct chunks_mapping){
		.base = pool.base,
		.bytes = pool.mapped_bytes,
		.chunks = header()->chunks,
		.use = pool.use,
	};
	if (is_ours(pool.fd))
		close(pool.fd);
	memset(&pool, 0, sizeof(pool));
}

void chunks_unmap(struct chunks_mapping *mapping)
{
	munmap((void *)mapping->base, mapping->bytes);
	if (mapping->use)
		munmap(mapping->use, mapping->bytes / TRACE_CHUNK_BYTES);
}

void *chunks_items_take(struct chunks_items *items, uint32_t *count)
{
	uint32_t all = (TRACE_CHUNK_BYTES - TRACE_CHUNK_HEADER_BYTES) / items->item_bytes;
	uint32_t first = items->used;

	if (!items->chunk || first == all) {
		struct trace_chunk *chunk = chunks_take(items->kind, 0);

		if (!chunk)
			return NULL;
		items->chunk = chunk;
		first = 0;
	}
	if (*count > all - first)
		*count = all - first;
	items->used = first + *count;
	return (char *)(items->chunk + 1) + (size_t)first * items->item_bytes;
}
