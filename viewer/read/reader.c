/* SPDX-License-Identifier: MIT */
#include "viewer/read/reader.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "viewer/base/memory.h"
#include "viewer/read/chunks.h"
#include "viewer/read/input.h"
#include "viewer/read/ranges.h"

#define GRANULES (TRACE_CHUNK_BYTES / TRACE_GRANULE)
#define EVENTS_READ_AT offsetof(struct reader_events, head)

_Static_assert(sizeof(struct reader_events) == EVENTS_READ_AT + TRACE_CHUNK_BYTES, "no padding");

struct reader {
	struct trace_header header;
	struct chunks chunks;
	struct ranges_defined defined;
	struct chunk **log; /* the chunks of the log, in the order in which they were begun */
	uint32_t logs;
};

/* The first byte of a chunk of the ledger that is no entry's. */
static uint32_t end_of_ledger(uint32_t version)
{
	return TRACE_CHUNK_HEADER_BYTES +
	       ranges_ledger_entries(version) * (uint32_t)sizeof(struct trace_entry);
}

static bool read_header(struct reader *r, uint64_t file_bytes, struct trouble *t)
{
	struct trace_header *h = &r->header;
	size_t there = file_bytes < sizeof(*h) ? (size_t)file_bytes : sizeof(*h);
	size_t magic = there < sizeof(h->magic) ? there : sizeof(h->magic);

	if (!input_read(r->chunks.fd, h, there, 0, t))
		return false;
	if (memcmp(h->magic, TRACE_MAGIC, magic) != 0)
		return trouble_set(t, TROUBLE_NOT_A_TRACE, 0, "not an lsatrace trace at byte 0");
	if (there >= offsetof(struct trace_header, chunk_bytes)) {
		const size_t order_at = offsetof(struct trace_header, byte_order);
		const size_t version_at = offsetof(struct trace_header, version);

		if (h->byte_order == __builtin_bswap32(TRACE_BYTE_ORDER))
			return trouble_set(t, TROUBLE_OTHER_BYTE_ORDER, order_at,
					   "made on a machine of the other byte order at byte %zu",
					   order_at);
		if (memcmp(&h->version, "-bas", sizeof(h->version)) == 0)
			return trouble_set(t, TROUBLE_NOT_A_TRACE, 0,
					   "this is a baseline, not a trace at byte 0");
		if (h->byte_order != TRACE_BYTE_ORDER)
			return trouble_set_damaged(t, order_at, "no byte order");
		if (h->version < TRACE_VERSION_OLDEST || h->version > TRACE_VERSION)
			return trouble_set(
				t, TROUBLE_OTHER_VERSION, version_at,
				"of format version %u, this lsatrace reads %u to %u at byte %zu",
				h->version, TRACE_VERSION_OLDEST, TRACE_VERSION, version_at);
	}
	if (there < sizeof(*h))
		return trouble_set(
			t, TROUBLE_CUT_OFF, file_bytes,
			"cut off: a header has %zu bytes, the file ends at byte %" PRIu64,
			sizeof(*h), file_bytes);
	if (!ranges_check_header(h, t))
		return false;
	/* It may have grown since it was measured. */
	if (h->chunks > file_bytes / TRACE_CHUNK_BYTES && !input_size(r->chunks.fd, &file_bytes, t))
		return false;
	if (h->chunks > file_bytes / TRACE_CHUNK_BYTES)
		return trouble_set(t, TROUBLE_CUT_OFF, file_bytes,
				   "cut off: the header says %u chunks of %u bytes, the file ends "
				   "at byte %" PRIu64,
				   h->chunks, TRACE_CHUNK_BYTES, file_bytes);
	return true;
}

/* Learns what other items refer to: stacks and families. */
static void note_record(struct reader *r, struct chunk *chunk, uint32_t offset)
{
	const struct trace_record *record = (const struct trace_record *)(chunk->data + offset);
	uint32_t number = ((const struct trace_text *)record)->number;
	uint32_t granule = offset / TRACE_GRANULE;

	if (record->type == TRACE_RECORD_STACK)
		chunk->stacks[granule / 64] |= 1ull << granule % 64;
	else if (record->type == TRACE_RECORD_FAMILY)
		r->defined.family[number] = true;
}

/* A function may be defined again: the last role counts, as it does in the model. */
static void note_role(struct reader *r, const struct trace_record *record)
{
	uint32_t number = ((const struct trace_text *)record)->number;

	if (record->type == TRACE_RECORD_FUNCTION)
		r->defined.role[number & 255] = (uint8_t)(number >> 16);
}

static bool check_log_chunk(struct reader *r, struct chunk *chunk, struct trouble *t)
{
	uint64_t base = chunks_place(chunk->number);
	uint32_t offset = TRACE_CHUNK_HEADER_BYTES;

	if (chunk->head.sequence == 0 && !r->chunks.is_moving)
		return trouble_set_damaged(t, base + offsetof(struct trace_chunk, sequence),
					   "number of a chunk of the log");
	chunk->stacks = memory_new(GRANULES / 64, sizeof(*chunk->stacks));
	while (offset < TRACE_CHUNK_BYTES) {
		const struct trace_record *record = (const void *)(chunk->data + offset);

		if (record->bytes == 0) {
			offset += TRACE_GRANULE;
			continue;
		}
		if (!ranges_check_record(&r->defined, record, TRACE_CHUNK_BYTES - offset,
					 base + offset, t))
			return false;
		if (record->committed)
			note_record(r, chunk, offset);
		offset += record->bytes;
	}
	return true;
}

/*
 * Orders the chunks of the log by age. Their places do not tell it: a chunk of the log may have
 * been one of the ring before.
 */
static int compare_log_chunks(const void *left, const void *right)
{
	const struct chunk *a = *(struct chunk *const *)left, *b = *(struct chunk *const *)right;

	if (a->head.sequence != b->head.sequence)
		return a->head.sequence < b->head.sequence ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static bool check_log(struct reader *r, struct trouble *t)
{
	struct reader_cursor c = { 0 };
	const struct trace_record *record;

	r->log = memory_new(r->chunks.count, sizeof(struct chunk *));
	for (uint32_t i = 0; i < r->chunks.count; i++) {
		struct chunk *chunk = &r->chunks.chunk[i];

		if (chunk->head.kind != TRACE_CHUNK_LOG)
			continue;
		if (!check_log_chunk(r, chunk, t))
			return false;
		chunk->log = r->logs;
		r->log[r->logs++] = chunk;
	}
	qsort(r->log, r->logs, sizeof(struct chunk *), compare_log_chunks);
	while ((record = reader_next_record(r, &c)) != NULL) {
		uint64_t at = chunks_place(r->log[c.chunk]->number) + c.offset - record->bytes;

		if (!ranges_check_families(&r->defined, record, at, t))
			return false;
		note_role(r, record);
	}
	return true;
}

static bool check_stack_ref(const struct reader *r, uint32_t ref, uint64_t at, const char *what,
			    struct trouble *t)
{
	return ref == 0 || r->chunks.is_moving || reader_stack(r, ref) ||
	       trouble_set_damaged(t, at, what);
}

static bool check_entry(const struct reader *r, const void *item, uint64_t at, struct trouble *t)
{
	const struct trace_entry *e = item;
	bool is_block = e->state == TRACE_ENTRY_BLOCK || e->state == TRACE_ENTRY_SUSPECT ||
			e->state == TRACE_ENTRY_IGNORED;

	if (!ranges_check_entry(&r->defined, e, at, t))
		return false;
	if (e->state == TRACE_ENTRY_FREE)
		return true;
	if (is_block && e->section && !r->chunks.is_moving && !reader_entry(r, e->section))
		return trouble_set_damaged(t, at + offsetof(struct trace_entry, section),
					   "reference to a section");
	return check_stack_ref(r, e->stack, at + offsetof(struct trace_entry, stack),
			       "reference to a stack", t);
}

static bool check_finding(const struct reader *r, const void *item, uint64_t at, struct trouble *t)
{
	const struct trace_finding *f = item;

	if (!ranges_check_finding(&r->defined, f, at, t))
		return false;
	for (unsigned i = 0; f->committed && i < TRACE_FINDING_STACKS; i++)
		if (!check_stack_ref(r, f->stack[i], at + offsetof(struct trace_finding, stack[i]),
				     "reference to a stack", t))
			return false;
	return true;
}

static bool check_lane(const struct reader *r, const void *item, uint64_t at, struct trouble *t)
{
	const struct trace_lane *lane = item;

	if (!ranges_check_lane(&r->defined, lane, at, t))
		return false;
	for (uint32_t i = 0; lane->state && i < lane->depth && i < TRACE_IN_FLIGHT; i++)
		if (!check_stack_ref(r, lane->in_flight[i].stack,
				     at + offsetof(struct trace_lane, in_flight[i].stack),
				     "reference to a stack", t))
			return false;
	return true;
}

static bool check_counters(const struct reader *r, const void *item, uint64_t at, struct trouble *t)
{
	return ranges_check_counters(&r->defined, item, at, t);
}

static bool check_checkpoint(const struct reader *r, const void *item, uint64_t at,
			     struct trouble *t)
{
	(void)r;
	return ranges_check_checkpoint(item, at, t);
}

/* The kinds of chunks that are arrays; the size of an item is 0 for the others. */
static const struct array {
	uint32_t item_bytes;
	bool (*check)(const struct reader *r, const void *item, uint64_t at, struct trouble *t);
} arrays[TRACE_CHUNK_KINDS] = {
	[TRACE_CHUNK_LEDGER] = { sizeof(struct trace_entry), check_entry },
	[TRACE_CHUNK_FINDINGS] = { sizeof(struct trace_finding), check_finding },
	[TRACE_CHUNK_LANES] = { sizeof(struct trace_lane), check_lane },
	[TRACE_CHUNK_COUNTERS] = { sizeof(struct trace_counters), check_counters },
	[TRACE_CHUNK_CHECKPOINTS] = { sizeof(struct trace_checkpoint), check_checkpoint },
};

/* The first byte of a chunk that is not an item's. */
static uint32_t end_of_items(const struct reader *r, uint32_t kind)
{
	return kind == TRACE_CHUNK_LEDGER ? end_of_ledger(r->header.version) : TRACE_CHUNK_BYTES;
}

static bool check_arrays(const struct reader *r, struct trouble *t)
{
	for (uint32_t i = 0; i < r->chunks.count; i++) {
		const struct chunk *chunk = &r->chunks.chunk[i];
		const struct array *array = &arrays[chunk->head.kind];
		uint32_t at = TRACE_CHUNK_HEADER_BYTES, end = end_of_items(r, chunk->head.kind);

		if (!chunk->data || !array->item_bytes)
			continue;
		for (; at + array->item_bytes <= end; at += array->item_bytes)
			if (!array->check(r, chunk->data + at, chunks_place(chunk->number) + at, t))
				return false;
	}
	return true;
}

/* The header is read first, and refers to what comes later. */
static bool check_header_stack(const struct reader *r, struct trouble *t)
{
	return r->header.version < 6 ||
	       check_stack_ref(r, r->header.exception_stack,
			       offsetof(struct trace_header, exception_stack),
			       "stack of an exception", t);
}

/* A file in motion may have grown since its header was read, and what is new may hold stacks. */
static bool read_heads_again(struct reader *r, struct trouble *t)
{
	uint64_t file_bytes;

	return !r->chunks.is_moving ||
	       (input_size(r->chunks.fd, &file_bytes, t) && read_header(r, file_bytes, t) &&
		chunks_read_heads(&r->chunks, r->header.chunks, t));
}

static bool load(struct reader *r, const char *path, struct progress *progress, struct trouble *t)
{
	uint64_t file_bytes;

	r->chunks.fd = input_open(path, progress, t);
	if (r->chunks.fd < 0 || !input_size(r->chunks.fd, &file_bytes, t) ||
	    !read_header(r, file_bytes, t))
		return false;
	r->chunks.is_moving = r->header.end == TRACE_END_RUNNING;
	r->defined.version = r->header.version;
	r->chunks.ledger_entries = ranges_ledger_entries(r->header.version);
	return chunks_read_heads(&r->chunks, r->header.chunks, t) &&
	       chunks_load(&r->chunks, false, progress, t) && read_heads_again(r, t) &&
	       chunks_load(&r->chunks, true, progress, t) && check_log(r, t) &&
	       check_arrays(r, t) && check_header_stack(r, t);
}

struct reader *reader_open(const char *path, struct progress *progress, struct trouble *t)
{
	struct reader *r = memory_new(1, sizeof(*r));

	*t = (struct trouble){ 0 };
	if (!load(r, path, progress, t)) {
		reader_close(r);
		return NULL;
	}
	return r;
}

void reader_close(struct reader *r)
{
	if (!r)
		return;
	chunks_release(&r->chunks);
	free(r->log);
	free(r);
}

const struct trace_header *reader_header(const struct reader *r)
{
	return &r->header;
}

bool reader_was_moving(const struct reader *r)
{
	return r->chunks.is_moving;
}

/* The cursor counts the chunks of the log by their age. */
const struct trace_record *reader_next_record(const struct reader *r, struct reader_cursor *c)
{
	for (; c->chunk < r->logs; c->chunk++, c->offset = 0) {
		const unsigned char *data = r->log[c->chunk]->data;

		if (c->offset == 0)
			c->offset = TRACE_CHUNK_HEADER_BYTES;
		while (c->offset < TRACE_CHUNK_BYTES) {
			const struct trace_record *record = (const void *)(data + c->offset);

			c->offset += record->bytes ? record->bytes : TRACE_GRANULE;
			if (record->bytes && record->committed == 1)
				return record;
		}
	}
	return NULL;
}

uint32_t reader_next_stack(const struct reader *r, struct reader_cursor *c)
{
	const struct trace_record *record;

	while ((record = reader_next_record(r, c)) != NULL)
		if (record->type == TRACE_RECORD_STACK)
			return r->log[c->chunk]->number * GRANULES +
			       (c->offset - record->bytes) / TRACE_GRANULE;
	return 0;
}

/* Returns the next item of the arrays of a kind, valid or not. */
static const void *next_item(const struct reader *r, struct reader_cursor *c, uint32_t kind)
{
	uint32_t item_bytes = arrays[kind].item_bytes, offset;

	for (; c->chunk < r->chunks.count; c->chunk++, c->offset = 0) {
		const struct chunk *chunk = &r->chunks.chunk[c->chunk];

		if (chunk->head.kind != kind || !chunk->data)
			continue;
		offset = c->offset ? c->offset : TRACE_CHUNK_HEADER_BYTES;
		if (offset + item_bytes > end_of_items(r, kind))
			continue;
		c->offset = offset + item_bytes;
		return chunk->data + offset;
	}
	return NULL;
}

const struct trace_entry *reader_next_entry(const struct reader *r, struct reader_cursor *c)
{
	const struct trace_entry *entry;

	while ((entry = next_item(r, c, TRACE_CHUNK_LEDGER)) != NULL)
		if (entry->state != TRACE_ENTRY_FREE)
			return entry;
	return NULL;
}

size_t reader_count_entries(const struct reader *r)
{
	struct reader_cursor c = { 0 };
	size_t count = 0;

	while (reader_next_entry(r, &c))
		count++;
	return count;
}

/* The era, and above it what was found. */
static uint32_t read_era(const struct reader *r, const struct reader_cursor *c)
{
	const unsigned char *data = r->chunks.chunk[c->chunk].data;
	uint32_t i = (c->offset - TRACE_CHUNK_HEADER_BYTES) / (uint32_t)sizeof(struct trace_entry);

	if (r->header.version < 4)
		return 0;
	return ((const uint32_t *)(data + TRACE_LEDGER_ERAS_OFFSET))[i - 1];
}

uint32_t reader_era(const struct reader *r, const struct reader_cursor *c)
{
	uint32_t era = read_era(r, c);

	return r->header.version < 5 ? era : era & TRACE_ERA_MOST;
}

enum trace_reach reader_reach(const struct reader *r, const struct reader_cursor *c)
{
	uint32_t reach = read_era(r, c) >> TRACE_ERA_BITS;

	return r->header.version < 5 || r->header.search != TRACE_SEARCH_DONE ||
			       reach >= TRACE_REACH_COUNT
		       ? TRACE_REACH_UNKNOWN
		       : (enum trace_reach)reach;
}

const struct trace_checkpoint *reader_next_checkpoint(const struct reader *r,
						      struct reader_cursor *c)
{
	const struct trace_checkpoint *checkpoint;

	while ((checkpoint = next_item(r, c, TRACE_CHUNK_CHECKPOINTS)) != NULL)
		if (checkpoint->era)
			return checkpoint;
	return NULL;
}

const struct trace_finding *reader_next_finding(const struct reader *r, struct reader_cursor *c)
{
	const struct trace_finding *finding;

	while ((finding = next_item(r, c, TRACE_CHUNK_FINDINGS)) != NULL)
		if (finding->committed)
			return finding;
	return NULL;
}

const struct trace_lane *reader_next_lane(const struct reader *r, struct reader_cursor *c)
{
	const struct trace_lane *lane;

	while ((lane = next_item(r, c, TRACE_CHUNK_LANES)) != NULL)
		if (lane->state != 0)
			return lane;
	return NULL;
}

const struct trace_counters *reader_next_counters(const struct reader *r, struct reader_cursor *c)
{
	const struct trace_counters *counters;

	while ((counters = next_item(r, c, TRACE_CHUNK_COUNTERS)) != NULL)
		if (counters->valid)
			return counters;
	return NULL;
}

uint32_t reader_first_function(const struct reader *r, const struct trace_counters *counters)
{
	return ranges_first_function(&r->defined, counters);
}

/* Returns the loaded chunk that a reference leads into, if it has that kind. */
static const struct chunk *find_chunk(const struct reader *r, uint32_t ref, uint32_t kind)
{
	const struct chunk *chunk = chunks_find(&r->chunks, ref / GRANULES);

	return chunk && chunk->head.kind == kind && chunk->data ? chunk : NULL;
}

const struct trace_stack *reader_stack(const struct reader *r, uint32_t ref)
{
	const struct chunk *chunk = chunks_find(&r->chunks, ref / GRANULES);
	uint32_t granule = ref % GRANULES;

	if (!chunk || !chunk->stacks || !(chunk->stacks[granule / 64] >> granule % 64 & 1))
		return NULL;
	return (const struct trace_stack *)(chunk->data + granule * TRACE_GRANULE);
}

size_t reader_stack_places(const struct reader *r)
{
	return (size_t)r->logs * GRANULES;
}

size_t reader_stack_place(const struct reader *r, uint32_t ref)
{
	return (size_t)find_chunk(r, ref, TRACE_CHUNK_LOG)->log * GRANULES + ref % GRANULES;
}

const struct trace_entry *reader_entry(const struct reader *r, uint32_t ref)
{
	const struct chunk *chunk = find_chunk(r, ref, TRACE_CHUNK_LEDGER);
	uint32_t offset = ref % GRANULES * TRACE_GRANULE;

	if (!chunk || offset < TRACE_CHUNK_HEADER_BYTES ||
	    offset >= end_of_ledger(r->header.version) ||
	    (offset - TRACE_CHUNK_HEADER_BYTES) % sizeof(struct trace_entry) != 0)
		return NULL;
	return (const struct trace_entry *)(chunk->data + offset);
}

bool reader_next_ring(const struct reader *r, struct reader_cursor *c, struct reader_ring *ring)
{
	for (; c->chunk < r->chunks.count; c->chunk++) {
		const struct trace_chunk *head = &r->chunks.chunk[c->chunk].head;

		if (head->kind != TRACE_CHUNK_RING || head->sequence == 0)
			continue;
		*ring = (struct reader_ring){ .chunk = r->chunks.chunk[c->chunk++].number,
					      .lane = head->lane,
					      .sequence = head->sequence,
					      .is_full = head->records != 0,
					      .transfers = head->transfers,
					      .first_time = head->first_time,
					      .last_time = head->last_time };
		return true;
	}
	return false;
}

static int compare_rings(const void *left, const void *right)
{
	const struct reader_ring *a = left, *b = right;

	if (a->lane != b->lane)
		return a->lane < b->lane ? -1 : 1;
	if (a->sequence != b->sequence)
		return a->sequence < b->sequence ? -1 : 1;
	return a->chunk < b->chunk ? -1 : a->chunk > b->chunk;
}

struct reader_ring *reader_list_rings(const struct reader *r, size_t *count)
{
	struct reader_ring *rings = NULL, ring;
	struct reader_cursor c = { 0 };
	size_t room = 0;

	*count = 0;
	while (reader_next_ring(r, &c, &ring)) {
		memory_room(rings, *count, room);
		rings[(*count)++] = ring;
	}
	if (rings)
		qsort(rings, *count, sizeof(*rings), compare_rings);
	return rings;
}

bool reader_read_events(const struct reader *r, const struct reader_ring *ring,
			struct reader_events *events, struct trouble *t)
{
	static const struct trace_event blank;

	events->count = events->torn = 0;
	if (!chunks_read_ring(&r->chunks, ring->chunk, (char *)events + EVENTS_READ_AT, t))
		return false;
	if (events->head.sequence == 0)
		return true;
	for (size_t i = 0; i < READER_RING_EVENTS; i++) {
		const struct trace_event *event = &events->event[i];
		uint64_t at =
			chunks_place(ring->chunk) + TRACE_CHUNK_HEADER_BYTES + i * sizeof(*event);

		if (!(event->state & TRACE_EVENT_COMMITTED)) {
			events->torn += memcmp(event, &blank, sizeof(blank)) != 0;
			continue;
		}
		if (!ranges_check_event(&r->defined, event, at, t) ||
		    !check_stack_ref(r, event->stack, at + offsetof(struct trace_event, stack),
				     "stack of an event", t))
			return false;
		if (events->count != i)
			events->event[events->count] = *event;
		events->count++;
	}
	return true;
}

bool reader_copy_chunk(const struct reader *r, uint32_t number, void *to, struct trouble *t)
{
	const struct chunk *chunk = chunks_find(&r->chunks, number);
	const struct trace_chunk *head = to;

	if (chunk && chunk->head.kind == TRACE_CHUNK_RING && chunk->head.sequence) {
		if (!chunks_read_ring(&r->chunks, number, to, t))
			return false;
		if (head->sequence)
			return true;
	} else if (chunk && chunk->data) {
		memcpy(to, chunk->data, TRACE_CHUNK_BYTES);
		return true;
	}
	memset(to, 0, TRACE_CHUNK_BYTES);
	return true;
}
