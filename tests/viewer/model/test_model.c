/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/trace_builder.h"
#include "viewer/base/buffer.h"
#include "viewer/model/liveness.h"
#include "viewer/model/model.h"
#include "viewer/read/reader.h"

static struct model *open_model(struct trace_builder *b)
{
	struct trouble trouble;
	struct model *m = model_open(trace_builder_write(b), NULL, &trouble);

	cr_assert(m, "%s", trouble.text);
	return m;
}

static void close_both(struct model *m, struct trace_builder *b)
{
	model_close(m);
	trace_builder_free(b);
}

/* The command line has these arguments, and no more; NULL ends the list. */
static void has_arguments(const struct model *m, const char *const *expected)
{
	struct reader_cursor c = { 0 };
	struct buffer text = { 0 };

	for (; *expected; expected++) {
		text.used = 0;
		cr_assert(model_next_argument(m, &c, &text), "%s", *expected);
		cr_expect_str_eq(text.data, *expected);
	}
	cr_expect_not(model_next_argument(m, &c, &text));
	buffer_release(&text);
}

Test(model, tells_which_process_was_traced)
{
	struct trace_builder *b = trace_builder_new();
	struct model *m;

	trace_builder_text(b, TRACE_RECORD_EXE, 0, "/usr/bin/host");
	trace_builder_header(b)->exit_status = 3;
	m = open_model(b);
	cr_expect_eq(model_process(m)->pid, 4711);
	cr_expect_eq(model_process(m)->ppid, 42);
	cr_expect_str_eq(model_process(m)->exe, "/usr/bin/host");
	cr_expect_eq(model_process(m)->start_ns, 1700000000123456789u);
	has_arguments(m, (const char *const[]){ NULL });
	close_both(m, b);
}

/* What a process of Wine is called after: a program of Windows among its arguments, or else Wine. */
static void is_program(const char *wine, const char *const arguments[2], const char *expected)
{
	static const struct trace_pe_id id = { .stamp = 1 };
	struct trace_builder *b = trace_builder_new();
	struct model *m;

	trace_builder_text(b, TRACE_RECORD_EXE, 0, wine);
	trace_builder_text(b, TRACE_RECORD_ARGUMENT, 0, arguments[0]);
	trace_builder_text(b, TRACE_RECORD_ARGUMENT, 1, arguments[1]);
	trace_builder_module(b, 1, "/elf/known.exe", 0, NULL);
	trace_builder_pe_module(b, 2, "/pe/Known.exe", 0x140000000, &id);
	m = open_model(b);
	cr_expect_str_eq(model_process(m)->exe, expected);
	close_both(m, b);
}

Test(model, a_process_of_wine_is_called_after_the_program_that_it_runs)
{
	static const char wine[] = "/usr/lib/wine/wine64";

	is_program(wine, (const char *const[]){ "host.exe", "a.dll" }, "host.exe");
	is_program(wine, (const char *const[]){ wine, "sub/HOST.EXE" }, "sub/HOST.EXE");
	is_program(wine, (const char *const[]){ "wine", "host.exe.so" }, "host.exe.so");
	is_program(wine, (const char *const[]){ "C:\\a\\host.exe", "b.exe" }, "C:/a/host.exe");
	is_program(wine, (const char *const[]){ "Z:\\x\\KNOWN.exe", "" }, "/pe/Known.exe");
	is_program(wine, (const char *const[]){ ".exe", "host" }, wine);
	is_program("/usr/bin/host", (const char *const[]){ "host.exe", "" }, "/usr/bin/host");
	is_program("/wine/host", (const char *const[]){ "host.exe", "" }, "/wine/host");
}

Test(model, joins_the_pieces_of_an_argument)
{
	struct trace_builder *b = trace_builder_new();
	struct model *m;

	trace_builder_text(b, TRACE_RECORD_ARGUMENT, 0, "host");
	trace_builder_text(b, TRACE_RECORD_ARGUMENT, 1, "a long ");
	trace_builder_text(b, TRACE_RECORD_EXE, 0, "/bin/host");
	trace_builder_text(b, TRACE_RECORD_ARGUMENT, 1, "argument");
	trace_builder_text(b, TRACE_RECORD_ARGUMENT, 2, "");
	trace_builder_text(b, TRACE_RECORD_ARGUMENT, 4000000000u, "last");
	m = open_model(b);
	has_arguments(m, (const char *const[]){ "host", "a long argument", "", "last", NULL });
	close_both(m, b);
}

Test(model, cuts_an_argument_that_is_longer_than_linux_allows)
{
	struct trace_builder *b = trace_builder_new();
	struct reader_cursor c = { 0 };
	char piece[TRACE_TEXT_MAX + 1];
	struct buffer text = { 0 };
	struct model *m;

	memset(piece, 'x', TRACE_TEXT_MAX);
	piece[TRACE_TEXT_MAX] = '\0';
	for (unsigned i = 0; i < TRACE_ARGUMENT_MAX / TRACE_TEXT_MAX + 2; i++)
		trace_builder_text(b, TRACE_RECORD_ARGUMENT, 0, piece);
	m = open_model(b);
	cr_assert(model_next_argument(m, &c, &text));
	cr_expect_eq(text.used, TRACE_ARGUMENT_MAX);
	cr_expect_not(model_next_argument(m, &c, &text));
	buffer_release(&text);
	close_both(m, b);
}

Test(model, cuts_names_that_a_report_may_repeat)
{
	struct trace_builder *b = trace_builder_new();
	char path[TRACE_TEXT_MAX + 1], longest[TRACE_NAME_MAX + 1], cut[TRACE_NAME_MAX + 1];
	struct model *m;

	memset(path, 'p', TRACE_TEXT_MAX);
	path[0] = path[1000] = '/';
	path[TRACE_TEXT_MAX] = '\0';
	memset(longest, 'l', TRACE_NAME_MAX);
	memset(cut, 'p', TRACE_NAME_MAX);
	longest[TRACE_NAME_MAX] = '\0';
	strcpy(cut + TRACE_NAME_MAX - 3, "\xe2\x80\xa6");
	trace_builder_module(b, 1, path, 0, NULL);
	trace_builder_package(b, 0, longest, 1, 1);
	trace_builder_package(b, 1, path, 2, 1);
	m = open_model(b);
	cr_expect_str_eq(model_package(m, 0)->name, longest);
	cr_expect_str_eq(model_package(m, 0)->module->base, cut);
	cut[0] = '/';
	cr_expect_str_eq(model_package(m, 1)->name, cut);
	cr_expect_str_eq(model_package(m, 0)->module->name, cut);
	cr_expect_eq(model_package(m, 0)->module->path_bytes, TRACE_TEXT_MAX, "open() needs all");
	close_both(m, b);
}

Test(model, makes_valid_utf_8_of_whatever_a_text_holds)
{
	struct trace_builder *b = trace_builder_new();
	struct model *m;

	trace_builder_text(b, TRACE_RECORD_ARGUMENT, 0, "caf\xc3\xa9 \xff \xe2\x82 \xed\xa0\x80");
	m = open_model(b);
	has_arguments(m, (const char *const[]){ "caf\xc3\xa9 \xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd "
						"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
						NULL });
	close_both(m, b);
}

Test(model, knows_which_packages_are_unloaded_or_have_no_id_or_share_an_index)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_package *client;
	struct model *m;

	trace_builder_package(b, 1, "gone", 77, 0);
	trace_builder_text(b, TRACE_RECORD_PACKAGE_GONE, 1, "");
	client = trace_builder_record(b, TRACE_RECORD_PACKAGE,
				      sizeof(*client) - sizeof(client->head));
	client->index = 2;
	client->flags = TRACE_PACKAGE_NO_ID;
	m = open_model(b);
	cr_expect(model_package(m, 1)->is_unloaded && model_package(m, 1)->has_id);
	cr_expect(model_package(m, 2)->is_defined);
	cr_expect_not(model_package(m, 2)->is_unloaded || model_package(m, 2)->has_id);
	cr_expect_str_eq(model_package(m, TRACE_PACKAGE_OTHER)->name, "other");
	cr_expect_not(model_package(m, TRACE_PACKAGE_OTHER)->is_defined);
	close_both(m, b);
}

Test(model, knows_packages_by_index_with_module_and_last_name)
{
	struct trace_builder *b = trace_builder_new();
	const struct model_package *package;
	struct model *m;

	trace_builder_package(b, 2, "old", 77, 9);
	trace_builder_text(b, TRACE_RECORD_PACKAGE_NAME, 2, "new");
	trace_builder_module(b, 9, "/lib/package.so", 0x1000, NULL);
	m = open_model(b);
	package = model_package(m, 2);
	cr_expect(package->is_defined && package->has_id);
	cr_expect_eq(package->id, 77);
	cr_expect_str_eq(package->name, "new");
	cr_expect_str_eq(package->module->name, "/lib/package.so");
	cr_expect_str_eq(package->module->base, "package.so");
	cr_expect_not(model_package(m, 0)->is_defined);
	close_both(m, b);
}

Test(model, sums_counters_over_lanes)
{
	struct trace_builder *b = trace_builder_new();
	struct model *m;

	trace_builder_counter(b, 1, SLOT_AllocateLsaHeap, 10, 1, 640);
	trace_builder_counter(b, 1, SLOT_AllocateLsaHeap, 5, 0, 320);
	trace_builder_counter(b, 2, SLOT_AllocateLsaHeap, 1, 0, 1);
	m = open_model(b);
	cr_expect_eq(model_counter(m, 1, SLOT_AllocateLsaHeap)->calls, 15);
	cr_expect_eq(model_counter(m, 1, SLOT_AllocateLsaHeap)->failed, 1);
	cr_expect_eq(model_counter(m, 1, SLOT_AllocateLsaHeap)->bytes, 960);
	cr_expect_eq(model_calls(m, SLOT_AllocateLsaHeap), 16);
	cr_expect(model_package(m, 1)->has_called);
	cr_expect_not(model_package(m, 0)->has_called);
	close_both(m, b);
}

Test(model, does_not_let_a_sum_of_hostile_counters_wrap)
{
	struct trace_builder *b = trace_builder_new();
	struct model *m;

	trace_builder_counter(b, 0, SLOT_AllocateLsaHeap, UINT64_MAX, 0, 0);
	trace_builder_counter(b, 0, SLOT_AllocateLsaHeap, 5, 0, 0);
	m = open_model(b);
	cr_expect_eq(model_calls(m, SLOT_AllocateLsaHeap), UINT64_MAX);
	close_both(m, b);
}

Test(model, finds_the_section_of_a_block)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_entry entry = { .address = 0x1000,
				     .size = 4096 | 512ull << 32,
				     .state = TRACE_ENTRY_SECTION,
				     .family = FAMILY_SHARED_MEMORY };
	uint32_t section = trace_builder_entry(b, entry);
	struct model_entry first, second;
	struct reader_cursor c = { 0 };
	struct model *m;

	entry = (struct trace_entry){ .address = 0x1010,
				      .size = 64,
				      .section = section,
				      .state = TRACE_ENTRY_BLOCK,
				      .family = FAMILY_SHARED_MEMORY };
	trace_builder_entry(b, entry);
	m = open_model(b);
	cr_assert(model_next_entry(m, &c, &first) && model_next_entry(m, &c, &second));
	cr_expect_eq(first.size, 4096);
	cr_expect_eq(first.initial_size, 512);
	cr_expect(second.section == first.source);
	cr_expect_eq(model_entry(m, second.section).initial_size, 512);
	cr_expect(second.in_section);
	cr_expect_eq(second.size, 64);
	cr_expect_not(model_next_entry(m, &c, &first));
	close_both(m, b);
}

Test(model, knows_that_a_block_had_a_section_which_is_gone)
{
	struct trace_builder *b = trace_builder_new();
	uint32_t section = trace_builder_entry(b, (struct trace_entry){ 0 });
	struct reader_cursor c = { 0 };
	struct model_entry entry;
	struct model *m;

	trace_builder_entry(b, (struct trace_entry){ .address = 0x1010,
						     .section = section,
						     .state = TRACE_ENTRY_BLOCK,
						     .family = FAMILY_SHARED_MEMORY });
	m = open_model(b);
	cr_assert(model_next_entry(m, &c, &entry));
	cr_expect(entry.in_section);
	cr_expect_null(entry.section);
	cr_expect_not(model_next_entry(m, &c, &entry));
	close_both(m, b);
}

Test(model, decodes_frames_into_module_offset_and_address)
{
	struct trace_builder *b = trace_builder_new();
	uint64_t frames[] = { trace_builder_frame(3, 0x123), trace_builder_frame(0, 0x7f0000001000),
			      trace_builder_frame(8, 0x55) };
	const struct model_stack *stack;
	struct model_stack room;
	struct model *m;
	uint32_t ref;

	trace_builder_module(b, 3, "/lib/package.so", 0x7f1200000000, NULL);
	ref = trace_builder_stack(b, frames, 3);
	m = open_model(b);
	stack = model_stack(m, ref, &room);
	cr_assert_eq(stack, &room);
	cr_expect_eq(stack->frames, 3);
	cr_expect_str_eq(stack->frame[0].module->base, "package.so");
	cr_expect_eq(stack->frame[0].offset, 0x123);
	cr_expect_eq(stack->frame[0].address, 0x7f1200000123);
	cr_expect_null(stack->frame[1].module);
	cr_expect_eq(stack->frame[1].address, 0x7f0000001000);
	cr_expect_null(stack->frame[2].module);
	cr_expect_not(stack->frame[2].has_address, "its module was not recorded");
	cr_expect_null(model_stack(m, 0, &room));
	cr_expect_eq(model_process(m)->stacks, 1);
	close_both(m, b);
}

Test(model, lists_calls_in_flight_but_no_more_than_a_lane_can_show)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_lane *lane = trace_builder_lane(b, 0, 123);
	struct model *m;

	for (unsigned i = 0; i < TRACE_IN_FLIGHT; i++)
		lane->in_flight[i].function = SLOT_FreeLsaHeap;
	lane->in_flight[0].package = 5;
	lane->depth = 100;
	m = open_model(b);
	cr_assert_eq(model_in_flight(m), TRACE_IN_FLIGHT);
	cr_expect_eq(model_call(m, 0)->tid, 123);
	cr_expect_eq(model_call(m, 0)->function, SLOT_FreeLsaHeap);
	cr_expect_eq(model_call(m, 0)->package, 5);
	close_both(m, b);
}

/* A block may be missing then. A process that was killed has calls in flight, and no more is said. */
Test(model, a_process_that_ended_while_the_tracer_ran_in_a_thread_has_lost_a_call)
{
	static const enum trace_end ends[] = { TRACE_END_EXIT, TRACE_END_EXEC, TRACE_END_KILLED };

	for (size_t i = 0; i < 3; i++) {
		struct trace_builder *b = trace_builder_new();
		struct trace_lane *lane = trace_builder_lane(b, 0, 123);
		struct model *m;
		bool is_lost = ends[i] != TRACE_END_KILLED;

		trace_builder_header(b)->end = ends[i];
		lane->in_flight[0].function = SLOT_FreeLsaHeap;
		lane->depth = 1;
		lane->inside = 1;
		m = open_model(b);
		cr_expect_eq(model_lost(m, TRACE_LOST_JUDGEMENTS), is_lost);
		cr_expect_eq(model_is_exact(m), !is_lost);
		close_both(m, b);
	}
}

static struct model_events count_events(struct model *m)
{
	struct model_events events;
	struct trouble trouble;

	cr_assert(model_count_events(m, &events, NULL, &trouble), "%s", trouble.text);
	return events;
}

Test(model, counts_what_became_of_each_event)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_event event = { .time = 2000,
				     .function = SLOT_FreeLsaHeap,
				     .state = TRACE_EVENT_COMMITTED };
	struct model_events events;
	struct model *m;

	for (unsigned i = 0; i < 300; i++, event.time += 1000)
		trace_builder_event(b, i % 2, event);
	event.state = 0;
	trace_builder_event(b, 0, event);
	trace_builder_counter(b, 0, SLOT_FreeLsaHeap, 1000, 0, 0);
	trace_builder_header(b)->lost[TRACE_LOST_EVENTS] = 100;
	m = open_model(b);
	events = count_events(m);
	cr_expect_eq(events.recorded, 1000);
	cr_expect_eq(events.retained, 300);
	cr_expect_eq(events.lost, 100);
	cr_expect_eq(events.overwritten, 600);
	cr_expect_eq(events.torn, 1);
	cr_expect_eq(events.ring_bytes, 2 * TRACE_CHUNK_BYTES);
	cr_expect_eq(events.first_ns, 2000);
	cr_expect_eq(events.last_ns, 600000);
	close_both(m, b);
}

/* Its events are not read: its header says enough. */
Test(model, takes_a_full_chunk_of_the_ring_at_its_word)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_event event = { .time = 5000,
				     .function = SLOT_FreeLsaHeap,
				     .state = TRACE_EVENT_COMMITTED };
	struct trace_chunk *chunk = trace_builder_chunk(b, trace_builder_event(b, 0, event));
	struct model_events events;
	struct model *m;

	chunk->records = READER_RING_EVENTS;
	chunk->first_time = 3000;
	chunk->last_time = 9000;
	m = open_model(b);
	events = count_events(m);
	cr_expect_eq(events.retained, READER_RING_EVENTS);
	cr_expect_eq(events.torn, 0);
	cr_expect_eq(events.first_ns, 4000); /* 2 ns a tick, from tick 1000 */
	cr_expect_eq(events.last_ns, 16000);
	close_both(m, b);
}

static struct trace_event transfer(void)
{
	return (struct trace_event){ .time = 5000,
				     .function = TRANSFER_LogonUser,
				     .result = FAMILY_LSA_HEAP,
				     .state = TRACE_EVENT_COMMITTED };
}

/* Neither as recorded, nor as retained, nor as lost. */
Test(model, does_not_count_transfers_among_the_calls)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_event call = { .time = 5000,
				    .function = SLOT_FreeLsaHeap,
				    .state = TRACE_EVENT_COMMITTED };
	struct trace_chunk *full = trace_builder_chunk(b, trace_builder_event(b, 0, call));
	struct model_events events;
	struct model *m;

	full->records = READER_RING_EVENTS;
	full->transfers = 5;
	trace_builder_event(b, 1, call);
	trace_builder_event(b, 1, transfer());
	trace_builder_counter(b, 0, SLOT_FreeLsaHeap, READER_RING_EVENTS + 10, 0, 0);
	trace_builder_counter(b, 0, TRANSFER_LogonUser, 1000, 0, 24000);
	trace_builder_header(b)->lost[TRACE_LOST_EVENTS] = 3;
	m = open_model(b);
	events = count_events(m);
	cr_expect_eq(events.recorded, READER_RING_EVENTS + 10);
	cr_expect_eq(events.retained, READER_RING_EVENTS - 5 + 1);
	cr_expect_eq(events.lost, 3);
	cr_expect_eq(events.overwritten, 11);
	cr_expect_eq(model_calls(m, TRANSFER_LogonUser), 0);
	cr_expect_eq(model_counter(m, 0, TRANSFER_LogonUser)->bytes, 0);
	close_both(m, b);
}

Test(model, sums_transfers_over_lanes)
{
	struct trace_builder *b = trace_builder_new();
	struct model *m;

	trace_builder_counter(b, 2, TRANSFER_LogonUser, 2, 0, 100);
	trace_builder_counter(b, 2, TRANSFER_LogonUser, 3, 0, 50);
	trace_builder_counter(b, 3, TRANSFER_LogonUser, 1, 0, 1);
	m = open_model(b);
	cr_expect_eq(model_transfers(m, 2, TRANSFER_LogonUser)->blocks, 5);
	cr_expect_eq(model_transfers(m, 2, TRANSFER_LogonUser)->bytes, 150);
	cr_expect_eq(model_transfers(m, 3, TRANSFER_LogonUser)->blocks, 1);
	cr_expect_eq(model_transfers(m, 2, TRANSFER_LogonUserEx)->blocks, 0);
	cr_expect_not(model_package(m, 2)->has_called, "it handed over, but called nothing");
	close_both(m, b);
}

/* The writer may also have lost transfers. */
Test(model, does_not_count_more_calls_as_lost_than_are_missing)
{
	struct trace_builder *b = trace_builder_new();
	struct model *m;

	trace_builder_counter(b, 0, SLOT_FreeLsaHeap, 2, 0, 0);
	trace_builder_header(b)->lost[TRACE_LOST_EVENTS] = 3;
	m = open_model(b);
	cr_expect_eq(count_events(m).lost, 2);
	cr_expect_eq(count_events(m).overwritten, 0);
	close_both(m, b);
}

Test(model, does_not_count_fewer_than_no_events_as_overwritten)
{
	struct trace_builder *b = trace_builder_new();
	struct model *m;

	trace_builder_event(b, 0,
			    (struct trace_event){ .time = 2000,
						  .function = SLOT_FreeLsaHeap,
						  .state = TRACE_EVENT_COMMITTED });
	trace_builder_header(b)->lost[TRACE_LOST_EVENTS] = UINT64_MAX;
	m = open_model(b);
	cr_expect_eq(count_events(m).overwritten, 0);
	close_both(m, b);
}

Test(model, is_exact_when_only_history_was_lost)
{
	struct trace_builder *b = trace_builder_new();
	struct model *m;

	trace_builder_header(b)->lost[TRACE_LOST_EVENTS] = 5;
	m = open_model(b);
	cr_expect(model_is_exact(m));
	model_close(m);
	for (unsigned i = TRACE_LOST_EVENTS + 1; i < TRACE_LOST_COUNT; i++) {
		trace_builder_header(b)->lost[i] = 1;
		m = open_model(b);
		cr_expect_not(model_is_exact(m), "lost[%u]", i);
		model_close(m);
		trace_builder_header(b)->lost[i] = 0;
	}
	trace_builder_free(b);
}

/* Time. */

Test(model, measures_time_by_the_newer_of_the_last_clock_points)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_header *h = trace_builder_header(b);
	struct model *m;

	h->clock_last[1] = (struct trace_clock){ 1000 + 4000, 5000 + 1000 };
	h->clock_index = 3;
	m = open_model(b);
	cr_expect_eq(model_time_ns(m, 1000 + 4000), 1000);
	cr_expect_eq(model_time_ns(m, 1000), 0);
	cr_expect_eq(model_time_ns(m, 0), -250);
	cr_expect_eq(model_duration_ns(m, 400), 100);
	close_both(m, b);
}

Test(model, counts_times_from_the_start_of_the_trace)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_header *h = trace_builder_header(b);
	struct model *m;

	h->start_ticks = h->clock_first.ticks + 600;
	h->clock_last[0] = (struct trace_clock){ 1000 + 1000, 5000 + 2000 };
	m = open_model(b);
	cr_expect_eq(model_time_ns(m, 1600), 0);
	cr_expect_eq(model_time_ns(m, 1000), -1200);
	cr_expect_eq(model_span_ns(m), 800);
	close_both(m, b);
}

Test(model, takes_a_tick_for_a_nanosecond_without_two_different_clock_points)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_header *h = trace_builder_header(b);
	struct model *m;

	h->clock_last[0] = h->clock_first;
	m = open_model(b);
	cr_expect_eq(model_time_ns(m, 1007), 7);
	model_close(m);
	h->clock_last[0] = (struct trace_clock){ 0, 0 };
	m = open_model(b);
	cr_expect_eq(model_time_ns(m, 1007), 7);
	close_both(m, b);
}

Test(model, survives_times_beyond_all_bounds)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_header *h = trace_builder_header(b);
	struct model *m;

	h->clock_first = (struct trace_clock){ 0, 0 };
	h->clock_last[0] = (struct trace_clock){ 1, UINT64_MAX };
	m = open_model(b);
	cr_expect_eq(model_time_ns(m, INT64_MAX), MODEL_TIME_MOST);
	cr_expect_eq(model_time_ns(m, 1ull << 63), -MODEL_TIME_MOST);
	cr_expect_eq(model_time_ns(m, INT64_MAX) - model_time_ns(m, 1ull << 63), INT64_MAX - 1);
	cr_expect_eq(model_duration_ns(m, UINT64_MAX), MODEL_TIME_MOST);
	close_both(m, b);
}

/* How it ended. */

Test(model, knows_the_status_of_a_process_that_ended)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_header *h = trace_builder_header(b);
	struct model *m;

	h->exit_status = 3;
	m = open_model(b);
	cr_expect_str_eq(model_process(m)->end_text, "exit");
	cr_expect(model_process(m)->has_exit_status);
	cr_expect_eq(model_process(m)->exit_status, 3);
	model_close(m);
	h->end = TRACE_END_EXEC;
	m = open_model(b);
	cr_expect_str_eq(model_process(m)->end_text, "exec");
	cr_expect_not(model_process(m)->has_exit_status);
	model_close(m);
	h->end = TRACE_END_KILLED;
	h->exit_status = 137;
	m = open_model(b);
	cr_expect_str_eq(model_process(m)->end_text, "killed");
	cr_expect(model_process(m)->has_exit_status);
	cr_expect_eq(model_process(m)->exit_status, 137);
	close_both(m, b);
}

enum { ENDING_BLOCKS = 100000 };

/* A trace that is written while it is read. */
struct ending {
	unsigned char *file; /* mapped */
	const uint32_t *blocks;
	unsigned delay_us;
};

/* The process frees all, and ends. */
static void *end_process(void *ending)
{
	struct ending *e = ending;

	usleep(e->delay_us);
	for (size_t i = 0; i < ENDING_BLOCKS; i++)
		((volatile struct trace_entry *)(e->file + (size_t)e->blocks[i] * TRACE_GRANULE))
			->state = TRACE_ENTRY_FREE;
	((volatile struct trace_header *)e->file)->end = TRACE_END_EXIT;
	return NULL;
}

Test(model, a_process_that_ends_while_its_trace_is_read_leaves_no_block_that_it_freed,
     .timeout = 120)
{
	struct trace_builder *b = trace_builder_new();
	uint32_t *blocks = malloc(ENDING_BLOCKS * sizeof(*blocks));
	struct ending e = { .blocks = blocks };
	struct trouble trouble;
	const char *path;
	size_t size;
	int fd;

	for (unsigned i = 0; i < ENDING_BLOCKS; i++)
		blocks[i] =
			trace_builder_entry(b, (struct trace_entry){ .address = 0x1000 + i,
								     .state = TRACE_ENTRY_BLOCK,
								     .family = FAMILY_LSA_HEAP });
	trace_builder_running(b, getpid());
	path = trace_builder_write(b);
	fd = open(path, O_RDWR | O_CLOEXEC);
	trace_builder_bytes(b, &size);
	e.file = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	cr_assert(fd >= 0 && e.file != MAP_FAILED);
	for (e.delay_us = 0; e.delay_us < 10000; e.delay_us += 250) {
		struct reader_cursor c = { 0 };
		struct model_entry entry;
		pthread_t thread;
		struct model *m;

		memcpy(e.file, trace_builder_bytes(b, &size), size);
		cr_assert_eq(pthread_create(&thread, NULL, end_process, &e), 0);
		m = model_open(path, NULL, &trouble);
		cr_assert(m, "%s", trouble.text);
		if (model_process(m)->end != TRACE_END_RUNNING) {
			cr_expect_str_eq(model_process(m)->end_text, "exit");
			cr_expect_not(model_next_entry(m, &c, &entry), "after %u us", e.delay_us);
		}
		model_close(m);
		pthread_join(thread, NULL);
	}
	munmap(e.file, size);
	close(fd);
	free(blocks);
	trace_builder_free(b);
}

Test(model, tells_a_running_process_from_one_that_was_killed)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_header *h = trace_builder_header(b);
	struct model *m;

	trace_builder_running(b, getpid());
	m = open_model(b);
	cr_expect_str_eq(model_process(m)->end_text, "running");
	model_close(m);
	/* Destructors may still free what is live. */
	h->end = TRACE_END_EXIT;
	m = open_model(b);
	cr_expect_str_eq(model_process(m)->end_text, "running", "while it exits");
	cr_expect_not(model_process(m)->has_exit_status);
	h->end = TRACE_END_RUNNING;
	cr_expect_not(model_process(m)->has_exit_status);
	model_close(m);
	h->pid_start++;
	m = open_model(b);
	cr_expect_str_eq(model_process(m)->end_text, "killed", "its pid is another process's now");
	cr_expect_not(model_process(m)->has_exit_status);
	model_close(m);
	h->pid_start--;
	h->boot_id[0] ^= 1;
	m = open_model(b);
	cr_expect_str_eq(model_process(m)->end_text, "killed",
			 "the machine was started again since");
	close_both(m, b);
}

Test(model, takes_a_zombie_as_gone)
{
	struct trace_builder *b = trace_builder_new();
	pid_t child = fork();
	char path[64], text[2048] = "";
	FILE *file;

	if (child == 0)
		_exit(0);
	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	do {
		usleep(1000);
		file = fopen(path, "r");
		cr_assert(file && fread(text, 1, sizeof(text) - 1, file) > 0);
		fclose(file);
	} while (strrchr(text, ')')[2] != 'Z');
	trace_builder_running(b, child);
	cr_expect_not(liveness_check(child, trace_builder_header(b)->pid_start,
				     trace_builder_header(b)->boot_id));
	trace_builder_free(b);
}
