/* SPDX-License-Identifier: MIT */
#include "trace_builder.h"

#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LANES_MOST 64
#define CHUNKS_MOST 4096u /* reserved at once, so that items never move */

struct trace_builder {
	unsigned char *bytes;
	uint32_t chunks;
	/* For each kind: the chunk that is being filled (0: none), and how many bytes of it are
	 * used. */
	uint32_t open[TRACE_CHUNK_KINDS];
	uint32_t used[TRACE_CHUNK_KINDS];
	uint32_t ring[LANES_MOST], ring_used[LANES_MOST];
	uint64_t sequence, log_sequence;
	char folder[64];
	char path[128];
};

static void *must(void *memory)
{
	if (!memory) {
		perror("trace_builder");
		abort();
	}
	return memory;
}

static unsigned char *chunk_at(const struct trace_builder *b, uint32_t number)
{
	return b->bytes + (size_t)number * TRACE_CHUNK_BYTES;
}

static uint32_t new_chunk(struct trace_builder *b, enum trace_chunk_kind kind)
{
	uint32_t number = b->chunks++;

	if (number == CHUNKS_MOST)
		must(NULL);
	((struct trace_chunk *)chunk_at(b, number))->kind = kind;
	if (kind == TRACE_CHUNK_LOG)
		((struct trace_chunk *)chunk_at(b, number))->sequence = ++b->log_sequence;
	trace_builder_header(b)->chunks = b->chunks;
	return number;
}

/* Returns `bytes` bytes of a chunk of that kind. */
static void *new_item(struct trace_builder *b, enum trace_chunk_kind kind, size_t bytes)
{
	size_t end = kind == TRACE_CHUNK_LEDGER ? TRACE_LEDGER_ERAS_OFFSET : TRACE_CHUNK_BYTES;
	void *item;

	if (b->open[kind] == 0 || b->used[kind] + bytes > end) {
		b->open[kind] = new_chunk(b, kind);
		b->used[kind] = TRACE_CHUNK_HEADER_BYTES;
	}
	item = chunk_at(b, b->open[kind]) + b->used[kind];
	b->used[kind] += (uint32_t)bytes;
	return item;
}

static void fill_header(struct trace_header *h)
{
	memcpy(h->magic, TRACE_MAGIC, sizeof(h->magic));
	h->version = TRACE_VERSION;
	h->byte_order = TRACE_BYTE_ORDER;
	h->chunk_bytes = TRACE_CHUNK_BYTES;
	h->max_chunks = CHUNKS_MOST;
	h->mode = TRACE_MODE_RING;
	h->machine = EM_X86_64;
	h->pid = 4711;
	h->ppid = 42;
	h->start_time_ns = 1700000000123456789u; /* 2023-11-14T22:13:20 */
	h->depth = 64;
	h->clock_first = (struct trace_clock){ 1000, 5000 };
	/* A tick is two nanoseconds. */
	h->clock_last[0] = (struct trace_clock){ 1000 + 1000000000, 5000 + 2000000000 };
	h->end = TRACE_END_EXIT;
	h->chunks = 1;
}

#define DEFINE_FAMILY(constant, name) \
	trace_builder_text(b, TRACE_RECORD_FAMILY, FAMILY_##constant, name);
#define DEFINE_SLOT(table, name, family, role, shim) \
	trace_builder_text(b, TRACE_RECORD_FUNCTION, \
			   SLOT_##name | FAMILY_##family << 8 | TRACE_ROLE_##role << 16, #name);

#define DEFINE_TRANSFER(name, member, text, ...) \
	trace_builder_text(b, TRACE_RECORD_FUNCTION, TRANSFER_##name | TRACE_ROLE_TRANSFER << 16, \
			   text);

struct trace_builder *trace_builder_of_slots(void)
{
	struct trace_builder *b = must(calloc(1, sizeof(*b)));

	b->bytes = must(calloc(CHUNKS_MOST, TRACE_CHUNK_BYTES));
	b->chunks = 1;
	fill_header(trace_builder_header(b));
	TRACED_FAMILIES(DEFINE_FAMILY)
	TRACED_SLOTS(DEFINE_SLOT)
	return b;
}

struct trace_builder *trace_builder_new(void)
{
	struct trace_builder *b = trace_builder_of_slots();

	TRACED_TRANSFERS(DEFINE_TRANSFER)
	return b;
}

void trace_builder_free(struct trace_builder *b)
{
	if (!b)
		return;
	if (*b->folder) {
		unlink(b->path);
		rmdir(b->folder);
	}
	free(b->bytes);
	free(b);
}

struct trace_header *trace_builder_header(struct trace_builder *b)
{
	return (struct trace_header *)b->bytes;
}

/* Field 22 of /proc/PID/stat. */
static uint64_t find_start(int32_t pid)
{
	char path[64], text[2048] = "", *at;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = must(fopen(path, "r"));
	if (fread(text, 1, sizeof(text) - 1, file) == 0)
		must(NULL);
	fclose(file);
	at = strrchr(text, ')') + 1;
	for (unsigned field = 2; field < 21; field++)
		at = strchr(at + 1, ' ');
	return strtoull(at + 1, NULL, 10);
}

static void fill_boot_id(uint8_t id[16])
{
	FILE *file = must(fopen("/proc/sys/kernel/random/boot_id", "r"));
	char text[64] = "";
	unsigned nibbles = 0;

	must(fgets(text, sizeof(text), file));
	fclose(file);
	memset(id, 0, 16);
	for (const char *c = text; *c && nibbles < 32; c++) {
		unsigned digit;

		if (sscanf((char[]){ *c, 0 }, "%1x", &digit) != 1)
			continue;
		id[nibbles / 2] = (uint8_t)(id[nibbles / 2] << 4 | digit);
		nibbles++;
	}
}

void trace_builder_running(struct trace_builder *b, int32_t pid)
{
	struct trace_header *h = trace_builder_header(b);

	h->end = TRACE_END_RUNNING;
	h->pid = pid;
	h->pid_start = find_start(pid);
	fill_boot_id(h->boot_id);
}

void *trace_builder_record(struct trace_builder *b, enum trace_record_type type, size_t bytes)
{
	size_t whole = (sizeof(struct trace_record) + bytes + TRACE_GRANULE - 1) &
		       ~(size_t)(TRACE_GRANULE - 1);
	struct trace_record *record = new_item(b, TRACE_CHUNK_LOG, whole);

	record->bytes = (uint32_t)whole;
	record->type = (uint16_t)type;
	record->committed = 1;
	return record;
}

uint32_t trace_builder_ref(const struct trace_builder *b, const void *item)
{
	return (uint32_t)(((const unsigned char *)item - b->bytes) / TRACE_GRANULE);
}

void trace_builder_text(struct trace_builder *b, enum trace_record_type type, uint32_t number,
			const char *text)
{
	size_t length = strlen(text);
	struct trace_text *record =
		trace_builder_record(b, type, sizeof(*record) - sizeof(record->head) + length);

	record->number = number;
	record->length = (uint32_t)length;
	memcpy(record->text, text, length);
}

static struct trace_module *add_module(struct trace_builder *b, uint32_t id, const char *path,
				       uint64_t base)
{
	size_t length = strlen(path);
	struct trace_module *record = trace_builder_record(
		b, TRACE_RECORD_MODULE, sizeof(*record) - sizeof(record->head) + length);

	record->id = id;
	record->kind = TRACE_MODULE_ELF;
	record->base = base;
	record->start = base;
	record->end = base + 0x100000;
	record->path_bytes = (uint32_t)length;
	memcpy(record->path, path, length);
	return record;
}

void trace_builder_module(struct trace_builder *b, uint32_t id, const char *path, uint64_t base,
			  const char *build_id)
{
	struct trace_module *record = add_module(b, id, path, base);

	record->build_id_bytes = build_id ? (uint32_t)strlen(build_id) : 0;
	if (build_id)
		memcpy(record->build_id, build_id, record->build_id_bytes);
}

void trace_builder_pe_module(struct trace_builder *b, uint32_t id, const char *path, uint64_t base,
			     const struct trace_pe_id *pe_id)
{
	struct trace_module *record = add_module(b, id, path, base);

	record->kind = TRACE_MODULE_PE;
	record->build_id_bytes = sizeof(*pe_id);
	memcpy(record->build_id, pe_id, sizeof(*pe_id));
}

void trace_builder_package(struct trace_builder *b, uint32_t index, const char *name,
			   uint64_t package_id, uint32_t module)
{
	struct trace_package *record = trace_builder_record(b, TRACE_RECORD_PACKAGE,
							    sizeof(*record) - sizeof(record->head));

	record->index = index;
	record->module = module;
	record->package_id = package_id;
	if (name)
		trace_builder_text(b, TRACE_RECORD_PACKAGE_NAME, index, name);
}

uint64_t trace_builder_frame(uint32_t module, uint64_t offset)
{
	return (uint64_t)module << TRACE_FRAME_OFFSET_BITS | offset;
}

uint32_t trace_builder_stack(struct trace_builder *b, const uint64_t *frames, uint32_t count)
{
	struct trace_stack *record = trace_builder_record(b, TRACE_RECORD_STACK,
							  sizeof(*record) - sizeof(record->head) +
								  count * sizeof(*frames));

	record->frames = count;
	memcpy(record->frame, frames, count * sizeof(*frames));
	return trace_builder_ref(b, record);
}

uint32_t trace_builder_place(struct trace_builder *b, uint32_t module, uint64_t offset)
{
	uint64_t frame = trace_builder_frame(module, offset);

	return trace_builder_stack(b, &frame, 1);
}

uint32_t trace_builder_entry(struct trace_builder *b, struct trace_entry entry)
{
	struct trace_entry *item = new_item(b, TRACE_CHUNK_LEDGER, sizeof(entry));

	*item = entry;
	return trace_builder_ref(b, item);
}

void trace_builder_era(struct trace_builder *b, uint32_t entry, uint32_t era)
{
	size_t offset = (size_t)entry * TRACE_GRANULE;
	unsigned char *chunk = b->bytes + offset - offset % TRACE_CHUNK_BYTES;
	size_t i = (offset % TRACE_CHUNK_BYTES - TRACE_CHUNK_HEADER_BYTES) /
		   sizeof(struct trace_entry);

	((uint32_t *)(chunk + TRACE_LEDGER_ERAS_OFFSET))[i] = era;
}

void trace_builder_checkpoint(struct trace_builder *b, uint32_t era, uint64_t time, const char *name)
{
	struct trace_checkpoint *item =
		new_item(b, TRACE_CHUNK_CHECKPOINTS, sizeof(struct trace_checkpoint));

	item->era = era;
	item->time = time;
	strncpy(item->name, name, sizeof(item->name) - 1);
}

struct trace_finding *trace_builder_finding(struct trace_builder *b, struct trace_finding finding)
{
	struct trace_finding *item = new_item(b, TRACE_CHUNK_FINDINGS, sizeof(finding));

	*item = finding;
	item->committed = 1;
	if (item->count == 0)
		item->count = 1;
	return item;
}

struct trace_lane *trace_builder_lane(struct trace_builder *b, uint32_t number, int32_t tid)
{
	struct trace_lane *lane = new_item(b, TRACE_CHUNK_LANES, sizeof(*lane));

	lane->state = 1;
	lane->number = number;
	lane->tid = tid;
	return lane;
}

void trace_builder_counter(struct trace_builder *b, uint32_t package, unsigned function,
			   uint64_t calls, uint64_t failed, uint64_t bytes)
{
	struct trace_counters *item = new_item(b, TRACE_CHUNK_COUNTERS, sizeof(*item));

	item->valid = 1;
	item->package = package;
	item->first = function / TRACE_COUNTERS_FUNCTIONS * TRACE_COUNTERS_FUNCTIONS;
	item->function[function % TRACE_COUNTERS_FUNCTIONS] =
		(struct trace_counter){ calls, failed, bytes };
}

struct trace_event *trace_builder_event(struct trace_builder *b, uint32_t lane,
					struct trace_event event)
{
	struct trace_event *item;
	struct trace_chunk *chunk;

	if (b->ring[lane] == 0 || b->ring_used[lane] + sizeof(event) > TRACE_CHUNK_BYTES) {
		b->ring[lane] = new_chunk(b, TRACE_CHUNK_RING);
		b->ring_used[lane] = TRACE_CHUNK_HEADER_BYTES;
		chunk = (struct trace_chunk *)chunk_at(b, b->ring[lane]);
		chunk->lane = lane;
		chunk->sequence = ++b->sequence;
	}
	item = (struct trace_event *)(chunk_at(b, b->ring[lane]) + b->ring_used[lane]);
	*item = event;
	b->ring_used[lane] += sizeof(event);
	return item;
}

void trace_builder_close_ring(struct trace_builder *b, uint32_t lane)
{
	b->ring[lane] = 0;
}

struct trace_chunk *trace_builder_chunk(struct trace_builder *b, const void *item)
{
	size_t offset = (size_t)((const unsigned char *)item - b->bytes);

	return (struct trace_chunk *)chunk_at(b, (uint32_t)(offset / TRACE_CHUNK_BYTES));
}

unsigned char *trace_builder_bytes(struct trace_builder *b, size_t *size)
{
	*size = (size_t)b->chunks * TRACE_CHUNK_BYTES;
	return b->bytes;
}

const char *trace_builder_write_bytes(struct trace_builder *b, const void *bytes, size_t size)
{
	FILE *file;

	if (!*b->folder) {
		strcpy(b->folder, "/tmp/lsatrace-test-XXXXXX");
		must(mkdtemp(b->folder));
		snprintf(b->path, sizeof(b->path), "%s/some.trace", b->folder);
	}
	file = must(fopen(b->path, "w"));
	if ((size && fwrite(bytes, size, 1, file) != 1) || fclose(file) != 0)
		must(NULL);
	return b->path;
}

const char *trace_builder_write(struct trace_builder *b)
{
	size_t size;
	const unsigned char *bytes = trace_builder_bytes(b, &size);

	return trace_builder_write_bytes(b, bytes, size);
}
