/* SPDX-License-Identifier: MIT */
#include "viewer/host/memory/sections.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/host/base/faults.h"
#include "viewer/host/base/memory.h"
#include "viewer/host/base/site.h"
#include "viewer/host/base/system.h"

/* A block never lies at the handle of its section: SECTION_HEAD bytes are in front of it. */
enum { BLOCK_ALIGNMENT = 16, SECTION_HEAD = 16 };

/* Sorted by offset. */
struct block {
	size_t offset, bytes;
};

struct section {
	struct section *next;
	char *memory;
	size_t bytes; /* mapped */
	struct block *blocks;
	size_t count;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct section *sections;

static struct section **find_section(const void *handle)
{
	struct section **place = &sections;

	while (*place && (*place)->memory != handle)
		place = &(*place)->next;
	return place;
}

PVOID section_create(ULONG max_bytes, ULONG initial_bytes)
{
	struct section *section;
	size_t page = system_page_bytes();

	site.slot = "CreateSharedMemory";
	if (initial_bytes > max_bytes)
		fault_tell("InitialSize %u is greater than MaxSize %u", initial_bytes, max_bytes);
	section = memory_new(sizeof(*section));
	section->bytes = ((size_t)max_bytes + SECTION_HEAD + page - 1) / page * page;
	section->memory = system_map(section->bytes, SYSTEM_WRITE);
	pthread_mutex_lock(&mutex);
	section->next = sections;
	sections = section;
	pthread_mutex_unlock(&mutex);
	site.slot = NULL;
	return section->memory;
}

/* Puts a block into the first gap that is large enough. Returns NULL if there is none. */
static void *place_block(struct section *section, size_t bytes)
{
	size_t room = (bytes / BLOCK_ALIGNMENT + 1) * BLOCK_ALIGNMENT, begin = SECTION_HEAD, i;

	for (i = 0; i < section->count && section->blocks[i].offset - begin < room; i++)
		begin = section->blocks[i].offset +
			(section->blocks[i].bytes / BLOCK_ALIGNMENT + 1) * BLOCK_ALIGNMENT;
	if (i == section->count && section->bytes - begin < bytes)
		return NULL;
	section->blocks =
		memory_resize(section->blocks, (section->count + 1) * sizeof(*section->blocks));
	memmove(section->blocks + i + 1, section->blocks + i,
		(section->count - i) * sizeof(*section->blocks));
	section->blocks[i] = (struct block){ begin, bytes };
	section->count++;
	return memset(section->memory + begin, 0, bytes);
}

PVOID section_allocate(PVOID handle, ULONG bytes)
{
	struct section *section;
	void *block = NULL;

	site.slot = "AllocateSharedMemory";
	pthread_mutex_lock(&mutex);
	section = *find_section(handle);
	if (section)
		block = place_block(section, bytes);
	pthread_mutex_unlock(&mutex);
	if (!section)
		fault_tell("SharedMem is no section");
	site.slot = NULL;
	return block;
}

static bool remove_block(struct section *section, const void *address)
{
	for (size_t i = 0; i < section->count; i++) {
		if (section->memory + section->blocks[i].offset != address)
			continue;
		section->count--;
		memmove(section->blocks + i, section->blocks + i + 1,
			(section->count - i) * sizeof(*section->blocks));
		return true;
	}
	return false;
}

void section_free(PVOID handle, PVOID address)
{
	struct section *section;
	bool is_block;

	site.slot = "FreeSharedMemory";
	pthread_mutex_lock(&mutex);
	section = *find_section(handle);
	is_block = section && remove_block(section, address);
	pthread_mutex_unlock(&mutex);
	if (!section)
		fault_tell("SharedMem is no section");
	else if (!is_block && address)
		fault_tell("Memory is no block of that section");
	site.slot = NULL;
}

BOOLEAN section_delete(PVOID handle)
{
	struct section **place, *section;

	site.slot = "DeleteSharedMemory";
	pthread_mutex_lock(&mutex);
	place = find_section(handle);
	section = *place;
	if (section)
		*place = section->next;
	pthread_mutex_unlock(&mutex);
	if (section) {
		system_unmap(section->memory, section->bytes);
		free(section->blocks);
		free(section);
	} else {
		fault_tell("SharedMem is no section");
	}
	site.slot = NULL;
	return section ? TRUE : FALSE;
}
