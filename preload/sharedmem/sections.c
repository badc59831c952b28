/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "preload/base/free_list.h"
#include "preload/base/index.h"
#include "preload/base/kernel.h"
#include "preload/base/process.h"
#include "preload/base/vm.h"
#include "preload/host/own_file.h"
#include "preload/sharedmem/arena.h"
#include "preload/sharedmem/biased_lock.h"
#include "preload/sharedmem/sections.h"

#include "preload/base/poison.h"

enum {
	SECTIONS_MOST = 16384,
	GUESS_BITS = 10,
	STEP_BYTES_MOST = 1 << 20, /* committed ahead of what is asked for */
};

/* Never unmapped: a thread may ask for the lock of a section while another one deletes it. */
struct section {
	uint64_t handle;         /* 0: this number is not in use */
	struct biased_lock lock; /* guards `memory` while there is a handle */
	uint32_t next_free;
	uint32_t held_for_fork;
	struct memory {
		char *base;
		uint64_t mapped_bytes, committed_bytes;
		struct arena *arena;
		int fd;       /* -1: no descriptor was left for it */
		dev_t device; /* of the file: tell whether `fd` is still ours */
		ino_t inode;
	} memory;
} __attribute__((aligned(64)));

static struct section no_section;
static struct section *sections = &no_section; /* by number, from 1; they lie in `table` */
static struct vm_table table;
static struct index handles; /* from hashes of handles to numbers */
static uint32_t guesses[1 << GUESS_BITS];
/* Guards the writing to `handles` and `sections_used`. */
static struct biased_lock registry_lock;
static uint32_t sections_used;
static struct free_list free_numbers;

/* Finding. A guess by a few bits of the handle nearly always saves the look into the index. */

static bool has_handle(const struct section *s, uint64_t handle)
{
	return __atomic_load_n(&s->handle, __ATOMIC_ACQUIRE) == handle;
}

static uint32_t *guess_of(uint64_t handle)
{
	return &guesses[handle * 0x9e3779b97f4a7c15u >> (64 - GUESS_BITS)];
}

static bool is_section_of(uint32_t number, void *handle)
{
	return has_handle(&sections[number], *(const uint64_t *)handle);
}

static uint32_t look_up_number(uint64_t handle)
{
	uint32_t number = index_find(&handles, index_mix(handle), is_section_of, &handle);

	if (number)
		__atomic_store_n(guess_of(handle), number, __ATOMIC_RELAXED);
	return number;
}

/* The number of a section; 0: there is none with that handle. */
static uint32_t find_number(uint64_t handle)
{
	uint32_t guess = __atomic_load_n(guess_of(handle), __ATOMIC_RELAXED);

	if (unlikely(handle == 0))
		return 0;
	return likely(has_handle(&sections[guess], handle)) ? guess : look_up_number(handle);
}

/* The section of a handle, locked; NULL: there is none. */
static struct section *hold_section(const void *handle)
{
	struct section *s = &sections[find_number((uintptr_t)handle)];

	if (s == sections || !biased_lock_take(&s->lock))
		return NULL;
	if (likely(has_handle(s, (uintptr_t)handle)))
		return s;
	biased_lock_release(&s->lock);
	return NULL;
}

/* Registering. Deleted sections stay in the index until a new one needs their place there. */

static uint32_t *next_free_of(uint32_t number)
{
	return &sections[number].next_free;
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

/* Returns a number that was never used; 0: there are too many sections. */
static uint32_t take_new_number(void)
{
	if (!table.base) {
		if (!vm_table_init(&table, VM_TRACER, SECTIONS_MOST * sizeof(*sections), -1))
			return 0;
		__atomic_store_n(&sections, (struct section *)table.base, __ATOMIC_RELEASE);
	}
	return vm_table_reach(&table, (sections_used + 2) * sizeof(*sections)) ? ++sections_used : 0;
}

/* Makes memory that is complete a section, which is found by its handle from then on. Returns
 * false if there are too many sections. */
static bool register_section(const struct memory *m)
{
	uint64_t handle = (uintptr_t)m->base;
	bool is_registered;
	uint32_t number;

	if (!biased_lock_take(&registry_lock))
		return false;
	number = free_list_take(&free_numbers, next_free_of);
	if (!number)
		number = take_new_number();
	is_registered = number && add_to_index(handle, number);
	if (is_registered) {
		sections[number].memory = *m;
		__atomic_store_n(&sections[number].handle, handle, __ATOMIC_RELEASE);
	} else if (number) {
		free_list_add(&free_numbers, number, next_free_of(number));
	}
	biased_lock_release(&registry_lock);
	return is_registered;
}

/* Memory. */

static uint64_t round_to_page(uint64_t bytes)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

static bool has_own_file(const struct memory *m)
{
	return own_file_is(m->fd, m->device, m->inode);
}

/* Commits the first `bytes` bytes, so that no access to them raises SIGBUS. Kernels before 5.14
 * have no MADV_POPULATE_WRITE. */
static bool commit_memory(struct memory *m, uint64_t bytes)
{
	uint64_t more;

	bytes = round_to_page(bytes);
	if (bytes <= m->committed_bytes)
		return true;
	if (process_is_confined)
		return false;
	more = bytes - m->committed_bytes;
	if (madvise(m->base + m->committed_bytes, more, MADV_POPULATE_WRITE) != 0 &&
	    (errno != EINVAL || !has_own_file(m) ||
	     kernel_fallocate(m->fd, 0, (off_t)m->committed_bytes, (off_t)more) != 0))
		return false;
	m->committed_bytes = bytes;
	return true;
}

/* Commits as much again as there is, within bounds, so that it is seldom done; or as little as
 * will do. */
static bool commit_ahead(struct memory *m, uint64_t bytes)
{
	uint64_t ahead = m->committed_bytes < STEP_BYTES_MOST ? m->committed_bytes : STEP_BYTES_MOST;
	uint64_t wanted = m->committed_bytes + ahead;
	int saved_errno = errno;
	bool done;

	if (wanted > m->mapped_bytes)
		wanted = m->mapped_bytes;
	done = (wanted > bytes && commit_memory(m, wanted)) || commit_memory(m, bytes);
	errno = saved_errno;
	return done;
}

static bool map_file(struct memory *m)
{
	int fd = own_file_make(m->mapped_bytes);
	struct stat st;
	void *base;

	if (fd < 0)
		return false;
	base = fstat(fd, &st) == 0
		       ? mmap(NULL, m->mapped_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
		       : MAP_FAILED;
	if (base == MAP_FAILED) {
		kernel_close(fd);
		return false;
	}
	m->base = base;
	m->device = st.st_dev;
	m->inode = st.st_ino;
	m->fd = own_file_copy_high(fd); /* without a high number, the section has none */
	kernel_close(fd);
	return true;
}

/* Under a filter that kills, it stays. */
static void release_memory(struct memory *m)
{
	if (process_is_confined)
		return;
	if (m->base)
		munmap(m->base, m->mapped_bytes);
	if (m->arena)
		arena_release(m->arena);
	if (has_own_file(m))
		kernel_close(m->fd);
}

/* The four functions of the family. */

PVOID sections_create(ULONG MaxSize, ULONG InitialSize)
{
	int saved_errno = errno;
	struct memory memory = {
		.mapped_bytes = round_to_page(ARENA_GRANULE + (uint64_t)MaxSize),
		.fd = -1,
	};

	if (MaxSize == 0 || InitialSize > MaxSize || process_is_confined)
		return NULL;
	memory.arena = arena_new(arena_round(MaxSize));
	if (!memory.arena || !map_file(&memory) ||
	    !commit_memory(&memory, ARENA_GRANULE + (uint64_t)InitialSize) ||
	    !register_section(&memory)) {
		release_memory(&memory);
		memory.base = NULL;
	}
	errno = saved_errno;
	return memory.base;
}

static char *allocate_block(struct memory *m, uint64_t size)
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
	struct section *s = hold_section(SharedMem);
	char *block;

	if (unlikely(!s))
		return NULL;
	/* Zeroed under the lock: as soon as the lock is free, the section may be deleted. */
	block = allocate_block(&s->memory, Size);
	biased_lock_release(&s->lock);
	return block;
}

void sections_free(PVOID SharedMem, PVOID Memory)
{
	struct section *s = hold_section(SharedMem);

	if (unlikely(!s))
		return;
	arena_free(s->memory.arena, (uintptr_t)Memory - (uintptr_t)s->memory.base);
	biased_lock_release(&s->lock);
}

BOOLEAN sections_delete(PVOID SharedMem)
{
	struct section *s = hold_section(SharedMem);
	int saved_errno = errno;
	struct memory memory;

	if (!s)
		return FALSE;
	memory = s->memory;
	__atomic_store_n(&s->handle, 0, __ATOMIC_RELEASE);
	biased_lock_release(&s->lock);
	release_memory(&memory);
	free_list_add(&free_numbers, (uint32_t)(s - sections), &s->next_free);
	errno = saved_errno;
	return TRUE;
}

int sections_descriptor(uint64_t handle)
{
	struct section *s = hold_section((void *)(uintptr_t)handle);
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
		sections[number].held_for_fork = biased_lock_enter(&sections[number].lock);
	return true;
}

void sections_after_fork(bool is_child)
{
	for (uint32_t number = 1; number <= sections_used; number++)
		biased_lock_exit_after_fork(&sections[number].lock, sections[number].held_for_fork,
					    is_child);
	biased_lock_exit_after_fork(&registry_lock, biased_lock_held, is_child);
	biased_lock_held = BIASED_LOCK_NOT_HELD;
}
