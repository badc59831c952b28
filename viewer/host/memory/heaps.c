/* SPDX-License-Identifier: MIT */
#include "viewer/host/memory/heaps.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "viewer/host/base/faults.h"
#include "viewer/host/memory/clients.h"

/* How much freed memory is kept. */
enum { KEPT_BLOCKS = 8192, KEPT_BYTES = 16 << 20 };

/* Nobody has asked for more in earnest. */
#define BLOCK_MOST ((size_t)1 << 28)

/* What lies behind each block. */
static const unsigned char guard[16] = "end of a block!";

struct block {
	void *address;
	size_t bytes;
	enum heap heap;
	bool is_live;
	struct block *next; /* of those freed, the one that was freed afterwards */
	UT_hash_handle hh;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct block *blocks, *oldest, *newest;
static size_t kept_blocks, kept_bytes;

const char *heap_name(enum heap heap)
{
	static const char *const names[] = {
		[HEAP_LSA] = "the LSA's heap",
		[HEAP_PRIVATE] = "the private heap",
		[HEAP_USER] = "the client's heap",
		[HEAP_ANY] = "the LSA",
	};

	return names[heap];
}

void *heap_allocate(enum heap heap, size_t bytes)
{
	struct block *block = malloc(sizeof(*block));
	char *address = bytes <= BLOCK_MOST ? calloc(1, bytes + sizeof(guard)) : NULL;

	if (!block || !address) {
		free(block);
		free(address);
		return NULL;
	}
	memcpy(address + bytes, guard, sizeof(guard));
	*block = (struct block){ .address = address, .bytes = bytes, .heap = heap, .is_live = true };
	pthread_mutex_lock(&mutex);
	HASH_ADD_PTR(blocks, address, block);
	pthread_mutex_unlock(&mutex);
	return address;
}

/* With the mutex locked. Returns whether too much is kept still. */
static bool forget_oldest(void)
{
	struct block *block = oldest;

	if (!block || !blocks || (kept_blocks <= KEPT_BLOCKS && kept_bytes <= KEPT_BYTES))
		return false;
	oldest = block->next;
	kept_blocks--;
	kept_bytes -= block->bytes;
	HASH_DEL(blocks, block);
	free(block->address);
	free(block);
	return true;
}

static void release_block(struct block *block)
{
	block->is_live = false;
	memset(block->address, HEAP_FREED_BYTE, block->bytes);
	if (!kept_blocks++)
		oldest = block;
	else
		newest->next = block;
	newest = block;
	kept_bytes += block->bytes;
	while (forget_oldest())
		;
}

static struct block *find_around(const void *address)
{
	struct block *block, *next;

	HASH_ITER(hh, blocks, block, next)
	if (block->is_live && (uintptr_t)address - (uintptr_t)block->address < block->bytes)
		return block;
	return NULL;
}

static struct heap_block describe_block(const void *address, bool looks_inside)
{
	struct block *block;

	HASH_FIND_PTR(blocks, &address, block);
	if (!block && address && looks_inside)
		block = find_around(address);
	if (!block)
		return (struct heap_block){ .state = HEAP_UNKNOWN };
	return (struct heap_block){ block->is_live ? HEAP_LIVE : HEAP_FREED, block->heap,
				    block->bytes, (uintptr_t)address - (uintptr_t)block->address };
}

static struct heap_block find_block(const void *address, bool looks_inside)
{
	struct heap_block found;

	pthread_mutex_lock(&mutex);
	found = describe_block(address, looks_inside);
	pthread_mutex_unlock(&mutex);
	return found;
}

struct heap_block heap_find(const void *address)
{
	return find_block(address, true);
}

struct heap_block heap_find_start(const void *address)
{
	return find_block(address, false);
}

static void tell_wrong_free(void *address, const struct heap_block *found)
{
	if (found->state == HEAP_FREED)
		fault_tell("a block of %zu bytes of %s is freed again", found->bytes,
			   heap_name(found->heap));
	else if (found->state == HEAP_LIVE && found->offset)
		fault_tell("the address of a free lies %zu bytes inside a block of %zu bytes",
			   found->offset, found->bytes);
	else if (found->state == HEAP_LIVE)
		fault_tell("a block of %zu bytes of %s is freed by the wrong function",
			   found->bytes, heap_name(found->heap));
	else if (client_has_address(address))
		fault_tell("an address of the client is freed, which is no block of a heap");
	else
		fault_tell("the address of a free is no block");
}

/* With a heap, only one of that. */
static bool try_release(void *address, const enum heap *heap, struct heap_block *found)
{
	struct block *block;
	bool is_right, is_written_behind = false;

	pthread_mutex_lock(&mutex);
	*found = describe_block(address, heap != NULL);
	HASH_FIND_PTR(blocks, &address, block);
	is_right = block && block->is_live &&
		   (!heap || block->heap == *heap || block->heap == HEAP_ANY);
	if (is_right) {
		is_written_behind =
			memcmp((char *)address + block->bytes, guard, sizeof(guard)) != 0;
		release_block(block);
	}
	pthread_mutex_unlock(&mutex);
	if (is_written_behind)
		fault_tell("a block of %zu bytes of %s was written to behind its end", found->bytes,
			   heap_name(found->heap));
	return is_right;
}

void heap_free(enum heap heap, void *address)
{
	struct heap_block found;

	if (address && !try_release(address, &heap, &found))
		tell_wrong_free(address, &found);
}

void heap_take(void *address)
{
	struct heap_block found;

	if (address)
		try_release(address, NULL, &found);
}
