/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/trace_builder.h"
#include "viewer/model/model.h"
#include "viewer/read/reader.h"

/* A trace with one item of each kind. */
struct sample {
	struct trace_builder *b;
	struct trace_header *header;
	struct trace_module *module;
	struct trace_package *package;
	struct trace_text *name;
	struct trace_stack *stack;
	uint32_t stack_ref;
	struct trace_entry *section, *block;
	uint32_t section_ref;
	struct trace_finding *finding;
	struct trace_lane *lane;
	struct trace_counters *counters;
	struct trace_event *event;
};

static void *item_at(struct trace_builder *b, uint32_t ref)
{
	size_t size;

	return trace_builder_bytes(b, &size) + (size_t)ref * TRACE_GRANULE;
}

static void add_definitions(struct sample *s)
{
	struct trace_builder *b = s->b;
	uint64_t frames[] = { trace_builder_frame(1, 0x1234), trace_builder_frame(1, 0x2345) };

	s->module = trace_builder_record(b, TRACE_RECORD_MODULE,
					 sizeof(*s->module) - sizeof(s->module->head) + 8);
	s->module->id = 1;
	s->module->kind = TRACE_MODULE_ELF;
	s->module->path_bytes = 8;
	memcpy(s->module->path, "/a/b.so", 7);
	s->package = trace_builder_record(b, TRACE_RECORD_PACKAGE,
					  sizeof(*s->package) - sizeof(s->package->head));
	s->package->module = 1;
	s->name = trace_builder_record(b, TRACE_RECORD_PACKAGE_NAME,
				       sizeof(*s->name) - sizeof(s->name->head) + 8);
	s->name->length = 8;
	memcpy(s->name->text, "packages", 8);
	s->stack_ref = trace_builder_stack(b, frames, 2);
	s->stack = item_at(b, s->stack_ref);
}

static void add_results(struct sample *s)
{
	struct trace_builder *b = s->b;
	uint32_t block;

	s->section_ref =
		trace_builder_entry(b, (struct trace_entry){ .address = 0x1000,
							     .size = 4096,
							     .stack = s->stack_ref,
							     .state = TRACE_ENTRY_SECTION,
							     .family = FAMILY_SHARED_MEMORY });
	s->section = item_at(b, s->section_ref);
	block = trace_builder_entry(b, (struct trace_entry){ .address = 0x1010,
							     .size = 64,
							     .section = s->section_ref,
							     .stack = s->stack_ref,
							     .state = TRACE_ENTRY_BLOCK,
							     .family = FAMILY_SHARED_MEMORY });
	s->block = item_at(b, block);
	s->finding = trace_builder_finding(
		b, (struct trace_finding){ .stack = { s->stack_ref },
					   .kind = TRACE_KIND_NULL_FREE,
					   .family = FAMILY_SHARED_MEMORY,
					   .function = SLOT_FreeSharedMemory });
	trace_builder_counter(b, 0, SLOT_AllocateSharedMemory, 1, 0, 64);
	s->lane = trace_builder_lane(b, 0, 4711);
	s->lane->depth = 1;
	s->lane->in_flight[0].function = SLOT_FreeSharedMemory;
	s->lane->in_flight[0].stack = s->stack_ref;
}

static struct sample sample(void)
{
	struct sample s = { .b = trace_builder_of_slots() };

	s.header = trace_builder_header(s.b);
	add_definitions(&s);
	add_results(&s);
	s.event = trace_builder_event(s.b, 0,
				      (struct trace_event){ .time = 2000,
							    .stack = s.stack_ref,
							    .function = SLOT_AllocateSharedMemory,
							    .state = TRACE_EVENT_COMMITTED });
	return s;
}

static struct trace_counters *counters_of(struct sample *s)
{
	size_t size;
	unsigned char *bytes = trace_builder_bytes(s->b, &size);

	for (size_t at = TRACE_CHUNK_BYTES; at < size; at += TRACE_CHUNK_BYTES)
		if (((struct trace_chunk *)(bytes + at))->kind == TRACE_CHUNK_COUNTERS)
			return (struct trace_counters *)(bytes + at + TRACE_CHUNK_HEADER_BYTES);
	return NULL;
}

/* Reads all items, and all events. */
static enum trouble_error read_all(const char *path, struct trouble *trouble)
{
	struct reader *r = reader_open(path, NULL, trouble);
	struct reader_events *events = malloc(sizeof(*events));
	struct reader_cursor c = { 0 };
	struct reader_ring ring;
	enum trouble_error error = r ? TROUBLE_NONE : trouble->error;

	while (r && error == TROUBLE_NONE && reader_next_ring(r, &c, &ring))
		error = reader_read_events(r, &ring, events, trouble) ? TROUBLE_NONE
								      : trouble->error;
	free(events);
	reader_close(r);
	return error;
}

/* The trace is refused at that field, in a line with these words. Ends the use of the trace. */
static void refused(struct sample *s, enum trouble_error error, const void *field, const char *words)
{
	struct trouble trouble = { 0 };
	size_t size;
	const unsigned char *bytes = trace_builder_bytes(s->b, &size);

	cr_assert_eq(read_all(trace_builder_write(s->b), &trouble), error, "%s: error %d: %s",
		     words, trouble.error, trouble.text);
	cr_expect_eq(trouble.at, (uint64_t)((const unsigned char *)field - bytes), "%s: at %llu",
		     trouble.text, (unsigned long long)trouble.at);
	cr_expect(strstr(trouble.text, words), "%s: expected: %s", trouble.text, words);
	cr_expect_not(strchr(trouble.text, '\n'));
	trace_builder_free(s->b);
}

static void accepted(struct sample *s)
{
	struct trouble trouble = { 0 };

	cr_expect_eq(read_all(trace_builder_write(s->b), &trouble), TROUBLE_NONE, "%s",
		     trouble.text);
	trace_builder_free(s->b);
}

/* The sample with one field changed is refused at that field. */
#define REFUSES(name, field, value, words) \
	Test(reader, refuses_##name) \
	{ \
		struct sample s = sample(); \
\
		s.counters = counters_of(&s); \
		s.field = (value); \
		refused(&s, TROUBLE_DAMAGED, &s.field, words); \
	}
#define ACCEPTS(name, field, value) \
	Test(reader, accepts_##name) \
	{ \
		struct sample s = sample(); \
\
		s.counters = counters_of(&s); \
		s.field = (value); \
		accepted(&s); \
	}

Test(reader, reads_a_trace_with_one_item_of_each_kind)
{
	struct sample s = sample();

	accepted(&s);
}

Test(reader, hands_out_each_valid_item_once)
{
	struct sample s = sample();
	struct trouble trouble;
	struct reader *r = reader_open(trace_builder_write(s.b), NULL, &trouble);
	struct reader_cursor c = { 0 };
	const struct trace_entry *entry;

	cr_assert(r, "%s", trouble.text);
	entry = reader_next_entry(r, &c);
	cr_expect_eq(entry->address, 0x1000);
	cr_expect_eq(reader_entry(r, s.section_ref), entry);
	cr_expect_eq(reader_next_entry(r, &c)->address, 0x1010);
	cr_expect_null(reader_next_entry(r, &c));
	c = (struct reader_cursor){ 0 };
	cr_expect_eq(reader_next_finding(r, &c)->kind, TRACE_KIND_NULL_FREE);
	cr_expect_null(reader_next_finding(r, &c));
	c = (struct reader_cursor){ 0 };
	cr_expect_eq(reader_next_lane(r, &c)->tid, 4711);
	cr_expect_null(reader_next_lane(r, &c));
	c = (struct reader_cursor){ 0 };
	cr_expect_eq(reader_next_counters(r, &c)->function[SLOT_AllocateSharedMemory].bytes, 64);
	cr_expect_null(reader_next_counters(r, &c));
	cr_expect_eq(reader_stack(r, s.stack_ref)->frames, 2);
	cr_expect_null(reader_stack(r, 0));
	cr_expect_eq(reader_entry(r, s.section_ref)->size, 4096);
	reader_close(r);
	trace_builder_free(s.b);
}

Test(reader, hands_out_items_of_several_chunks)
{
	struct trace_builder *b = trace_builder_new();
	struct trouble trouble;
	struct reader_cursor c = { 0 };
	struct reader *r;
	size_t entries = 0;

	for (unsigned i = 0; i < 2 * TRACE_ITEMS(struct trace_entry) + 1; i++)
		trace_builder_entry(b, (struct trace_entry){ .address = i + 1,
							     .state = TRACE_ENTRY_BLOCK,
							     .family = FAMILY_LSA_HEAP });
	r = reader_open(trace_builder_write(b), NULL, &trouble);
	cr_assert(r, "%s", trouble.text);
	while (reader_next_entry(r, &c))
		entries++;
	cr_expect_eq(entries, 2 * TRACE_ITEMS(struct trace_entry) + 1);
	reader_close(r);
	trace_builder_free(b);
}

Test(reader, hands_out_records_in_the_order_in_which_their_chunks_were_begun)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_text *first = trace_builder_record(b, TRACE_RECORD_EXE, 8 + 12000);
	struct trace_text *second = trace_builder_record(b, TRACE_RECORD_EXE, 8 + 12000);
	const struct trace_record *record;
	struct trouble trouble;
	struct reader_cursor c = { 0 };
	struct reader *r;
	uint32_t numbers[2];
	unsigned count = 0;

	first->number = 2;
	second->number = 1;
	trace_builder_chunk(b, first)->sequence = 9;
	r = reader_open(trace_builder_write(b), NULL, &trouble);
	cr_assert(r, "%s", trouble.text);
	while ((record = reader_next_record(r, &c)) != NULL)
		if (record->type == TRACE_RECORD_EXE && count < 2)
			numbers[count++] = ((const struct trace_text *)record)->number;
	cr_expect(count == 2 && numbers[0] == 1 && numbers[1] == 2);
	reader_close(r);
	trace_builder_free(b);
}

/* The file itself. */

static void refused_file(const char *path, enum trouble_error error)
{
	struct trouble trouble = { 0 };

	cr_expect_eq(read_all(path, &trouble), error, "%s: %s", path, trouble.text);
	cr_expect(*trouble.text);
	cr_expect_not(strchr(trouble.text, '\n'));
}

Test(reader, refuses_a_file_that_does_not_exist)
{
	refused_file("/nonexistent/some.trace", TROUBLE_CANNOT_OPEN);
}

Test(reader, refuses_a_file_that_may_not_be_read)
{
	struct trace_builder *b = trace_builder_new();
	const char *path = trace_builder_write(b);
	uid_t user = geteuid();

	/* The superuser may read anything: be nobody meanwhile, in this test's own process. */
	cr_assert_eq(chmod(path, 0), 0);
	cr_assert(user != 0 || seteuid(65534) == 0);
	refused_file(path, TROUBLE_CANNOT_OPEN);
	cr_assert_eq(seteuid(user), 0);
	trace_builder_free(b);
}

Test(reader, refuses_a_folder)
{
	refused_file("/tmp", TROUBLE_NOT_A_FILE);
}

Test(reader, refuses_a_device)
{
	refused_file("/dev/null", TROUBLE_NOT_A_FILE);
}

Test(reader, does_not_wait_for_a_fifo, .timeout = 10)
{
	char folder[] = "/tmp/lsatrace-test-XXXXXX", path[64];

	cr_assert(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/fifo", folder);
	cr_assert_eq(mkfifo(path, 0600), 0);
	refused_file(path, TROUBLE_NOT_A_FILE);
	unlink(path);
	rmdir(folder);
}

Test(reader, refuses_an_empty_file)
{
	struct trace_builder *b = trace_builder_new();

	refused_file(trace_builder_write_bytes(b, "", 0), TROUBLE_EMPTY);
	trace_builder_free(b);
}

Test(reader, refuses_a_file_that_is_something_else)
{
	static const char text[] = "This is a text, and not a short one, but no trace at all.\n";
	struct trace_builder *b = trace_builder_new();

	refused_file(trace_builder_write_bytes(b, text, sizeof(text)), TROUBLE_NOT_A_TRACE);
	refused_file(trace_builder_write_bytes(b, "x", 1), TROUBLE_NOT_A_TRACE);
	trace_builder_free(b);
}

Test(reader, refuses_a_trace_whose_making_was_not_finished)
{
	struct sample s = sample();

	memset(s.header->magic, 0, sizeof(s.header->magic));
	refused(&s, TROUBLE_NOT_A_TRACE, s.header, "not an lsatrace trace");
}

Test(reader, refuses_a_newer_version_and_one_that_never_was)
{
	struct sample s = sample();
	char words[80];

	snprintf(words, sizeof(words),
		 "of format version %u, this lsatrace reads %u to %u at byte 8", TRACE_VERSION + 1,
		 TRACE_VERSION_OLDEST, TRACE_VERSION);
	s.header->version = TRACE_VERSION + 1;
	refused(&s, TROUBLE_OTHER_VERSION, &s.header->version, words);
	s = sample();
	s.header->version = 0;
	refused(&s, TROUBLE_OTHER_VERSION, &s.header->version, "version 0");
}

ACCEPTS(the_oldest_version, header->version, TRACE_VERSION_OLDEST)

Test(reader, refuses_another_byte_order)
{
	struct sample s = sample();

	s.header->byte_order = __builtin_bswap32(TRACE_BYTE_ORDER);
	s.header->version = __builtin_bswap32(TRACE_VERSION);
	refused(&s, TROUBLE_OTHER_BYTE_ORDER, &s.header->byte_order, "byte order");
}

Test(reader, refuses_a_byte_order_that_is_none)
{
	struct sample s = sample();

	s.header->byte_order = 7;
	refused(&s, TROUBLE_DAMAGED, &s.header->byte_order, "byte order");
}

Test(reader, refuses_a_trace_cut_off_at_any_byte, .timeout = 300)
{
	struct sample s = sample();
	struct trouble trouble;
	size_t size;
	const char *path = trace_builder_write(s.b);

	trace_builder_bytes(s.b, &size);
	for (size_t length = size; length-- > 0;) {
		enum trouble_error expected = length ? TROUBLE_CUT_OFF : TROUBLE_EMPTY;

		/* Each byte of the header, then each 61st and each boundary of a chunk. */
		if (length > sizeof(*s.header) && length % 61 && length % TRACE_CHUNK_BYTES > 1)
			continue;
		cr_assert_eq(truncate(path, (off_t)length), 0);
		cr_assert_eq(read_all(path, &trouble), expected, "at %zu: %d %s", length,
			     trouble.error, trouble.text);
		cr_assert_eq(trouble.at, length);
	}
	trace_builder_free(s.b);
}

Test(reader, accepts_chunks_that_were_never_handed_out)
{
	struct sample s = sample();
	size_t size;
	unsigned char *bytes = trace_builder_bytes(s.b, &size);
	struct trouble trouble = { 0 };

	cr_expect_eq(read_all(trace_builder_write_bytes(s.b, bytes, size + 3 * TRACE_CHUNK_BYTES),
			      &trouble),
		     TROUBLE_NONE, "%s", trouble.text);
	trace_builder_free(s.b);
}

Test(reader, finds_the_chunks_between_the_holes_of_a_sparse_file)
{
	struct sample s = sample();
	struct trouble trouble;
	struct reader_cursor c = { 0 }, rings = { 0 };
	struct reader_ring ring;
	struct reader *r;
	size_t size;
	const unsigned char *bytes;
	const char *path;
	uint32_t last = trace_builder_header(s.b)->chunks - 1, far = 5000;
	int fd;

	/* The last chunk, that of the ring, lies far behind the others. */
	s.header->chunks = far + 3;
	s.header->max_chunks = far + 3;
	path = trace_builder_write(s.b);
	bytes = trace_builder_bytes(s.b, &size);
	fd = open(path, O_WRONLY);
	cr_assert_eq(ftruncate(fd, (off_t)last * TRACE_CHUNK_BYTES), 0);
	cr_assert_eq(ftruncate(fd, (off_t)(far + 3) * TRACE_CHUNK_BYTES), 0);
	cr_assert_eq(pwrite(fd, bytes + (size_t)last * TRACE_CHUNK_BYTES, TRACE_CHUNK_BYTES,
			    (off_t)far * TRACE_CHUNK_BYTES),
		     TRACE_CHUNK_BYTES);
	close(fd);
	r = reader_open(path, NULL, &trouble);
	cr_assert(r, "%s", trouble.text);
	cr_expect_eq(reader_next_entry(r, &c)->address, 0x1000);
	cr_assert(reader_next_ring(r, &rings, &ring));
	cr_expect_eq(ring.chunk, far);
	cr_expect_not(reader_next_ring(r, &rings, &ring));
	reader_close(r);
	trace_builder_free(s.b);
}

Test(reader, survives_a_file_that_shrinks_while_it_is_read)
{
	struct sample s = sample();
	struct trouble trouble;
	struct reader_events *events = malloc(sizeof(*events));
	struct reader_cursor c = { 0 };
	struct reader_ring ring;
	const char *path = trace_builder_write(s.b);
	struct reader *r = reader_open(path, NULL, &trouble);

	cr_assert(r, "%s", trouble.text);
	cr_assert_eq(truncate(path, TRACE_CHUNK_BYTES), 0);
	cr_assert(reader_next_ring(r, &c, &ring));
	cr_expect_not(reader_read_events(r, &ring, events, &trouble));
	cr_expect_eq(trouble.error, TROUBLE_CUT_OFF);
	cr_expect(reader_stack(r, s.stack_ref));
	reader_close(r);
	free(events);
	trace_builder_free(s.b);
}

/* A linear congruential generator, so that a failure can be repeated. */
static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

static void open_damaged(const char *path)
{
	struct trouble trouble;
	struct model_events events;
	struct model_stack stack;
	struct model *m = model_open(path, NULL, &trouble);

	if (m)
		model_count_events(m, &events, NULL, &trouble);
	for (size_t i = 0; m && i < model_in_flight(m); i++)
		model_stack(m, model_call(m, i)->stack, &stack);
	model_close(m);
}

Test(reader, survives_any_byte_being_another, .timeout = 300)
{
	struct sample s = sample();
	uint64_t seed = 20240229;
	size_t size;
	unsigned char *bytes = trace_builder_bytes(s.b, &size);
	unsigned char *copy = malloc(size);

	for (unsigned round = 0; round < 3000; round++) {
		memcpy(copy, bytes, size);
		for (unsigned flips = 1 + round % 8; flips > 0; flips--) {
			/* Half of them are in the first 256 bytes of a chunk, where most fields are. */
			size_t chunk = next_random(&seed) % (size / TRACE_CHUNK_BYTES);
			size_t within = next_random(&seed) % (flips % 2 ? TRACE_CHUNK_BYTES : 256);

			copy[chunk * TRACE_CHUNK_BYTES + within] = (unsigned char)next_random(&seed);
		}
		/* Both ways of reading: at rest, and in motion. */
		((struct trace_header *)copy)->end = round & 1 ? TRACE_END_EXIT : TRACE_END_RUNNING;
		open_damaged(trace_builder_write_bytes(s.b, copy, size));
	}
	free(copy);
	trace_builder_free(s.b);
}

/* The header. */

REFUSES(another_chunk_size, header->chunk_bytes, 4096, "size of a chunk")
REFUSES(an_unknown_mode, header->mode, TRACE_MODE_FULL + 1, "mode")
REFUSES(no_bound_in_ring_mode, header->max_chunks, 0, "bound")
REFUSES(a_depth_of_zero, header->depth, 0, "depth")
REFUSES(a_depth_beyond_the_most, header->depth, TRACE_FRAMES_MAX + 1, "depth")
ACCEPTS(the_greatest_depth, header->depth, TRACE_FRAMES_MAX)
REFUSES(an_unknown_mark_of_inheritance, header->inherited, 2, "forked child")
ACCEPTS(a_forked_child, header->inherited, 1)
REFUSES(an_unknown_end, header->end, TRACE_END_KILLED + 1, "end of the process")
REFUSES(an_unknown_outcome_of_a_search, header->search, TRACE_SEARCH_COUNT, "outcome of the search")
ACCEPTS(a_search_without_time, header->search, TRACE_SEARCH_NO_TIME)
REFUSES(an_exception_on_no_stack, header->exception_stack, 4711, "stack of an exception")
ACCEPTS(any_exception, header->exception, 0xe0434352)
REFUSES(no_chunks, header->chunks, 0, "number of chunks")

Test(reader, refuses_a_bound_in_full_mode)
{
	struct sample s = sample();

	s.header->mode = TRACE_MODE_FULL;
	refused(&s, TROUBLE_DAMAGED, &s.header->max_chunks, "bound");
}

Test(reader, refuses_more_chunks_than_the_bound)
{
	struct sample s = sample();

	s.header->max_chunks = s.header->chunks - 1;
	refused(&s, TROUBLE_DAMAGED, &s.header->chunks, "number of chunks");
}

Test(reader, accepts_full_mode_without_a_bound)
{
	struct sample s = sample();

	s.header->mode = TRACE_MODE_FULL;
	s.header->max_chunks = 0;
	accepted(&s);
}

Test(reader, refuses_an_unknown_kind_of_chunk)
{
	struct sample s = sample();
	struct trace_chunk *chunk = trace_builder_chunk(s.b, s.finding);

	chunk->kind = TRACE_CHUNK_KINDS;
	refused(&s, TROUBLE_DAMAGED, &chunk->kind, "kind of a chunk");
}

Test(reader, refuses_a_log_chunk_without_number)
{
	struct sample s = sample();
	struct trace_chunk *chunk = trace_builder_chunk(s.b, s.stack);

	chunk->sequence = 0;
	refused(&s, TROUBLE_DAMAGED, &chunk->sequence, "number of a chunk of the log");
}

Test(reader, refuses_a_number_of_records_that_is_not_none_or_all)
{
	struct sample s = sample();
	struct trace_chunk *chunk = trace_builder_chunk(s.b, s.event);

	chunk->records = READER_RING_EVENTS - 1;
	refused(&s, TROUBLE_DAMAGED, &chunk->records, "number of records of a chunk");
}

Test(reader, refuses_more_transfers_than_a_chunk_has_records)
{
	struct sample s = sample();
	struct trace_chunk *chunk = trace_builder_chunk(s.b, s.event);

	chunk->transfers = READER_RING_EVENTS + 1;
	refused(&s, TROUBLE_DAMAGED, &chunk->transfers, "number of transfers of a chunk");
}

Test(reader, accepts_a_chunk_that_is_free)
{
	struct sample s = sample();

	trace_builder_chunk(s.b, s.finding)->kind = TRACE_CHUNK_FREE;
	accepted(&s);
}

/* The log. */

REFUSES(a_record_of_odd_size, name->head.bytes, 24, "size of a record")
REFUSES(a_record_beyond_its_chunk, name->head.bytes, TRACE_CHUNK_BYTES, "size of a record")
REFUSES(an_unknown_mark_of_validity, name->head.committed, 2, "valid record")
REFUSES(an_unknown_type_of_record, name->head.type, TRACE_RECORD_TYPES, "type of a record")
REFUSES(a_record_without_type, name->head.type, 0, "type of a record")
REFUSES(a_text_beyond_its_record, name->length, 64, "length of a text")
REFUSES(a_text_longer_than_any, name->length, UINT32_MAX, "length of a text")
REFUSES(a_name_for_a_package_beyond_the_last, name->number, TRACE_PACKAGES, "index of a package")
REFUSES(a_stack_without_frames, stack->frames, 0, "number of frames")
REFUSES(a_stack_with_more_frames_than_any, stack->frames, TRACE_FRAMES_MAX + 1, "frames")
REFUSES(a_stack_beyond_its_record, stack->frames, 3, "number of frames")
REFUSES(unknown_flags_of_a_stack, stack->flags, 2, "flags of a stack")
ACCEPTS(a_truncated_stack, stack->flags, TRACE_STACK_TRUNCATED)
REFUSES(a_module_without_id, module->id, 0, "id of a module")
REFUSES(a_module_id_beyond_the_last, module->id, 65536, "id of a module")
REFUSES(an_unknown_kind_of_module, module->kind, TRACE_MODULE_KINDS_END, "kind of a module")
REFUSES(a_module_of_no_kind, module->kind, 0, "kind of a module")
ACCEPTS(a_pe_module_without_identity, module->kind, TRACE_MODULE_PE)
REFUSES(a_module_that_ends_before_it_starts, module->start, 1, "extent of a module")
REFUSES(a_build_id_longer_than_its_field, module->build_id_bytes, 33, "build-id")
ACCEPTS(a_build_id_as_long_as_its_field, module->build_id_bytes, 32)
REFUSES(a_path_beyond_its_record, module->path_bytes, 65, "path of a module")
REFUSES(a_path_longer_than_any, module->path_bytes, UINT32_MAX, "path of a module")
REFUSES(a_package_beyond_the_last, package->index, TRACE_PACKAGES, "index of a package")
REFUSES(a_package_with_unknown_flags, package->flags, 2 * TRACE_PACKAGE_NO_ID, "flags of a package")
ACCEPTS(the_package_of_all_others, package->index, TRACE_PACKAGE_OTHER)
REFUSES(a_package_with_no_possible_module, package->module, 65536, "module of a package")

Test(reader, refuses_an_identity_of_a_pe_file_that_is_not_whole)
{
	struct sample s = sample();

	s.module->kind = TRACE_MODULE_PE;
	s.module->build_id_bytes = 32;
	accepted(&s);
	s = sample();
	s.module->kind = TRACE_MODULE_PE;
	s.module->build_id_bytes = 31;
	refused(&s, TROUBLE_DAMAGED, &s.module->build_id_bytes, "build-id");
}

/* A text of a type, changed to hold a number. */
static void refused_text(enum trace_record_type type, uint32_t number, const char *words)
{
	struct sample s = sample();

	s.name->head.type = (uint16_t)type;
	s.name->number = number;
	refused(&s, TROUBLE_DAMAGED, &s.name->number, words);
}

Test(reader, refuses_the_end_of_a_module_without_id)
{
	refused_text(TRACE_RECORD_MODULE_GONE, 0, "id of a module");
	refused_text(TRACE_RECORD_MODULE_GONE, 65536, "id of a module");
	refused_text(TRACE_RECORD_PACKAGE_GONE, TRACE_PACKAGES, "index of a package");
}

Test(reader, refuses_a_family_whose_id_is_no_byte)
{
	refused_text(TRACE_RECORD_FAMILY, 0, "id of a family");
	refused_text(TRACE_RECORD_FAMILY, 256, "id of a family");
}

Test(reader, refuses_an_allocator_of_nobody_of_nothing_or_unknown)
{
	refused_text(TRACE_RECORD_ALLOCATOR, TRACE_PACKAGES | 1 << 8, "index of a package");
	refused_text(TRACE_RECORD_ALLOCATOR, 200 << 8, "family of an allocator");
	refused_text(TRACE_RECORD_ALLOCATOR, 1 << 8 | (TRACE_ALLOCATOR_LAST + 1) << 16,
		     "kind of an allocator");
}

Test(reader, refuses_a_parameter_of_no_function_or_without_a_number)
{
	refused_text(TRACE_RECORD_PARAMETER, TRACE_FUNCTIONS | 1 << 8, "id of a function");
	refused_text(TRACE_RECORD_PARAMETER, 1, "number of a parameter");
	refused_text(TRACE_RECORD_PARAMETER, 1 | TRACE_PARAMETERS << 8, "number of a parameter");
}

Test(reader, refuses_a_doubt_about_nobodys_table_or_beyond_its_slots)
{
	refused_text(TRACE_RECORD_DOUBT, TRACE_PACKAGES | 13 << 8, "index of a package");
	refused_text(TRACE_RECORD_DOUBT, TRACE_DOUBT_SLOTS << 8, "slot of a table");
}

Test(reader, refuses_a_function_beyond_the_last)
{
	refused_text(TRACE_RECORD_FUNCTION, TRACE_FUNCTIONS | 1 << 8 | 1 << 16, "id of a function");
}

static void define_function(struct trace_builder *b, uint32_t number)
{
	trace_builder_text(b, TRACE_RECORD_FUNCTION,
			   number | FAMILY_LSA_HEAP << 8 | TRACE_ROLE_ALLOCATE << 16, "NewFunction");
}

/* Version 1 had fewer functions. */
Test(reader, accepts_the_last_function_of_each_version_and_refuses_the_next)
{
	struct sample s = sample();

	define_function(s.b, TRACE_FUNCTIONS - 1);
	trace_builder_counter(s.b, 0, TRACE_FUNCTIONS - 1, 1, 0, 64);
	s.event->function = s.lane->in_flight[0].function = TRACE_FUNCTIONS - 1;
	accepted(&s);
	s = sample();
	s.header->version = 1;
	define_function(s.b, TRACE_COUNTERS_FUNCTIONS - 1);
	accepted(&s);
	s = sample();
	s.header->version = 1;
	s.name->head.type = TRACE_RECORD_FUNCTION;
	s.name->number = TRACE_COUNTERS_FUNCTIONS | 1 << 8 | 1 << 16;
	refused(&s, TROUBLE_DAMAGED, &s.name->number, "id of a function");
}

Test(reader, refuses_a_function_of_an_undefined_family)
{
	refused_text(TRACE_RECORD_FUNCTION, 1 | 200 << 8 | 1 << 16, "family of a function");
	refused_text(TRACE_RECORD_FUNCTION, 1 | 0 << 8 | 1 << 16, "family of a function");
}

Test(reader, refuses_a_transfer_of_a_family)
{
	refused_text(TRACE_RECORD_FUNCTION, 31 | 1 << 8 | TRACE_ROLE_TRANSFER << 16,
		     "family of a function");
}

Test(reader, a_function_that_is_not_traced_has_no_family_and_its_findings_have_none)
{
	struct sample s = sample();

	refused_text(TRACE_RECORD_FUNCTION, 31 | 1 << 8 | TRACE_ROLE_STATUS << 16,
		     "family of a function");
	trace_builder_text(s.b, TRACE_RECORD_FUNCTION, 31 | TRACE_ROLE_STATUS << 16, "f");
	s.finding->function = 31;
	s.finding->family = 0;
	accepted(&s);
}

Test(reader, refuses_a_function_of_an_unknown_role)
{
	refused_text(TRACE_RECORD_FUNCTION, 1 | 1 << 8, "role of a function");
	refused_text(TRACE_RECORD_FUNCTION, 1 | 1 << 8 | (TRACE_ROLE_LAST + 1) << 16,
		     "role of a function");
}

Test(reader, steps_over_a_record_that_never_became_valid)
{
	struct sample s = sample();

	s.name->head.committed = 0;
	s.name->length = UINT32_MAX;
	accepted(&s);
}

Test(reader, steps_over_a_hole_where_a_record_was_never_begun)
{
	struct sample s = sample();

	memset(s.name, 0, s.name->head.bytes);
	accepted(&s);
}

/* The ledger. */

REFUSES(an_unknown_state_of_an_entry, block->state, TRACE_ENTRY_STATES, "state of a ledger entry")
REFUSES(unknown_flags_of_an_entry, block->flags, 255, "flags of a ledger entry")
REFUSES(an_entry_of_an_undefined_family, block->family, 200, "family of a ledger entry")
REFUSES(an_entry_without_family, block->family, 0, "family of a ledger entry")
REFUSES(an_entry_of_a_package_beyond_the_last, block->package, TRACE_PACKAGES, "package of a ledger")
REFUSES(an_entry_whose_section_is_no_entry, block->section, s.stack_ref, "reference to a section")
REFUSES(an_entry_whose_section_is_between_entries, block->section, s.section_ref + 1, "section")
REFUSES(an_entry_whose_section_is_outside_the_file, block->section, UINT32_MAX, "section")
REFUSES(an_entry_whose_stack_is_no_stack, block->stack, s.section_ref, "reference to a stack")
REFUSES(an_entry_whose_stack_is_inside_another, block->stack, s.stack_ref + 1, "stack")
REFUSES(an_entry_whose_stack_is_outside_the_file, block->stack, UINT32_MAX, "stack")
ACCEPTS(an_entry_without_section, block->section, 0)
ACCEPTS(an_entry_without_stack, block->stack, 0)
ACCEPTS(a_free_entry_whatever_it_holds, block->state, TRACE_ENTRY_FREE)

Test(reader, refuses_a_stack_that_never_became_valid)
{
	struct sample s = sample();

	s.stack->head.committed = 0;
	refused(&s, TROUBLE_DAMAGED, &s.section->stack, "reference to a stack");
}

/* Findings. */

REFUSES(an_unknown_mark_of_a_finding, finding->committed, 2, "valid finding")
REFUSES(a_finding_without_kind, finding->kind, TRACE_KIND_NONE, "kind of a finding")
REFUSES(a_recorded_leak, finding->kind, TRACE_KIND_BLOCK_LEAK, "kind of a finding")
REFUSES(an_unknown_kind_of_finding, finding->kind, TRACE_KIND_COUNT, "kind of a finding")
REFUSES(an_unknown_reason, finding->reason, TRACE_REASON_COUNT, "reason of a finding")
REFUSES(a_finding_of_an_undefined_family, finding->family, 0, "family of a finding")
REFUSES(a_block_of_an_undefined_family, finding->block_family, 99, "block's family")
REFUSES(a_finding_of_an_unknown_place, finding->place, TRACE_PLACES, "place of a finding")
REFUSES(a_finding_of_a_parameter_beyond_the_last, finding->parameter, TRACE_PARAMETERS,
	"parameter of a finding")
REFUSES(a_finding_of_an_undefined_function, finding->function, 31, "number of a function")
REFUSES(a_finding_of_a_function_beyond_the_last, finding->function, 32, "number of a function")
REFUSES(a_finding_of_a_package_beyond_the_last, finding->package, TRACE_PACKAGES, "package")
REFUSES(unknown_flags_of_a_finding, finding->flags, 64, "flags of a finding")
REFUSES(a_finding_whose_stack_is_none, finding->stack[5], s.section_ref, "reference to a stack")

Test(reader, leaves_out_a_finding_that_never_became_valid)
{
	struct sample s = sample();

	s.finding->committed = 0;
	s.finding->kind = 99;
	accepted(&s);
}

/* Lanes and counters. */

REFUSES(an_unknown_state_of_a_lane, lane->state, 3, "state of a lane")
REFUSES(a_lane_whose_thread_is_neither_inside_nor_outside, lane->inside, 2,
	"state of a lane's thread")
REFUSES(a_call_of_an_undefined_function, lane->in_flight[0].function, 31, "number of a function")
REFUSES(a_call_of_a_package_beyond_the_last, lane->in_flight[0].package, TRACE_PACKAGES, "package")
REFUSES(a_call_whose_stack_is_none, lane->in_flight[0].stack, 3, "reference to a stack")

Test(reader, looks_at_no_more_calls_than_a_lane_has)
{
	struct sample s = sample();

	s.lane->depth = UINT32_MAX;
	for (unsigned i = 1; i < TRACE_IN_FLIGHT; i++)
		s.lane->in_flight[i] = s.lane->in_flight[0];
	accepted(&s);
}

Test(reader, does_not_look_at_calls_that_have_returned)
{
	struct sample s = sample();

	s.lane->depth = 0;
	s.lane->in_flight[0].function = 99;
	accepted(&s);
}

REFUSES(an_unknown_mark_of_counters, counters->valid, 2, "valid counters")
REFUSES(counters_of_a_package_beyond_the_last, counters->package, TRACE_PACKAGES, "package")

Test(reader, refuses_calls_of_an_undefined_function_in_counters)
{
	struct sample s = sample();
	struct trace_counters *counters = counters_of(&s);

	counters->function[31].calls = 1;
	refused(&s, TROUBLE_DAMAGED, &counters->function[31], "number of a function");
}

REFUSES(counters_that_begin_within_a_row_of_functions, counters->first, 1, "first function")
REFUSES(counters_of_functions_beyond_the_last, counters->first, TRACE_FUNCTIONS, "first function")

/* In version 1 the field `first` was reserved. */
Test(reader, takes_counters_of_version_1_for_those_of_the_first_functions)
{
	struct sample s = sample();

	s.header->version = 1;
	counters_of(&s)->first = 32;
	accepted(&s);
}

/* Events. */

REFUSES(an_event_of_an_undefined_function, event->function, 31, "function of an event")
REFUSES(an_event_of_a_function_beyond_the_last, event->function, TRACE_FUNCTIONS,
	"function of an event")
REFUSES(an_event_of_a_package_beyond_the_last, event->package, TRACE_PACKAGES, "package")
REFUSES(an_unknown_verdict, event->verdict, TRACE_KIND_COUNT, "verdict of an event")
REFUSES(an_unknown_state_of_an_event, event->state, 17, "state of an event")
REFUSES(an_event_whose_stack_is_none, event->stack, s.section_ref, "stack of an event")
ACCEPTS(an_event_without_stack, event->stack, 0)

static struct sample sample_of_transfer(int32_t family)
{
	struct sample s = sample();

	trace_builder_text(s.b, TRACE_RECORD_FUNCTION,
			   TRANSFER_LogonUser | TRACE_ROLE_TRANSFER << 16, "LsaApLogonUser");
	s.event->function = TRANSFER_LogonUser;
	s.event->result = family;
	return s;
}

Test(reader, knows_the_family_of_what_was_transferred_and_the_receiver)
{
	static const int32_t families[] = { 0, 200, -1, FAMILY_LSA_HEAP | TRACE_RECEIVERS << 8 };
	struct sample s = sample_of_transfer(FAMILY_LSA_HEAP);

	accepted(&s);
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		s = sample_of_transfer(families[i]);
		refused(&s, TROUBLE_DAMAGED, &s.event->result, "family or receiver of a transfer");
	}
}

Test(reader, a_function_that_is_defined_again_has_the_role_that_was_written_last)
{
	struct sample s = sample_of_transfer(200);
	struct trace_text *first, *last;

	/* The chunk of the file's last record was begun first. */
	last = trace_builder_record(s.b, TRACE_RECORD_FUNCTION, 8 + 12000);
	last->number = TRANSFER_LogonUser | TRACE_ROLE_TRANSFER << 16;
	trace_builder_chunk(s.b, last)->sequence = 9;
	first = trace_builder_record(s.b, TRACE_RECORD_FUNCTION, 8 + 12000);
	first->number = TRANSFER_LogonUser | FAMILY_LSA_HEAP << 8 | TRACE_ROLE_FREE << 16;
	refused(&s, TROUBLE_DAMAGED, &s.event->result, "family or receiver of a transfer");
}

static void read_ring(struct trace_builder *b, struct reader_events *events)
{
	struct trouble trouble;
	struct reader_cursor c = { 0 };
	struct reader_ring ring;
	struct reader *r = reader_open(trace_builder_write(b), NULL, &trouble);

	memset(events, 0, sizeof(*events));
	cr_assert(r, "%s", trouble.text);
	if (reader_next_ring(r, &c, &ring))
		cr_assert(reader_read_events(r, &ring, events, &trouble));
	reader_close(r);
}

Test(reader, tells_torn_events_from_unused_ones)
{
	static struct reader_events events;
	struct sample s = sample();

	trace_builder_event(s.b, 0, (struct trace_event){ .time = 3000 });
	trace_builder_event(s.b, 0, (struct trace_event){ 0 });
	read_ring(s.b, &events);
	cr_expect_eq(events.count, 1);
	cr_expect_eq(events.torn, 1);
	cr_expect_eq(events.event[0].time, 2000);
	trace_builder_free(s.b);
}

Test(reader, leaves_out_a_ring_chunk_that_is_being_cleared)
{
	static struct reader_events events;
	struct sample s = sample();

	trace_builder_chunk(s.b, s.event)->sequence = 0;
	read_ring(s.b, &events);
	cr_expect_eq(events.count, 0);
	trace_builder_free(s.b);
}

/* Traces of running processes. */

Test(reader, takes_a_missing_stack_for_unknown_while_the_process_runs)
{
	struct sample s = sample();
	struct trouble trouble;
	struct reader *r;

	s.header->end = TRACE_END_RUNNING;
	s.block->stack = UINT32_MAX;
	s.block->section = UINT32_MAX;
	s.event->stack = UINT32_MAX;
	s.finding->stack[0] = UINT32_MAX;
	r = reader_open(trace_builder_write(s.b), NULL, &trouble);
	cr_assert(r, "%s", trouble.text);
	cr_expect_null(reader_stack(r, UINT32_MAX));
	cr_expect_null(reader_entry(r, UINT32_MAX));
	reader_close(r);
	trace_builder_free(s.b);
}

Test(reader, leaves_out_events_of_a_chunk_that_was_taken_again)
{
	static struct reader_events events;
	struct sample s = sample();
	struct trouble trouble;
	struct reader_cursor c = { 0 };
	struct reader_ring ring;
	struct reader *r;

	s.header->end = TRACE_END_RUNNING;
	r = reader_open(trace_builder_write(s.b), NULL, &trouble);
	cr_assert(r, "%s", trouble.text);
	cr_assert(reader_next_ring(r, &c, &ring));
	trace_builder_chunk(s.b, s.event)->sequence = 77;
	trace_builder_write(s.b);
	cr_expect(reader_read_events(r, &ring, &events, &trouble));
	cr_expect_eq(events.count, 0);
	reader_close(r);
	trace_builder_free(s.b);
}
