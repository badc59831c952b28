/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "preload/base/vm.h"
#include "preload/file/chunks.h"
#include "preload/file/room.h"
#include "preload/host/signals.h"

#include "preload/base/poison.h"

enum {
	LEAST_MAPPED_BYTES = 64 << 20, /* of a file without a bound */
	PREPARED_CHUNKS = 256,         /* 4 MiB */
	RECYCLE_TRIES = 4096,          /* bounds the search for a closed chunk */
};

/* Whoever overwrites the file may make the last stack in it longer than it is. What is read past the end
 * is mapped, and not in the file: a SIGBUS. */
#define SLACK_BYTES (sizeof(struct trace_stack) + TRACE_FRAMES_MAX * sizeof(uint64_t))

/* As far as references, which have 32 bits, can reach. */
#define REFERABLE_BYTES ((1ull << 32) * TRACE_GRANULE)

/* A chunk that is not of the ring is TAKEN for good; the picture in chunks.h shows the others. */
enum chunk_use { USE_TAKEN, USE_OPEN, USE_CLOSED };

/* What decides where something is written lies here and not in the file, which others may change. */
static struct {
	struct vm_table map; /* the file, mapped as far as it has grown */
	bool is_bounded;
	uint32_t chunks;   /* handed out so far; header.chunks shows it */
	uint32_t cursor;   /* where the search for the oldest ring chunk goes on */
	uint32_t held;     /* ring chunks that threads hold */
	uint32_t results;  /* chunks that are not the ring's */
	uint64_t sequence; /* of the ring chunk begun last */
	uint8_t *use;      /* enum chunk_use, by number; NULL when unbounded */
} pool;

static struct vm_table detached; /* the map of a file that is out of use, and still read */

static struct trace_header *header(void)
{
	return (struct trace_header *)pool.map.base;
}

static struct trace_chunk *chunk_at(uint32_t number)
{
	return (struct trace_chunk *)(pool.map.base + (size_t)number * TRACE_CHUNK_BYTES);
}

static uint32_t chunk_number(const struct trace_chunk *chunk)
{
	return (uint32_t)(((const char *)chunk - pool.map.base) / TRACE_CHUNK_BYTES);
}

uint32_t chunks_reference(const void *item)
{
	return (uint32_t)(((const char *)item - pool.map.base) / TRACE_GRANULE);
}

void *chunks_at(uint32_t reference)
{
	return pool.map.base + (size_t)reference * TRACE_GRANULE;
}

/* The file shows how many chunks were handed out, or for a moment fewer. */
static void show_chunks(uint32_t count)
{
	uint32_t shown = __atomic_load_n(&header()->chunks, __ATOMIC_RELAXED);

	while (shown < count && !__atomic_compare_exchange_n(&header()->chunks, &shown, count, false,
							     __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static struct trace_chunk *take_fresh(void)
{
	uint32_t next = __atomic_load_n(&pool.chunks, __ATOMIC_RELAXED);

	do {
		if (!room_reaches(next) ||
		    !vm_table_reach(&pool.map, (size_t)(next + 1) * TRACE_CHUNK_BYTES + SLACK_BYTES))
			return NULL;
	} while (!__atomic_compare_exchange_n(&pool.chunks, &next, next + 1, false,
					      __ATOMIC_RELAXED, __ATOMIC_RELAXED));
	show_chunks(next + 1);
	room_grow_ahead(next + 1);
	/* One fault for 16 pages, and not one for each that is written. */
	if (room_is_in_memory())
		(void)peek(chunk_at(next)->kind);
	return chunk_at(next);
}

/* Chunks are searched in the order of their numbers, round and round. That is the order of their
 * age, except for those that a thread held for long. */
static struct trace_chunk *take_oldest(void)
{
	uint32_t chunks = __atomic_load_n(&pool.chunks, __ATOMIC_RELAXED);

	if (!pool.use)
		return NULL;
	for (int i = 0; i < RECYCLE_TRIES; i++) {
		uint32_t number = __atomic_fetch_add(&pool.cursor, 1, __ATOMIC_RELAXED) % chunks;
		struct trace_chunk *chunk = chunk_at(number);
		uint8_t closed = USE_CLOSED;

		if (!__atomic_compare_exchange_n(&pool.use[number], &closed, USE_OPEN, false,
						 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			continue;
		__atomic_store_n(&chunk->sequence, 0, __ATOMIC_RELEASE);
		chunk->records = chunk->transfers = 0;
		memset(chunk + 1, 0, TRACE_CHUNK_BYTES - sizeof(*chunk));
		return chunk;
	}
	return NULL;
}

/* A thread wants to hold one more chunk of the ring. However many threads there are, three quarters
 * of the file stay for results. */
static bool reserve_open(void)
{
	uint32_t held = __atomic_add_fetch(&pool.held, 1, __ATOMIC_RELAXED);

	if (!pool.is_bounded || held <= room_most() / 4)
		return true;
	__atomic_sub_fetch(&pool.held, 1, __ATOMIC_RELAXED);
	return false;
}

static bool results_may_grow(void)
{
	uint32_t most = room_most();

	if (pool.is_bounded)
		most -= most / 4;
	return __atomic_load_n(&pool.results, __ATOMIC_RELAXED) < most;
}

static void begin_chunk(struct trace_chunk *chunk, enum trace_chunk_kind kind, uint32_t lane)
{
	bool is_ring = kind == TRACE_CHUNK_RING;

	if (pool.use)
		__atomic_store_n(&pool.use[chunk_number(chunk)], is_ring ? USE_OPEN : USE_TAKEN,
				 __ATOMIC_RELAXED);
	if (!is_ring)
		__atomic_add_fetch(&pool.results, 1, __ATOMIC_RELAXED);
	else
		chunk->sequence = __atomic_add_fetch(&pool.sequence, 1, __ATOMIC_RELAXED);
	chunk->lane = lane;
	__atomic_store_n(&chunk->kind, kind, __ATOMIC_RELEASE);
}

struct trace_chunk *chunks_take(enum trace_chunk_kind kind, uint32_t lane)
{
	struct trace_chunk *chunk;

	if (kind == TRACE_CHUNK_RING ? !reserve_open() : !results_may_grow())
		return NULL;
	chunk = take_fresh();
	if (!chunk)
		chunk = take_oldest();
	if (chunk)
		begin_chunk(chunk, kind, lane);
	else if (kind == TRACE_CHUNK_RING)
		__atomic_sub_fetch(&pool.held, 1, __ATOMIC_RELAXED);
	return chunk;
}

void chunks_prepare(void)
{
	room_reaches(peek(header()->chunks) + PREPARED_CHUNKS);
}

void chunks_retire(struct trace_chunk *chunk)
{
	__atomic_sub_fetch(&pool.held, 1, __ATOMIC_RELAXED);
	if (pool.use)
		__atomic_store_n(&pool.use[chunk_number(chunk)], USE_CLOSED, __ATOMIC_RELEASE);
}

/*
 * An access to a page of the trace that its file no longer has, because somebody has shortened it, or
 * the disk has no room for it after all. From here on nothing of the file is mapped, and nothing is
 * written to it. What was in it is lost, which it says itself, if enough of it is left.
 */
static bool leave_file(int signal, const siginfo_t *info, void *context)
{
	const struct vm_table *maps[] = { &pool.map, &detached };
	uintptr_t address = (uintptr_t)info->si_addr;

	(void)context;
	for (size_t i = 0; signal == SIGBUS && info->si_code > 0 && i < 2; i++) {
		uintptr_t base = (uintptr_t)maps[i]->base;

		if (!base || address - base >= maps[i]->bytes || !vm_table_replace(maps[i]))
			continue;
		if (maps[i] == &pool.map)
			room_give_up();
		return true;
	}
	return false;
}

static struct chunks_mapping current_mapping(void)
{
	return (struct chunks_mapping){ .map = pool.map, .chunks = pool.chunks, .use = pool.use };
}

/* Maps a file of at most `bytes` bytes; one without a bound: as much as references and the process's
 * limits allow. */
static bool map_file(int fd, uint64_t bytes)
{
	bool is_mapped;

	if (pool.is_bounded)
		return vm_table_init(&pool.map, VM_FILE, bytes + SLACK_BYTES, fd);
	bytes = REFERABLE_BYTES;
	do
		is_mapped = vm_table_init(&pool.map, VM_FILE, bytes + SLACK_BYTES, fd);
	while (!is_mapped && (bytes /= 2) >= LEAST_MAPPED_BYTES);
	return is_mapped;
}

static int open_pool(int fd, uint64_t max_bytes)
{
	uint32_t most;

	if (!map_file(fd, max_bytes / TRACE_CHUNK_BYTES * TRACE_CHUNK_BYTES))
		return errno;
	most = (uint32_t)(pool.map.bytes_most / TRACE_CHUNK_BYTES);
	if (pool.is_bounded && !(pool.use = vm_reserve(most)))
		return ENOMEM;
	return room_open(fd, &pool.map, pool.is_bounded);
}

struct trace_header *chunks_open(int fd, uint64_t max_bytes)
{
	struct chunks_mapping mapping;
	int error;

	memset(&pool, 0, sizeof(pool));
	pool.is_bounded = max_bytes != 0;
	error = open_pool(fd, max_bytes);
	if (!error && !vm_table_reach(&pool.map, TRACE_CHUNK_BYTES))
		error = ENOMEM;
	if (error) {
		mapping = current_mapping();
		chunks_unmap(&mapping);
		memset(&pool, 0, sizeof(pool));
		errno = error;
		return NULL;
	}
	/* The header's chunk counts as a result. */
	pool.results = pool.chunks = header()->chunks = 1;
	signals_watch(SIGNALS_FILE, leave_file);
	return header();
}

void chunks_detach(struct chunks_mapping *mapping)
{
	*mapping = current_mapping();
	detached = pool.map;
	room_close();
	memset(&pool, 0, sizeof(pool));
}

void chunks_unmap(struct chunks_mapping *mapping)
{
	if (mapping->use)
		munmap(mapping->use, mapping->map.bytes_most / TRACE_CHUNK_BYTES);
	vm_table_release(&mapping->map);
	detached = (struct vm_table){ 0 };
}

void *chunks_items_take(struct chunks_items *items, uint32_t *count)
{
	uint32_t all = items->most
			       ? items->most
			       : (TRACE_CHUNK_BYTES - TRACE_CHUNK_HEADER_BYTES) / items->item_bytes;
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
