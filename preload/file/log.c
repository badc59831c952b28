/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include "preload/file/chunks.h"
#include "preload/file/log.h"
#include "preload/file/trace.h"

#include "preload/base/poison.h"

/* Where the next record goes. */
static struct {
	char *next;
	char *end; /* of the chunk; equal to `next`: a new chunk is needed */
	uint64_t chunks;
} position;

void log_reset(void)
{
	memset(&position, 0, sizeof(position));
}

void log_mark(struct log_mark *mark)
{
	mark->chunks = position.chunks;
	mark->next = position.next;
}

static bool begin_chunk(void)
{
	struct trace_chunk *chunk = chunks_take(TRACE_CHUNK_LOG, 0);

	if (!chunk)
		return false;
	position.next = (char *)(chunk + 1);
	position.end = (char *)chunk + TRACE_CHUNK_BYTES;
	chunk->sequence = ++position.chunks;
	return true;
}

void *log_begin(enum trace_record_type type, size_t bytes)
{
	size_t whole = (bytes + TRACE_GRANULE - 1) / TRACE_GRANULE * TRACE_GRANULE;
	struct trace_record *record;

	if ((size_t)(position.end - position.next) < whole && !begin_chunk())
		return NULL;
	record = (struct trace_record *)position.next;
	position.next += whole;
	/* First: a reader steps over a record that never becomes valid. */
	__atomic_store_n(&record->bytes, (uint32_t)whole, __ATOMIC_RELEASE);
	record->type = (uint16_t)type;
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
