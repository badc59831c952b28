/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include "preload/base/compiler.h"
#include "preload/file/chunks.h"
#include "preload/file/log.h"
#include "preload/file/trace.h"

#include "preload/base/poison.h"

enum { CHUNK_GRANULES = TRACE_CHUNK_BYTES / TRACE_GRANULE };

/* Where the next record goes, as a reference. The beginning of a chunk, which is its header: the chunk
 * before it is full, or there is none. */
static uint32_t next;
static uint64_t chunks;

void log_reset(void)
{
	next = 0;
	chunks = 0;
}

void log_mark(struct log_mark *mark)
{
	mark->chunks = chunks;
	mark->next = chunks_at(next);
}

/* Under the cold lock. A fork finds the chunk counted before there can be a record in it. */
static bool begin_chunk(void)
{
	struct trace_chunk *chunk = chunks_take(TRACE_CHUNK_LOG, 0);

	if (!chunk)
		return false;
	chunk->sequence = chunks + 1;
	__atomic_store_n(&chunks, chunks + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&next, chunks_reference(chunk + 1), __ATOMIC_RELEASE);
	return true;
}

void *log_begin_here(enum trace_record_type type, size_t bytes)
{
	uint32_t granules = (uint32_t)((bytes + TRACE_GRANULE - 1) / TRACE_GRANULE);
	uint32_t place = __atomic_load_n(&next, __ATOMIC_ACQUIRE);
	struct trace_record *record;

	do {
		if (place % CHUNK_GRANULES == 0 ||
		    place % CHUNK_GRANULES + granules > CHUNK_GRANULES)
			return NULL;
	} while (!__atomic_compare_exchange_n(&next, &place, place + granules, false,
					      __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE));
	record = chunks_at(place);
	/* First: a reader steps over a record that never becomes valid. */
	__atomic_store_n(&record->bytes, granules * TRACE_GRANULE, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	record->type = (uint16_t)type;
	return record;
}

void *log_begin(enum trace_record_type type, size_t bytes)
{
	void *record;

	while ((record = log_begin_here(type, bytes)) == NULL)
		if (!begin_chunk())
			return NULL;
	return record;
}

void log_commit(void *record)
{
	__atomic_store_n(&((struct trace_record *)record)->committed, 1, __ATOMIC_RELEASE);
}

void log_text(enum trace_record_type type, uint32_t number, const char *text, size_t bytes)
{
	struct trace_text *record;

	if (bytes > TRACE_TEXT_MAX)
		bytes = TRACE_TEXT_MAX;
	record = log_begin(type, sizeof(*record) + bytes);
	if (!record) {
		trace_lose(TRACE_LOST_DEFINITIONS);
		return;
	}
	record->number = number;
	record->length = (uint32_t)bytes;
	memcpy(record->text, text, bytes);
	log_commit(record);
}
