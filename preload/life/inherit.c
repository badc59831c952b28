/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/mman.h>

#include "preload/base/vm.h"
#include "preload/capture/modules.h"
#include "preload/capture/stacks.h"
#include "preload/file/trace.h"
#include "preload/ledger/ledger.h"
#include "preload/life/inherit.h"

#include "preload/base/poison.h"

/* References of the copied stacks, by the references that they had in the parent's file; 0: not
 * copied. NULL: there is no memory for it, and all stacks are lost. */
static uint32_t *new_references;

void inherit_begin(struct inheritance *i)
{
	log_mark(&i->mark);
	chunks_detach(&i->old);
}

void inherit_end(struct inheritance *i)
{
	chunks_unmap(&i->old);
}

static uint32_t new_reference_of(uint32_t old)
{
	return new_references && old ? new_references[old] : 0;
}

static void copy_stack(const struct trace_stack *stack, size_t place)
{
	uint32_t copy = stacks_copy(stack);

	if (copy && new_references)
		new_references[place / TRACE_GRANULE] = copy;
	else
		trace_lose(TRACE_LOST_STACKS);
}

static void copy_definition(const struct trace_record *record)
{
	struct trace_record *copy;

	/* At the fork, a thread of the parent had written this record, but not yet given the id: in
	 * the child, the id is free. */
	if (record->type == TRACE_RECORD_MODULE &&
	    !modules_is_defined(((const struct trace_module *)record)->id))
		return;
	copy = log_begin(record->type, record->bytes);
	if (!copy) {
		trace_lose(TRACE_LOST_DEFINITIONS);
		return;
	}
	memcpy(copy + 1, record + 1, record->bytes - sizeof(*record));
	log_commit(copy);
}

static uint32_t length_at(const char *at)
{
	return __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
}

/*
 * Where the next record begins, from a place on. A thread of the parent may have taken a place and not
 * yet written the length there, and may do so now. The length comes first: so a granule that is not
 * zero is the beginning of a record if all before it still are.
 */
static const char *next_record(const char *from, const char *end)
{
	const char *next = end, *at = NULL;

	while (at != next) {
		next = at ? at : end;
		for (at = from; at < next && length_at(at) == 0; at += TRACE_GRANULE)
			;
	}
	return next;
}

/* Somebody may have overwritten the parent's file, and may be doing so: a record is copied first, with
 * a length that was checked. */
static void copy_chunk(struct inheritance *i, const struct trace_chunk *chunk)
{
	static union {
		struct trace_record head;
		struct trace_stack stack;
		char bytes[TRACE_CHUNK_BYTES];
	} record; /* static, for stacks may be small */
	const char *at = (const char *)(chunk + 1), *end = (const char *)chunk + TRACE_CHUNK_BYTES;

	if (chunk->sequence == i->mark.chunks && i->mark.next < end)
		end = i->mark.next;
	while ((at = next_record(at, end)) < end) {
		const struct trace_record *from = (const struct trace_record *)at;
		bool is_valid = __atomic_load_n(&from->committed, __ATOMIC_ACQUIRE);
		uint32_t bytes = length_at(at);

		if (bytes == 0 || bytes % TRACE_GRANULE != 0 || bytes > (size_t)(end - at)) {
			trace_lose(TRACE_LOST_DEFINITIONS);
			return;
		}
		memcpy(&record, at, bytes);
		record.head.bytes = bytes;
		if (is_valid && record.head.type == TRACE_RECORD_STACK)
			copy_stack(&record.stack, (size_t)(at - i->old.map.base));
		else if (is_valid)
			copy_definition(&record.head);
		at += bytes;
	}
}

static const struct trace_chunk *find_chunk(const struct inheritance *i, uint64_t sequence)
{
	for (uint32_t number = 1; number < i->old.chunks; number++) {
		const struct trace_chunk *chunk =
			(const struct trace_chunk *)(i->old.map.base +
						     (size_t)number * TRACE_CHUNK_BYTES);

		if (chunk->kind == TRACE_CHUNK_LOG && chunk->sequence == sequence)
			return chunk;
	}
	return NULL;
}

void inherit_all(struct inheritance *i)
{
	size_t bytes =
		(size_t)i->old.chunks * (TRACE_CHUNK_BYTES / TRACE_GRANULE) * sizeof(uint32_t);

	new_references = vm_reserve(bytes);
	for (uint64_t sequence = 1; sequence <= i->mark.chunks; sequence++) {
		const struct trace_chunk *chunk = find_chunk(i, sequence);

		if (chunk)
			copy_chunk(i, chunk);
	}
	ledger_inherit(new_reference_of);
	if (new_references)
		munmap(new_references, bytes);
	new_references = NULL;
}
