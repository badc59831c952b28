/* SPDX-License-Identifier: MIT */
/* Packed traces: valid ones, and changes that know what a trace is made of. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/support/trace_builder.h"

#define GRANULES (TRACE_CHUNK_BYTES / TRACE_GRANULE)

/* A trace whose chunks have room to grow. */
struct unpacked {
	uint8_t bytes[FUZZ_CHUNKS][TRACE_CHUNK_BYTES] __attribute__((aligned(16)));
	uint32_t used[FUZZ_CHUNKS]; /* all bytes behind these are zero */
	uint32_t count;
};

uint32_t fuzz_unpack(const uint8_t *data, size_t size, struct fuzz_chunk chunk[FUZZ_CHUNKS])
{
	uint32_t count = 0;

	while (count < FUZZ_CHUNKS && size >= 2) {
		uint32_t used = data[0] | (uint32_t)data[1] << 8;

		data += 2;
		size -= 2;
		used = used < TRACE_CHUNK_BYTES ? used : TRACE_CHUNK_BYTES;
		used = used < size ? used : (uint32_t)size;
		chunk[count++] = (struct fuzz_chunk){ data, used };
		data += used;
		size -= used;
	}
	return count;
}

static void unpack(struct unpacked *u, const uint8_t *data, size_t size)
{
	struct fuzz_chunk chunk[FUZZ_CHUNKS];
	uint32_t count = fuzz_unpack(data, size, chunk);

	for (uint32_t i = 0; i < FUZZ_CHUNKS; i++) {
		uint32_t used = i < count ? chunk[i].used : 0;

		if (u->used[i] > used)
			memset(u->bytes[i] + used, 0, u->used[i] - used);
		if (used)
			memcpy(u->bytes[i], chunk[i].bytes, used);
		u->used[i] = used;
	}
	u->count = count;
}

/* Appends a chunk to a packed trace, if there is room. */
static size_t pack_chunk(uint8_t *data, size_t size, size_t room, const uint8_t *bytes,
			 uint32_t used)
{
	while (used && !bytes[used - 1])
		used--;
	if (room - size < used + 2)
		return size;
	data[size] = (uint8_t)used;
	data[size + 1] = (uint8_t)(used >> 8);
	memcpy(data + size + 2, bytes, used);
	return size + 2 + used;
}

static size_t pack(uint8_t *data, size_t room, const struct unpacked *u)
{
	size_t size = 0;

	for (uint32_t i = 0; i < u->count; i++)
		size = pack_chunk(data, size, room, u->bytes[i], u->used[i]);
	return size;
}

/* Valid traces. */

static void add_stacks(struct trace_builder *b, uint32_t stack[4])
{
	uint64_t frames[] = { trace_builder_frame(1, 0x1234), trace_builder_frame(2, 0x2345),
			      trace_builder_frame(0, 0x7f0000001000), trace_builder_frame(9, 5) };

	trace_builder_text(b, TRACE_RECORD_EXE, 0, "/bin/host");
	trace_builder_text(b, TRACE_RECORD_ARGUMENT, 0, "host");
	trace_builder_text(b, TRACE_RECORD_ARGUMENT, 1, "one");
	trace_builder_text(b, TRACE_RECORD_ARGUMENT, 1, "\xff");
	trace_builder_module(b, 1, "/nonexistent/a.so", 0x1000, "\x01\x02\x03");
	trace_builder_module(b, 2, "b.so", 0x7f00, NULL);
	trace_builder_package(b, 0, "alpha", 1, 1);
	trace_builder_package(b, 3, NULL, 2, 2);
	trace_builder_text(b, TRACE_RECORD_ALLOCATOR, FAMILY_SHARED_MEMORY << 8, "");
	for (uint32_t i = 0; i < 4; i++)
		stack[i] = trace_builder_stack(b, frames, i + 1);
	trace_builder_text(b, TRACE_RECORD_PACKAGE_GONE, 3, "");
}

static void add_ledger(struct trace_builder *b, const uint32_t stack[4])
{
	uint32_t section =
		trace_builder_entry(b, (struct trace_entry){ .address = 0x10000,
							     .size = 65536 | 4096ull << 32,
							     .section = 5,
							     .stack = stack[0],
							     .state = TRACE_ENTRY_SECTION,
							     .family = FAMILY_SHARED_MEMORY });

	for (unsigned i = 0; i < 6; i++)
		trace_builder_entry(b, (struct trace_entry){ .address = 0x10000 + i * 64,
							     .size = 64,
							     .section = i & 1 ? section : 0,
							     .stack = stack[i % 4],
							     .state = (uint8_t)(1 + i % 4),
							     .family = FAMILY_SHARED_MEMORY,
							     .package = i & 2 ? 3 : 0 });
}

static void add_findings(struct trace_builder *b, const uint32_t stack[4])
{
	for (unsigned kind = TRACE_KIND_LIVE_AT_DELETE; kind < TRACE_KIND_COUNT; kind++)
		trace_builder_finding(
			b, (struct trace_finding){ .address = 0x10010,
						   .size = 64,
						   .block = 0x10040,
						   .section = { 0x10000, 65536, 4096 },
						   .owner = { 0x20000, 1, 1 },
						   .stack = { stack[kind % 4], stack[1], stack[2] },
						   .flags = 63,
						   .kind = (uint8_t)kind,
						   .reason = (uint8_t)(kind % TRACE_REASON_COUNT),
						   .family = FAMILY_SHARED_MEMORY,
						   .block_family = FAMILY_LSA_HEAP,
						   .function = SLOT_FreeSharedMemory });
}

static void add_calls(struct trace_builder *b, const uint32_t stack[4])
{
	struct trace_lane *lane = trace_builder_lane(b, 0, 4711);

	lane->depth = 2;
	lane->in_flight[0].function = SLOT_FreeSharedMemory;
	lane->in_flight[1].stack = stack[3];
	trace_builder_counter(b, 0, SLOT_AllocateSharedMemory, 7, 1, 64);
	trace_builder_counter(b, 3, TRANSFER_LogonUser, 2, 0, 64);
	for (unsigned i = 0; i < 8; i++)
		trace_builder_event(
			b, i & 1,
			(struct trace_event){ .time = 2000 + i * 1000,
					      .duration = i,
					      .address = 0x10000 + i,
					      .section = 0x10000,
					      .size = 64,
					      .stack = stack[i % 4],
					      .tid = 4711,
					      .result = FAMILY_LSA_HEAP,
					      .function = (uint8_t)(i < 6 ? i : TRANSFER_LogonUser),
					      .verdict = i == 3 ? TRACE_KIND_DOUBLE_FREE : 0,
					      .state = (uint8_t)(1 + i % 7) });
}

/* Builds one of four traces: small or with all that there is, at rest or in motion. */
static size_t build_trace(uint8_t *data, size_t room, unsigned which)
{
	struct trace_builder *b = trace_builder_new();
	uint32_t stack[4];
	size_t size = 0, bytes_size;
	const uint8_t *bytes;

	trace_builder_header(b)->end = which & 1 ? TRACE_END_RUNNING : TRACE_END_EXIT;
	add_stacks(b, stack);
	add_ledger(b, stack);
	if (which & 2) {
		add_findings(b, stack);
		add_calls(b, stack);
	}
	bytes = trace_builder_bytes(b, &bytes_size);
	for (size_t at = 0; at < bytes_size; at += TRACE_CHUNK_BYTES)
		size = pack_chunk(data, size, room, bytes + at, TRACE_CHUNK_BYTES);
	trace_builder_free(b);
	return size;
}

static size_t copy_valid(uint8_t *data, size_t room, unsigned which)
{
	static uint8_t valid[4][FUZZ_BYTES];
	static size_t size[4];

	which &= 3;
	if (!size[which])
		size[which] = build_trace(valid[which], FUZZ_BYTES, which);
	if (size[which] > room)
		return 0;
	memcpy(data, valid[which], size[which]);
	return size[which];
}

/* Changes. */

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

/* Where an item of a chunk lies. */
struct place {
	uint32_t at, bytes;
};

static struct place pick_record(const uint8_t *chunk, uint32_t used, uint64_t *state)
{
	struct place place = { TRACE_CHUNK_HEADER_BYTES, TRACE_GRANULE };
	uint32_t steps = next_random(state) % 128, at = TRACE_CHUNK_HEADER_BYTES;

	for (; at < used; steps--) {
		uint32_t bytes = ((const struct trace_record *)(chunk + at))->bytes;

		if (bytes == 0 || bytes % TRACE_GRANULE || bytes > TRACE_CHUNK_BYTES - at)
			bytes = TRACE_GRANULE;
		place = (struct place){ at, bytes };
		if (steps == 0)
			break;
		at += bytes;
		if (at >= used && used > TRACE_CHUNK_HEADER_BYTES)
			at = TRACE_CHUNK_HEADER_BYTES;
	}
	return place;
}

static struct place pick_item(const struct unpacked *u, uint32_t number, uint64_t *state)
{
	static const uint32_t item_bytes[] = {
		[TRACE_CHUNK_LEDGER] = sizeof(struct trace_entry),
		[TRACE_CHUNK_FINDINGS] = sizeof(struct trace_finding),
		[TRACE_CHUNK_LANES] = sizeof(struct trace_lane),
		[TRACE_CHUNK_COUNTERS] = sizeof(struct trace_counters),
		[TRACE_CHUNK_RING] = sizeof(struct trace_event),
		[TRACE_CHUNK_CHECKPOINTS] = sizeof(struct trace_checkpoint),
	};
	uint32_t kind = ((const struct trace_chunk *)u->bytes[number])->kind, bytes, items;

	if (number == 0)
		return (struct place){ 0, sizeof(struct trace_header) };
	if (next_random(state) % 16 == 0)
		return (struct place){ 0, sizeof(struct trace_chunk) };
	if (kind == TRACE_CHUNK_LOG)
		return pick_record(u->bytes[number], u->used[number], state);
	bytes = kind < TRACE_CHUNK_KINDS && item_bytes[kind] ? item_bytes[kind] : TRACE_GRANULE;
	items = u->used[number] / bytes + 1;
	if (items > (TRACE_CHUNK_BYTES - TRACE_CHUNK_HEADER_BYTES) / bytes)
		items = (TRACE_CHUNK_BYTES - TRACE_CHUNK_HEADER_BYTES) / bytes;
	return (struct place){ TRACE_CHUNK_HEADER_BYTES + next_random(state) % items * bytes,
			       bytes };
}

static uint32_t pick_chunk(const struct unpacked *u, uint64_t *state)
{
	return next_random(state) % u->count;
}

/* A reference to some item. */
static uint32_t pick_reference(const struct unpacked *u, uint64_t *state)
{
	uint32_t number = pick_chunk(u, state);

	return number * GRANULES + pick_item(u, number, state).at / TRACE_GRANULE;
}

static uint64_t pick_value(const struct unpacked *u, uint64_t old, uint64_t *state)
{
	switch (next_random(state) % 9) {
	case 0:
		return 0;
	case 1:
		return UINT64_MAX;
	case 2:
		return old + 1;
	case 3:
		return old - 1;
	case 4:
		return pick_reference(u, state);
	case 5:
		return old ^ 1ull << next_random(state) % 64;
	case 6:
		return next_random(state) % 300;
	case 7:
		return next_random(state) % GRANULES * TRACE_GRANULE; /* the size of a record */
	default:
		return (uint64_t)next_random(state) << 32 | next_random(state);
	}
}

static void touch(struct unpacked *u, uint32_t number, uint32_t end)
{
	if (u->used[number] < end)
		u->used[number] = end;
}

static void change_field(struct unpacked *u, uint64_t *state)
{
	uint32_t number = pick_chunk(u, state), bytes = 1u << next_random(state) % 4;
	struct place place = pick_item(u, number, state);
	uint32_t at = place.at + next_random(state) % (place.bytes / bytes) * bytes;
	uint64_t value = 0;

	memcpy(&value, u->bytes[number] + at, bytes);
	value = pick_value(u, value, state);
	memcpy(u->bytes[number] + at, &value, bytes);
	touch(u, number, at + bytes);
}

static void copy_item(struct unpacked *u, uint64_t *state)
{
	uint32_t from = pick_chunk(u, state),
		 to = next_random(state) % 4 ? from : pick_chunk(u, state);
	struct place a = pick_item(u, from, state), b = pick_item(u, to, state);
	uint32_t bytes = a.bytes < TRACE_CHUNK_BYTES - b.at ? a.bytes : TRACE_CHUNK_BYTES - b.at;

	memmove(u->bytes[to] + b.at, u->bytes[from] + a.at, bytes);
	touch(u, to, b.at + bytes);
}

/* Copies a chunk over another one, or behind the last one. */
static void copy_chunk(struct unpacked *u, uint64_t *state)
{
	uint32_t from = pick_chunk(u, state);
	uint32_t to =
		next_random(state) % 2 && u->count < FUZZ_CHUNKS ? u->count : pick_chunk(u, state);

	if (to == from)
		return;
	memcpy(u->bytes[to], u->bytes[from], TRACE_CHUNK_BYTES);
	u->used[to] = u->used[from];
	if (to == u->count)
		u->count++;
}

/* Fills a ring chunk, as its header then says. */
static void fill_ring(struct unpacked *u, uint64_t *state)
{
	uint32_t number = pick_chunk(u, state);
	struct trace_chunk *chunk = (struct trace_chunk *)u->bytes[number];

	if (chunk->kind != TRACE_CHUNK_RING)
		return;
	chunk->records = TRACE_ITEMS(struct trace_event);
	chunk->transfers = next_random(state) % 300;
	chunk->last_time = next_random(state);
}

size_t fuzz_mutate(uint8_t *data, size_t size, size_t room, unsigned seed)
{
	static struct unpacked u;
	uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
	unsigned changes = 1 + next_random(&state) % 4;

	room = room < FUZZ_BYTES ? room : FUZZ_BYTES;
	if (size < sizeof(struct trace_header) || next_random(&state) % 64 == 0)
		size = copy_valid(data, room, next_random(&state));
	unpack(&u, data, size);
	if (u.count == 0)
		return size;
	while (changes-- > 0) {
		switch (next_random(&state) % 16) {
		case 0:
			copy_chunk(&u, &state);
			break;
		case 1:
			fill_ring(&u, &state);
			break;
		case 2:
		case 3:
		case 4:
			copy_item(&u, &state);
			break;
		default:
			change_field(&u, &state);
		}
	}
	if (next_random(&state) % 16) {
		((struct trace_header *)u.bytes[0])->chunks = u.count;
		touch(&u, 0, sizeof(struct trace_header));
	}
	return pack(data, room, &u);
}
