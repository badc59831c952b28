/* SPDX-License-Identifier: MIT */
#include "viewer/read/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viewer/base/memory.h"
#include "viewer/base/progress.h"
#include "viewer/read/ranges.h"
#include "viewer/read/settle.h"

#define GRANULES (TRACE_CHUNK_BYTES / TRACE_GRANULE)

struct chunk {
	uint32_t kind;
	uint32_t lane;
	uint32_t records; /* RING: as in struct trace_chunk, as the next three */
	uint64_t first_time, last_time;
	uint32_t transfers;
	uint64_t sequence;
	unsigned char *data; /* NULL for a chunk that is free or of the ring */
	uint64_t *stacks;    /* LOG: one bit a granule, set where a valid stack begins */
};

struct reader {
	int fd;
	struct trace_header header;
	uint32_t chunks;
	struct chunk *chunk;
	uint32_t *log; /* numbers of the chunks of the log, in the order in which they were begun */
	uint32_t logs;
	struct checker check; /* its trouble: of whoever opens the file */
};

/* Reads all of [at, at + bytes). The file was long enough when it was opened. */
static bool read_at(const struct reader *r, struct reader_trouble *trouble, void *buffer,
		    size_t bytes, uint64_t at)
{
	size_t done = 0;

	while (done < bytes) {
		ssize_t got = pread(r->fd, (char *)buffer + done, bytes - done, (off_t)(at + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return check_fail(trouble, READER_CANNOT_READ, at + done, "%s at byte %llu",
					  strerror(errno), (unsigned long long)(at + done));
		if (got == 0)
			return check_fail(trouble, READER_CUT_OFF, at + done,
					  "cut off while it was read at byte %llu",
					  (unsigned long long)(at + done));
		done += (size_t)got;
	}
	return true;
}

static bool open_file(struct reader *r, const char *path, uint64_t *size)
{
	struct stat status;

	/* O_NONBLOCK: a FIFO without a writer must not be waited for. */
	r->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (r->fd < 0 || fstat(r->fd, &status) < 0)
		return check_fail(r->check.trouble, READER_CANNOT_OPEN, 0, "%s", strerror(errno));
	if (S_ISDIR(status.st_mode))
		return check_fail(r->check.trouble, READER_NOT_A_FILE, 0, "a folder, not a trace");
	if (!S_ISREG(status.st_mode))
		return check_fail(r->check.trouble, READER_NOT_A_FILE, 0, "not a regular file");
	if (status.st_size == 0)
		return check_fail(r->check.trouble, READER_EMPTY, 0,
				  "empty file, not a trace at byte 0");
	*size = (uint64_t)status.st_size;
	return true;
}

static bool read_header(struct reader *r, uint64_t size)
{
	struct trace_header *h = &r->header;
	size_t there = size < sizeof(*h) ? (size_t)size : sizeof(*h);
	size_t magic = there < sizeof(h->magic) ? there : sizeof(h->magic);

	if (!read_at(r, r->check.trouble, h, there, 0))
		return false;
	if (memcmp(h->magic, TRACE_MAGIC, magic) != 0)
		return check_fail(r->check.trouble, READER_NOT_A_TRACE, 0,
				  "not an lsatrace trace at byte 0");
	if (there >= offsetof(struct trace_header, chunk_bytes)) {
		if (h->byte_order == __builtin_bswap32(TRACE_BYTE_ORDER))
			return check_fail(r->check.trouble, READER_OTHER_BYTE_ORDER,
					  offsetof(struct trace_header, byte_order),
					  "made on a machine of the other byte order at byte %zu",
					  offsetof(struct trace_header, byte_order));
		if (h->byte_order != TRACE_BYTE_ORDER)
			return check_damaged(r->check.trouble,
					     offsetof(struct trace_header, byte_order),
					     "no byte order");
		if (h->version != TRACE_VERSION)
			return check_fail(
				r->check.trouble, READER_OTHER_VERSION,
				offsetof(struct trace_header, version),
				"of format version %u, this lsatrace reads %u at byte %zu",
				h->version, TRACE_VERSION, offsetof(struct trace_header, version));
	}
	if (there < sizeof(*h))
		return check_fail(r->check.trouble, READER_CUT_OFF, size,
				  "cut off: a header has %zu bytes, the file ends at byte %llu",
				  sizeof(*h), (unsigned long long)size);
	return true;
}

static bool require(const struct reader *r, bool good, uint64_t at, const char *what)
{
	return good || check_damaged(r->check.trouble, at, what);
}

static bool check_size(const struct reader *r, uint64_t size)
{
	if (r->header.chunks <= size / TRACE_CHUNK_BYTES)
		return true;
	return check_fail(
		r->check.trouble, READER_CUT_OFF, size,
		"cut off: the header says %u chunks of %u bytes, the file ends at byte %llu",
		r->header.chunks, TRACE_CHUNK_BYTES, (unsigned long long)size);
}

/* Notes what others refer to: stacks, families, functions. */
static void note_record(struct reader *r, struct chunk *chunk, uint32_t offset)
{
	const struct trace_record *record = (const struct trace_record *)(chunk->data + offset);
	uint32_t number = ((const struct trace_text *)record)->number;

	if (record->type == TRACE_RECORD_STACK)
		chunk->stacks[offset / TRACE_GRANULE / 64] |= 1ull << offset / TRACE_GRANULE % 64;
	else if (record->type == TRACE_RECORD_FAMILY)
		r->check.family[number] = true;
	else if (record->type == TRACE_RECORD_FUNCTION)
		r->check.role[number & 255] = (uint8_t)(number >> 16);
}

static bool check_log(struct reader *r, struct chunk *chunk, uint64_t base)
{
	uint32_t offset = TRACE_CHUNK_HEADER_BYTES;

	chunk->stacks = memory_new(GRANULES / 64, sizeof(*chunk->stacks));
	while (offset < TRACE_CHUNK_BYTES) {
		const struct trace_record *record = (const void *)(chunk->data + offset);

		if (record->bytes == 0) {
			offset += TRACE_GRANULE;
			continue;
		}
		if (!require(r,
			     record->bytes % TRACE_GRANULE == 0 &&
				     record->bytes <= TRACE_CHUNK_BYTES - offset,
			     base + offset, "size of a record") ||
		    !require(r, record->committed <= 1,
			     base + offset + offsetof(struct trace_record, committed),
			     "mark of a valid record"))
			return false;
		if (record->committed) {
			if (!check_record(&r->check, record, base + offset))
				return false;
			note_record(r, chunk, offset);
		}
		offset += record->bytes;
	}
	return true;
}

/* What to do with a chunk of a kind; its item_bytes are 0 if it is no array. */
struct array {
	size_t item_bytes;
	bool (*check)(const struct checker *c, const void *item, uint64_t at);
	void (*settle)(const unsigned char *first, unsigned char *then);
};

#define CHECK_ITEM(name) \
	static bool check_##name##_item(const struct checker *c, const void *item, uint64_t at) \
	{ \
		return check_##name(c, item, at); \
	}
CHECK_ITEM(entry)
CHECK_ITEM(finding)
CHECK_ITEM(lane)
CHECK_ITEM(counters)

static const struct array arrays[TRACE_CHUNK_KINDS] = {
	[TRACE_CHUNK_LOG] = { 0, NULL, settle_log },
	[TRACE_CHUNK_LEDGER] = { sizeof(struct trace_entry), check_entry_item, settle_ledger },
	[TRACE_CHUNK_FINDINGS] = { sizeof(struct trace_finding), check_finding_item,
				   settle_findings },
	[TRACE_CHUNK_LANES] = { sizeof(struct trace_lane), check_lane_item, settle_lanes },
	[TRACE_CHUNK_COUNTERS] = { sizeof(struct trace_counters), check_counters_item,
				   settle_counters },
};

static bool check_array(const struct reader *r, const struct chunk *chunk, uint64_t base)
{
	const struct array *array = &arrays[chunk->kind];
	size_t items = (TRACE_CHUNK_BYTES - TRACE_CHUNK_HEADER_BYTES) / array->item_bytes;

	for (size_t i = 0; i < items; i++) {
		size_t offset = TRACE_CHUNK_HEADER_BYTES + i * array->item_bytes;

		if (!array->check(&r->check, chunk->data + offset, base + offset))
			return false;
	}
	return true;
}

static uint64_t place(uint32_t chunk)
{
	return (uint64_t)chunk * TRACE_CHUNK_BYTES;
}

/* Copies a chunk with results. One that is not what its header said before is left out. */
static bool load_chunk(struct reader *r, uint32_t number)
{
	struct chunk *chunk = &r->chunk[number];
	unsigned char *data = memory_new(1, TRACE_CHUNK_BYTES);
	unsigned char first[TRACE_CHUNK_BYTES] __attribute__((aligned(16)));

	chunk->data = data;
	if (!read_at(r, r->check.trouble, r->check.moving ? first : data, TRACE_CHUNK_BYTES,
		     place(number)))
		return false;
	if (r->check.moving) {
		if (!read_at(r, r->check.trouble, data, TRACE_CHUNK_BYTES, place(number)))
			return false;
		arrays[chunk->kind].settle(first, data);
	}
	chunk->sequence = ((const struct trace_chunk *)data)->sequence;
	if (((const struct trace_chunk *)data)->kind != chunk->kind) {
		free(data);
		chunk->data = NULL;
		chunk->kind = TRACE_CHUNK_FREE;
	}
	return true;
}

/* Learns what each chunk holds, of those of which that is not known or may have changed. */
static bool load_kinds(struct reader *r)
{
	for (uint32_t i = 1; i < r->chunks; i++) {
		struct chunk *chunk = &r->chunk[i];
		struct trace_chunk head;

		if (chunk->data)
			continue;
		if (!read_at(r, r->check.trouble, &head, sizeof(head), place(i)) ||
		    !require(r, head.kind < TRACE_CHUNK_KINDS, place(i), "kind of a chunk"))
			return false;
		chunk->kind = head.kind;
		chunk->lane = head.lane;
		chunk->sequence = head.sequence;
		chunk->records = head.records;
		chunk->first_time = head.first_time;
		chunk->last_time = head.last_time;
		chunk->transfers = head.transfers;
		if (!require(r, head.records == 0 || head.records == READER_RING_EVENTS,
			     place(i) + offsetof(struct trace_chunk, records),
			     "number of records of a chunk") ||
		    !require(r, head.transfers <= READER_RING_EVENTS,
			     place(i) + offsetof(struct trace_chunk, transfers),
			     "number of transfers of a chunk"))
			return false;
	}
	return true;
}

static bool load_chunks(struct reader *r, bool logs, struct progress *progress)
{
	for (uint32_t i = 1; i < r->chunks; i++) {
		struct chunk *chunk = &r->chunk[i];

		progress_show(progress, "reading results", i, r->chunks);
		if (chunk->data || chunk->kind == TRACE_CHUNK_FREE ||
		    chunk->kind == TRACE_CHUNK_RING || (chunk->kind == TRACE_CHUNK_LOG) != logs)
			continue;
		if (!load_chunk(r, i))
			return false;
	}
	return true;
}

/* A file in motion may have grown since the header was read; what is new may hold stacks. */
static bool look_again(struct reader *r)
{
	struct trace_header *h = &r->header;
	struct stat status;
	uint32_t before = r->chunks;

	if (!r->check.moving)
		return true;
	if (!read_at(r, r->check.trouble, h, sizeof(*h), 0) || !check_header(&r->check, &r->header))
		return false;
	if (fstat(r->fd, &status) < 0)
		return check_fail(r->check.trouble, READER_CANNOT_READ, 0, "%s", strerror(errno));
	if (!check_size(r, (uint64_t)status.st_size))
		return false;
	if (h->chunks > before) {
		r->chunk = memory_resize(r->chunk, h->chunks, sizeof(*r->chunk));
		memset(r->chunk + before, 0, (h->chunks - before) * sizeof(*r->chunk));
		r->chunks = h->chunks;
	}
	return load_kinds(r);
}

static bool check_chunks(struct reader *r, bool logs)
{
	for (uint32_t i = 1; i < r->chunks; i++) {
		struct chunk *chunk = &r->chunk[i];

		if (!chunk->data || (chunk->kind == TRACE_CHUNK_LOG) != logs)
			continue;
		if (logs ? !check_log(r, chunk, place(i)) : !check_array(r, chunk, place(i)))
			return false;
	}
	return true;
}

/*
 * A log chunk may have been a ring chunk before, so its place in the file says nothing of its age.
 */
static int compare_logs(const void *left, const void *right, void *reader)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	const struct chunk *chunk = ((const struct reader *)reader)->chunk;

	if (chunk[a].sequence != chunk[b].sequence)
		return chunk[a].sequence < chunk[b].sequence ? -1 : 1;
	return a < b ? -1 : a > b;
}

static bool order_log(struct reader *r)
{
	r->log = memory_new(r->chunks, sizeof(*r->log));
	for (uint32_t i = 1; i < r->chunks; i++) {
		if (r->chunk[i].kind != TRACE_CHUNK_LOG || !r->chunk[i].data)
			continue;
		if (!require(r, r->chunk[i].sequence != 0 || r->check.moving,
			     place(i) + offsetof(struct trace_chunk, sequence),
			     "number of a chunk of the log"))
			return false;
		r->log[r->logs++] = i;
	}
	qsort_r(r->log, r->logs, sizeof(*r->log), compare_logs, r);
	return true;
}

/* Transfers are of no family: their blocks are. */
static bool is_family_right(const struct reader *r, uint32_t function)
{
	uint32_t family = function >> 8 & 255;

	return function >> 16 == TRACE_ROLE_TRANSFER ? family == 0 : r->check.family[family];
}

static bool check_families(struct reader *r)
{
	struct reader_cursor c = { 0 };
	const struct trace_record *record;

	while ((record = reader_next_record(r, &c)) != NULL) {
		const struct trace_text *text = (const struct trace_text *)record;
		uint64_t at = place(r->log[c.chunk]) + c.offset - record->bytes;

		if (record->type == TRACE_RECORD_FUNCTION &&
		    !require(r, is_family_right(r, text->number),
			     at + offsetof(struct trace_text, number), "family of a function"))
			return false;
		if (record->type == TRACE_RECORD_ALLOCATOR &&
		    !require(r, r->check.family[text->number >> 8 & 255],
			     at + offsetof(struct trace_text, number), "family of an allocator"))
			return false;
	}
	return true;
}

static bool load(struct reader *r, const char *path, struct progress *progress)
{
	uint64_t size = 0;

	if (!open_file(r, path, &size) || !read_header(r, size) ||
	    !check_header(&r->check, &r->header) || !check_size(r, size))
		return false;
	r->check.moving = r->header.end == TRACE_END_RUNNING;
	r->chunks = r->header.chunks;
	r->chunk = memory_new(r->chunks, sizeof(*r->chunk));
	return load_kinds(r) && load_chunks(r, false, progress) && look_again(r) &&
	       load_chunks(r, true, progress) && order_log(r) && check_chunks(r, true) &&
	       check_families(r) && check_chunks(r, false);
}

struct reader *reader_open(const char *path, struct progress *progress,
			   struct reader_trouble *trouble)
{
	struct reader *r = memory_new(1, sizeof(*r));

	*trouble = (struct reader_trouble){ 0 };
	r->check.trouble = trouble;
	r->check.reader = r;
	r->fd = -1;
	if (!load(r, path, progress)) {
		reader_close(r);
		return NULL;
	}
	return r;
}

void reader_close(struct reader *r)
{
	if (!r)
		return;
	for (uint32_t i = 0; i < r->chunks; i++) {
		free(r->chunk[i].data);
		free(r->chunk[i].stacks);
	}
	free(r->chunk);
	free(r->log);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
}

const struct trace_header *reader_header(const struct reader *r)
{
	return &r->header;
}

/*
 * Moves to the next chunk of a kind whose content is there, if the cursor has left the one it is
 * in.
 */
static const struct chunk *next_chunk(const struct reader *r, struct reader_cursor *c, uint32_t kind)
{
	if (c->offset >= TRACE_CHUNK_BYTES) {
		c->chunk++;
		c->offset = 0;
	}
	for (; c->chunk < r->chunks; c->chunk++, c->offset = 0) {
		const struct chunk *chunk = &r->chunk[c->chunk];

		if (chunk->kind != kind || !chunk->data)
			continue;
		if (c->offset == 0)
			c->offset = TRACE_CHUNK_HEADER_BYTES;
		return chunk;
	}
	return NULL;
}

/* A cursor over the log counts its chunks in their own order. */
const struct trace_record *reader_next_record(const struct reader *r, struct reader_cursor *c)
{
	for (; c->chunk < r->logs; c->chunk++, c->offset = 0) {
		const unsigned char *data = r->chunk[r->log[c->chunk]].data;

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

/* The next item of an array, valid or not. */
static const void *next_item(const struct reader *r, struct reader_cursor *c, uint32_t kind,
			     uint32_t *ref)
{
	const struct chunk *chunk = next_chunk(r, c, kind);
	const void *item;

	if (!chunk)
		return NULL;
	item = chunk->data + c->offset;
	if (ref)
		*ref = c->chunk * GRANULES + c->offset / TRACE_GRANULE;
	c->offset += (uint32_t)arrays[kind].item_bytes;
	if (c->offset + arrays[kind].item_bytes > TRACE_CHUNK_BYTES)
		c->offset = TRACE_CHUNK_BYTES;
	return item;
}

const struct trace_entry *reader_next_entry(const struct reader *r, struct reader_cursor *c,
					    uint32_t *ref)
{
	const struct trace_entry *entry;

	while ((entry = next_item(r, c, TRACE_CHUNK_LEDGER, ref)) != NULL)
		if (entry->state != TRACE_ENTRY_FREE)
			return entry;
	return NULL;
}

const struct trace_finding *reader_next_finding(const struct reader *r, struct reader_cursor *c)
{
	const struct trace_finding *finding;

	while ((finding = next_item(r, c, TRACE_CHUNK_FINDINGS, NULL)) != NULL)
		if (finding->committed)
			return finding;
	return NULL;
}

const struct trace_lane *reader_next_lane(const struct reader *r, struct reader_cursor *c)
{
	const struct trace_lane *lane;

	while ((lane = next_item(r, c, TRACE_CHUNK_LANES, NULL)) != NULL)
		if (lane->state != 0)
			return lane;
	return NULL;
}

const struct trace_counters *reader_next_counters(const struct reader *r, struct reader_cursor *c)
{
	const struct trace_counters *counters;

	while ((counters = next_item(r, c, TRACE_CHUNK_COUNTERS, NULL)) != NULL)
		if (counters->valid)
			return counters;
	return NULL;
}

static const struct chunk *referred(const struct reader *r, uint32_t ref, uint32_t kind)
{
	uint32_t number = ref / GRANULES;

	if (number >= r->chunks || r->chunk[number].kind != kind || !r->chunk[number].data)
		return NULL;
	return &r->chunk[number];
}

const struct trace_stack *reader_stack(const struct reader *r, uint32_t ref)
{
	const struct chunk *chunk = referred(r, ref, TRACE_CHUNK_LOG);
	uint32_t granule = ref % GRANULES;

	if (!chunk || !(chunk->stacks[granule / 64] >> granule % 64 & 1))
		return NULL;
	return (const struct trace_stack *)(chunk->data + granule * TRACE_GRANULE);
}

const struct trace_entry *reader_entry(const struct reader *r, uint32_t ref)
{
	const struct chunk *chunk = referred(r, ref, TRACE_CHUNK_LEDGER);
	uint32_t offset = ref % GRANULES * TRACE_GRANULE;

	if (!chunk || offset < TRACE_CHUNK_HEADER_BYTES ||
	    (offset - TRACE_CHUNK_HEADER_BYTES) % sizeof(struct trace_entry) != 0)
		return NULL;
	return (const struct trace_entry *)(chunk->data + offset);
}

bool reader_next_ring(const struct reader *r, struct reader_cursor *c, struct reader_ring *ring)
{
	for (; c->chunk < r->chunks; c->chunk++) {
		const struct chunk *chunk = &r->chunk[c->chunk];

		if (chunk->kind != TRACE_CHUNK_RING || chunk->sequence == 0)
			continue;
		*ring = (struct reader_ring){ .chunk = c->chunk++,
					      .lane = chunk->lane,
					      .sequence = chunk->sequence,
					      .is_full = chunk->records != 0,
					      .transfers = chunk->transfers,
					      .first_time = chunk->first_time,
					      .last_time = chunk->last_time };
		return true;
	}
	return false;
}

static bool is_blank(const struct trace_event *e)
{
	static const struct trace_event blank;

	return memcmp(e, &blank, sizeof(blank)) == 0;
}

/* Both readings of a ring chunk in a row, of which a file at rest needs only the second. */
struct ring_copy {
	struct trace_chunk head;
	struct trace_event event[READER_RING_EVENTS];
};
_Static_assert(sizeof(struct ring_copy) == TRACE_CHUNK_BYTES, "no slack");

static bool read_ring(const struct reader *r, struct reader_trouble *trouble,
		      const struct reader_ring *ring, struct ring_copy *copy)
{
	struct ring_copy first;
	uint64_t at = place(ring->chunk);

	if (!r->check.moving)
		return read_at(r, trouble, copy, sizeof(*copy), at);
	if (!read_at(r, trouble, &first, sizeof(first), at) ||
	    !read_at(r, trouble, copy, sizeof(*copy), at))
		return false;
	for (size_t i = 0; i < READER_RING_EVENTS; i++)
		copy->event[i].state &= first.event[i].state;
	/* Taken again between the two: the first reading's events are another's, or gone. */
	if (first.head.sequence != ring->sequence)
		copy->head.sequence = 0;
	return true;
}

enum reader_error reader_events(const struct reader *r, const struct reader_ring *ring,
				struct reader_events *events, struct reader_trouble *trouble)
{
	struct checker c = r->check;
	struct ring_copy copy;
	uint64_t at = place(ring->chunk) + offsetof(struct ring_copy, event);

	c.trouble = trouble;
	events->count = events->torn = 0;
	if (!read_ring(r, trouble, ring, &copy))
		return trouble->error;
	if (copy.head.kind != TRACE_CHUNK_RING || copy.head.sequence != ring->sequence)
		return READER_OK;
	for (size_t i = 0; i < READER_RING_EVENTS; i++, at += sizeof(struct trace_event)) {
		if (!(copy.event[i].state & TRACE_EVENT_COMMITTED)) {
			events->torn += !is_blank(&copy.event[i]);
			continue;
		}
		if (!check_event(&c, &copy.event[i], at))
			return trouble->error;
		events->event[events->count++] = copy.event[i];
	}
	return READER_OK;
}
