/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload/base/index.h"
#include "preload/base/reentry.h"
#include "preload/sharedmem/arena.h"
#include "preload/sharedmem/biased_lock.h"
#include "preload/sharedmem/sections.h"

#include "preload/base/poison.h"

enum {
	SECTIONS_MOST = 16384,
	GUESS_BITS = 10,
	DESCRIPTORS_FROM =
		4096, /* numbers below this one, or below half of the limit, are the host's */
	STEP_BYTES_MOST = 1 << 20, /* committed ahead of what is asked for */
};

/* Its memory is a section's for good, so that a lock may be asked for whatever becomes of it. */
struct section {
	uint64_t handle;         /* 0: not in use */
	struct biased_lock lock; /* guards `memory`, while there is a handle */
	uint32_t next;           /* of those that are not in use */
	uint32_t held_for_fork;
	struct memory {
		char *base;
		uint64_t mapped_bytes, committed_bytes;
		struct arena *arena;
		int fd;       /* -1: there was no number to be had for it */
		dev_t device; /* of the file: tells whether `fd` still is ours */
		ino_t inode;
	} memory;
} __attribute__((aligned(64)));

static struct section sections[SECTIONS_MOST]; /* by number, from 1 */
static struct index handles;
static uint32_t guesses[1 << GUESS_BITS];
/* Guards the changes of `handles`, and what follows. */
static struct biased_lock registry_lock;
static uint32_t sections_used, first_unused;

/* Finding. A guess by a few bits of the handle spares the index, nearly always. */

static bool has_handle(const struct section *s, uint64_t handle)
{
	return __atomic_load_n(&s->handle, __ATOMIC_ACQUIRE) == handle;
}

static uint32_t *guess_of(uint64_t handle)
{
	return &guesses[handle * 0x9e3779b97f4a7c15u >> (64 - GUESS_BITS)];
}

static bool is_it(uint32_t number, void *handle)
{
	return has_handle(&sections[number], *(const uint64_t *)handle);
}

/* 0: there is none. */
static uint32_t look_up(uint64_t handle)
{
	uint32_t number = index_find(&handles, index_mix(handle), is_it, &handle);

	if (number)
		__atomic_store_n(guess_of(handle), number, __ATOMIC_RELAXED);
	return number;
}

static uint32_t find(uint64_t handle)
{
	uint32_t guess = __atomic_load_n(guess_of(handle), __ATOMIC_RELAXED);

	if (unlikely(handle == 0))
		return 0;
	return likely(has_handle(&sections[guess], handle)) ? guess : look_up(handle);
}

/* The section, locked; NULL: there is none. */
static struct section *hold(const void *handle)
{
	struct section *s = &sections[find((uintptr_t)handle)];

	if (s == sections || !biased_lock_take(&s->lock))
		return NULL;
	if (likely(has_handle(s, (uintptr_t)handle)))
		return s;
	biased_lock_release(&s->lock);
	return NULL;
}

/* Numbers. Those of sections that are gone stay in the index until somebody needs their place. */

static uint32_t take_number(void)
{
	uint32_t number = first_unused;

	if (number)
		first_unused = sections[number].next;
	else if (sections_used + 1 < SECTIONS_MOST)
		number = ++sections_used;
	return number;
}

static bool is_stale(uint32_t number, uint64_t word)
{
	uint64_t handle = sections[number].handle;

	return !handle || (index_mix(handle) ^ word) >> 32;
}

static bool add_to_index(uint64_t handle, uint32_t number)
{
	struct index_walk walk = { .index = &handles, .hash = index_mix(handle) };
	uint32_t old;

	while ((old = index_next_neighbour(&walk)) != 0)
		if (is_stale(old, *walk.at))
			return index_replace(&walk, old, number);
	return index_add(&handles, walk.hash, number);
}

static void leave(uint32_t number)
{
	sections[number].next = first_unused;
	first_unused = number;
}

/* Lets memory that is complete be found as a section. False: there are too many. */
static bool enter(const struct memory *m)
{
	uint64_t handle = (uintptr_t)m->base;
	uint32_t number;
	bool entered;

	if (!biased_lock_take(&registry_lock))
		return false;
	number = take_number();
	entered = number && add_to_index(handle, number);
	if (entered) {
		sections[number].memory = *m;
		__atomic_store_n(&sections[number].handle, handle, __ATOMIC_RELEASE);
	} else if (number) {
		leave(number);
	}
	biased_lock_release(&registry_lock);
	return entered;
}

/* Memory. */

static uint64_t round_to_page(uint64_t bytes)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

static bool is_ours(const struct memory *m)
{
	struct stat st;

	return m->fd >= 0 && fstat(m->fd, &st) == 0 && st.st_dev == m->device &&
	       st.st_ino == m->inode;
}

/* Pages that are there already count as well. The second way is for kernels before 5.14. */
static bool populate(const struct memory *m, uint64_t bytes)
{
	uint64_t more = bytes - m->committed_bytes;

	if (madvise(m->base + m->committed_bytes, more, MADV_POPULATE_WRITE) == 0)
		return true;
	return errno == EINVAL && is_ours(m) &&
	       fallocate(m->fd, 0, (off_t)m->committed_bytes, (off_t)more) == 0;
}

static bool commit(struct memory *m, uint64_t bytes)
{
	bytes = round_to_page(bytes);
	if (bytes <= m->committed_bytes)
		return true;
	if (!populate(m, bytes))
		return false;
	m->committed_bytes = bytes;
	return true;
}

/* As much again as there is, within bounds, so that it is seldom done; or as little as will do. */
static bool commit_ahead(struct memory *m, uint64_t bytes)
{
	uint64_t ahead = m->committed_bytes < STEP_BYTES_MOST ? m->committed_bytes : STEP_BYTES_MOST;
	uint64_t wanted = m->committed_bytes + ahead;
	int saved_errno = errno;
	bool done;

	if (wanted > m->mapped_bytes)
		wanted = m->mapped_bytes;
	done = (wanted > bytes && commit(m, wanted)) || commit(m, bytes);
	errno = saved_errno;
	return done;
}

/* The host counts on the lowest numbers that are free: it gets them all, and ours are few enough. */
static int move_high(int fd)
{
	struct rlimit limit;
	int high = -1;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		high = fcntl(fd, F_DUPFD_CLOEXEC,
			     limit.rlim_cur / 2 < DESCRIPTORS_FROM ? (int)limit.rlim_cur / 2
								   : DESCRIPTORS_FROM);
	close(fd);
	return high;
}

/* Beyond the limit the kernel would send SIGXFSZ. */
static bool limit_allows(uint64_t bytes)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= bytes;
}

/* A file of a size that stays: whoever opens it could make it shorter, and so end the host. */
static int make_file(uint64_t bytes)
{
	int fd = limit_allows(bytes)
			 ? memfd_create("lsatrace-section", MFD_CLOEXEC | MFD_ALLOW_SEALING)
			 : -1;

	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)bytes) == 0 &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool map_file(struct memory *m)
{
	int fd = make_file(m->mapped_bytes);
	struct stat st;
	void *base;

	if (fd < 0)
		return false;
	base = fstat(fd, &st) == 0
		       ? mmap(NULL, m->mapped_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
		       : MAP_FAILED;
	if (base == MAP_FAILED) {
		close(fd);
		return false;
	}
	m->base = base;
	m->device = st.st_dev;
	m->inode = st.st_ino;
	m->fd = move_high(fd);
	return true;
}

static void release(struct memory *m)
{
	if (m->base)
		munmap(m->base, m->mapped_bytes);
	if (m->arena)
		arena_release(m->arena);
	if (is_ours(m))
		close(m->fd);
}

static bool make(struct memory *m, uint64_t max_size, uint64_t initial_size)
{
	*m = (struct memory){ .mapped_bytes = round_to_page(ARENA_GRANULE + max_size), .fd = -1 };
	m->arena = arena_new(arena_round(max_size));
	return m->arena && map_file(m) && commit(m, ARENA_GRANULE + initial_size) && enter(m);
}

/* The four functions. */

PVOID sections_create(ULONG MaxSize, ULONG InitialSize)
{
	int saved_errno = errno;
	struct memory memory;

	if (MaxSize == 0 || InitialSize > MaxSize)
		return NULL;
	if (!make(&memory, MaxSize, InitialSize)) {
		release(&memory);
		memory.base = NULL;
	}
	errno = saved_errno;
	return memory.base;
}

static char *allocate(struct memory *m, uint64_t size)
{
	uint64_t offset = arena_allocate(m->arena, size), bytes = arena_round(size);

	if (unlikely(offset == 0))
		return NULL;
	if (unlikely(offset + bytes > m->committed_bytes) && !commit_ahead(m, offset + bytes)) {
		arena_free(m->arena, offset);
		return NULL;
	}
	return memset(m->base + offset, 0, bytes);
}

PVOID sections_allocate(PVOID SharedMem, ULONG Size)
{
	struct section *s = hold(SharedMem);
	char *block;

	if (unlikely(!s))
		return NULL;
	/* Under the lock: the section may be deleted as soon as it is free. */
	block = allocate(&s->memory, Size);
	biased_lock_release(&s->lock);
	return block;
}

void sections_free(PVOID SharedMem, PVOID Memory)
{
	struct section *s = hold(SharedMem);

	if (unlikely(!s))
		return;
	arena_free(s->memory.arena, (uintptr_t)Memory - (uintptr_t)s->memory.base);
	biased_lock_release(&s->lock);
}

BOOLEAN sections_delete(PVOID SharedMem)
{
	struct section *s = hold(SharedMem);
	int saved_errno = errno;
	struct memory memory;

	if (!s)
		return FALSE;
	memory = s->memory;
	__atomic_store_n(&s->handle, 0, __ATOMIC_RELEASE);
	biased_lock_release(&s->lock);
	release(&memory);
	if (biased_lock_take(&registry_lock)) {
		leave((uint32_t)(s - sections));
		biased_lock_release(&registry_lock);
	}
	errno = saved_errno;
	return TRUE;
}

int sections_descriptor(uint64_t handle)
{
	struct section *s = hold((void *)(uintptr_t)handle);
	int fd = -1;

	if (s) {
		fd = s->memory.fd;
		biased_lock_release(&s->lock);
	}
	return fd;
}

bool sections_before_fork(void)
{
	if (!biased_lock_take(&registry_lock))
		return false;
	for (uint32_t number = 1; number <= sections_used; number++)
		sections[number].held_for_fork = biased_lock_acquire(&sections[number].lock);
	return true;
}

void sections_after_fork(bool is_child)
{
	for (uint32_t number = 1; number <= sections_used; number++)
		biased_lock_forked(&sections[number].lock, sections[number].held_for_fork, is_child);
	biased_lock_forked(&registry_lock, biased_lock_held, is_child);
	biased_lock_held = LOCK_NOT_HELD;
}
