/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "preload/file/chunks.h"
#include "preload/file/log.h"
#include "preload/file/trace.h"

#include "preload/base/poison.h"

static struct {
	char *next;
	char *end;
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

static int next_chunk(void)
{
	struct trace_chunk *chunk = chunks_take(TRACE_CHUNK_LOG, 0);

	if (!chunk)
		return 0;
	position.next = (char *)(chunk + 1);
	position.end = (char *)chunk + TRACE_CHUNK_BYTES;
	chunk->sequence = ++position.chunks;
	return 1;
}

void *log_begin(enum trace_record_type type, size_t bytes)
{
	size_t whole = (bytes + TRACE_GRANULE - 1) / TRACE_GRANULE * TRACE_GRANULE;
	struct trace_record *record;

	if ((size_t)(position.end - position.next) < whole && !next_chunk())
		return NULL;
	record = (struct trace_record *)position.next;
	position.next += whole;
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
