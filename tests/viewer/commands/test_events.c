/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "include/failures.h"
#include "tests/support/trace_builder.h"
#include "viewer/commands/commands.h"
#include "viewer/read/timeline.h"

/* Messages on standard error are not checked here. */
static void silence(void)
{
	cr_assert(freopen("/dev/null", "w", stderr));
}

/* Returns what `lsatrace events` with up to three options prints for a trace, and its status. */
static char *events(struct trace_builder *b, int *status, const char *option, const char *second,
		    const char *third)
{
	const char *argv[6] = { "events" };
	char name[] = "/tmp/lsatrace-test-XXXXXX", *text;
	int argc = 1, file = mkstemp(name), saved = dup(STDOUT_FILENO);
	off_t size;

	argv[argc] = option;
	argc += option != NULL;
	argv[argc] = second;
	argc += second != NULL;
	argv[argc] = third;
	argc += third != NULL;
	argv[argc++] = trace_builder_write(b);
	argv[argc] = NULL;
	cr_assert_geq(file, 0);
	fflush(stdout);
	dup2(file, STDOUT_FILENO);
	*status = command_events(argc, (char **)argv);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	size = lseek(file, 0, SEEK_END);
	text = calloc(1, (size_t)size + 1);
	cr_assert_eq(pread(file, text, (size_t)size, 0), size);
	close(file);
	unlink(name);
	return text;
}

static struct trace_event event(uint64_t time, unsigned function)
{
	return (struct trace_event){ .time = time,
				     .duration = 50,
				     .tid = 1234,
				     .function = (uint8_t)function,
				     .state = TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED };
}

static void expect_line(struct trace_event e, const char *line)
{
	struct trace_builder *b = trace_builder_new();
	int status;
	char *text;

	trace_builder_package(b, 0, "pkg", 1, 0);
	trace_builder_event(b, 0, e);
	text = events(b, &status, NULL, NULL, NULL);
	cr_expect_eq(status, 0);
	cr_expect_str_eq(text, line, "%s", text);
	free(text);
	trace_builder_free(b);
}

Test(events, a_creation_shows_both_sizes_and_the_handle)
{
	struct trace_event e = event(618283784, SLOT_CreateSharedMemory);

	e.size = 4096 | 512ull << 32;
	e.address = 0x7f00;
	expect_line(e, "[+1.236565568] 1234 pkg CreateSharedMemory(4096, 512) = 0x7f00 "
		       "<0.000000100>\n");
}

Test(events, an_allocation_shows_section_size_and_address)
{
	struct trace_event e = event(1000, SLOT_AllocateSharedMemory);

	e.section = 0x7f00;
	e.size = 64;
	e.address = 0x7f10;
	expect_line(e, "[+0.000000000] 1234 pkg AllocateSharedMemory(0x7f00, 64) = 0x7f10 "
		       "<0.000000100>\n");
}

Test(events, an_allocation_that_failed_returned_null)
{
	struct trace_event e = event(1000, SLOT_AllocateLsaHeap);

	e.size = 64;
	e.state |= TRACE_EVENT_FAILED;
	e.verdict = TRACE_KIND_FAILED_CALL;
	expect_line(e, "[+0.000000000] 1234 pkg AllocateLsaHeap(64) = NULL <0.000000100>"
		       "  \u2190 failed-call\n");
}

Test(events, a_call_that_was_made_to_fail_is_marked)
{
	struct trace_event e = event(1000, SLOT_AllocateLsaHeap);

	e.size = 64;
	e.state |= TRACE_EVENT_FAILED | TRACE_EVENT_INJECTED;
	e.verdict = TRACE_KIND_FAILED_CALL;
	expect_line(e, "[+0.000000000] 1234 pkg AllocateLsaHeap(64) = NULL <0.000000100> <injected>"
		       "  \u2190 failed-call\n");
}

/* A trace that defines a function which is not traced, with one call of it. */
static struct trace_builder *untraced_trace(unsigned state, int32_t result)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_event e = event(1000, UNTRACED_DuplicateHandle);

	trace_builder_package(b, 0, "pkg", 1, 0);
	trace_builder_text(b, TRACE_RECORD_FUNCTION,
			   UNTRACED_DuplicateHandle | TRACE_ROLE_STATUS << 16, "DuplicateHandle");
	e.state = (uint8_t)state;
	e.result = result;
	trace_builder_event(b, 0, e);
	return b;
}

static void expect_untraced(unsigned state, const char *option, const char *expected)
{
	struct trace_builder *b = untraced_trace(state, (int32_t)0xc0000008);
	int status;
	char *text = events(b, &status, option, NULL, NULL);

	cr_expect_str_eq(text, expected, "%s", text);
	free(text);
	trace_builder_free(b);
}

Test(events, a_call_that_is_not_traced_has_a_result_only_if_it_was_made_to_fail)
{
	expect_untraced(TRACE_EVENT_COMMITTED, NULL,
			"[+0.000000000] 1234 pkg DuplicateHandle(...)\n");
	expect_untraced(TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED | TRACE_EVENT_FAILED |
				TRACE_EVENT_INJECTED,
			NULL,
			"[+0.000000000] 1234 pkg DuplicateHandle(...) = 0xc0000008 <0.000000100> "
			"<injected>\n");
	expect_untraced(TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED | TRACE_EVENT_FAILED |
				TRACE_EVENT_INJECTED,
			"--json",
			"{\"time_ns\":0,\"thread\":1234,\"package\":0,"
			"\"function\":\"DuplicateHandle\",\"section\":null,\"address\":null,"
			"\"size\":null,\"initial_size\":null,\"result\":\"0xc0000008\","
			"\"duration_ns\":100,\"injected\":true,\"to\":null,\"finding\":null,"
			"\"reason\":null}\n");
}

/* The site that `--sites` prints of a call with that stack; the package is the module "/p/pkg.so". */
static uint64_t site_of(unsigned function, const char *folder, uint64_t base,
			const uint64_t *frames, uint32_t count)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_event e = event(1000, function);
	char path[64], *text;
	uint64_t site = 0;
	int status;

	snprintf(path, sizeof(path), "%s/pkg.so", folder);
	trace_builder_module(b, 1, path, base, "0123456789");
	trace_builder_module(b, 2, "/bin/host", base / 2, NULL);
	trace_builder_package(b, 0, "pkg", 1, 1);
	e.stack = trace_builder_stack(b, frames, count);
	trace_builder_event(b, 0, e);
	text = events(b, &status, "--sites", NULL, NULL);
	if (strstr(text, " site="))
		site = strtoull(strstr(text, " site=") + 6, NULL, 16);
	free(text);
	trace_builder_free(b);
	return site;
}

Test(events, a_site_is_made_of_the_function_and_the_frames_up_to_the_packages_outermost)
{
	const uint64_t inner = trace_builder_frame(1, 0x100), other = trace_builder_frame(1, 0x104),
		       helper = trace_builder_frame(2, 0x50), outer = trace_builder_frame(1, 0x200),
		       host = trace_builder_frame(2, 0x300), jit = trace_builder_frame(0, 0x400);
	const uint64_t frames[] = { inner, helper, outer, host, jit };
	uint64_t site = site_of(SLOT_AllocateLsaHeap, "/p", 0x7f0000000000, frames, 5);

	cr_expect_eq(site, 0xe3775b727eaade5f, "%lx: traces and options outlive this version", site);
	cr_expect_eq(site_of(SLOT_AllocateLsaHeap, "/q", 0x7f1111111000, frames, 5), site);
	cr_expect_eq(site_of(SLOT_AllocateLsaHeap, "/p", 0x7f0000000000, frames, 3), site);
	cr_expect_neq(site_of(SLOT_AllocateLsaHeap, "/p", 0x7f0000000000, frames, 2), site);
	cr_expect_neq(site_of(SLOT_AllocatePrivateHeap, "/p", 0x7f0000000000, frames, 5), site);
	cr_expect_neq(site_of(SLOT_AllocateLsaHeap, "/p", 0x7f0000000000,
			      (const uint64_t[]){ other, helper, outer }, 3),
		      site);
	cr_expect_eq(site_of(SLOT_FreeLsaHeap, "/p", 0x7f0000000000, frames, 5), 0);
}

/* Without a frame of the package, all count, but not addresses outside of all modules. */
Test(events, a_site_without_frames_of_the_package_is_made_of_all_frames)
{
	const uint64_t host = trace_builder_frame(2, 0x300), jit = trace_builder_frame(0, 0x400),
		       elsewhere = trace_builder_frame(0, 0x500);
	uint64_t site = site_of(SLOT_AllocateLsaHeap, "/p", 0x7f0000000000,
				(const uint64_t[]){ host, jit }, 2);

	cr_expect_eq(site_of(SLOT_AllocateLsaHeap, "/p", 0x7f0000000000,
			     (const uint64_t[]){ host, elsewhere }, 2),
		     site);
	cr_expect_neq(site_of(SLOT_AllocateLsaHeap, "/p", 0x7f0000000000, &host, 1), site);
}

Test(events, a_free_shows_its_verdict)
{
	struct trace_event e = event(500, SLOT_FreeSharedMemory);

	e.section = 0x7f00;
	e.address = 0x7f10;
	e.verdict = TRACE_KIND_DOUBLE_FREE;
	expect_line(e, "[-0.000001000] 1234 pkg FreeSharedMemory(0x7f00, 0x7f10) = void "
		       "<0.000000100>  \u2190 double-free\n");
}

Test(events, a_call_that_had_not_returned_has_an_unknown_result)
{
	struct trace_event e = event(1000, SLOT_DeleteSharedMemory);

	e.address = 0x7f00;
	e.state = TRACE_EVENT_COMMITTED;
	expect_line(e, "[+0.000000000] 1234 pkg DeleteSharedMemory(0x7f00) = ?\n");
}

Test(events, a_deletion_returns_a_boolean)
{
	struct trace_event e = event(1000, SLOT_DeleteSharedMemory);

	e.result = 1;
	expect_line(e, "[+0.000000000] 1234 pkg DeleteSharedMemory(NULL) = TRUE <0.000000100>\n");
}

Test(events, a_client_buffer_shows_request_and_status)
{
	struct trace_event e = event(1000, SLOT_AllocateClientBuffer);

	e.section = 0xc11e;
	e.size = 32;
	e.address = 0x7f10;
	expect_line(e, "[+0.000000000] 1234 pkg AllocateClientBuffer(0xc11e, 32, [0x7f10]) = 0x0 "
		       "<0.000000100>\n");
	e = event(1000, SLOT_FreeClientBuffer);
	e.section = 0xc11e;
	e.result = (int32_t)0xc0000005;
	expect_line(e, "[+0.000000000] 1234 pkg FreeClientBuffer(0xc11e, NULL) = 0xc0000005 "
		       "<0.000000100>\n");
}

Test(events, a_buffer_that_was_obtained_shows_what_came_back)
{
	struct trace_event e = event(1000, SLOT_CallPackage);

	e.size = 32;
	e.address = 0x7f10;
	expect_line(e, "[+0.000000000] 1234 pkg CallPackage(..., [0x7f10], [32]) = 0x0 "
		       "<0.000000100>\n");
}

static struct trace_event transfer(enum transfer_function function, enum family family)
{
	struct trace_event e = event(1000, function);

	e.address = 0x7f10;
	e.size = 24;
	e.result = family;
	e.state = TRACE_EVENT_COMMITTED;
	return e;
}

Test(events, a_transfer_says_what_goes_to_whom)
{
	struct trace_event e = transfer(TRANSFER_LogonUser, FAMILY_LSA_HEAP);

	expect_line(e, "[+0.000000000] 1234 pkg LsaApLogonUser hands 0x7f10 (24 bytes, lsa-heap) "
		       "to the LSA\n");
	e = transfer(TRANSFER_CallPackage, FAMILY_CLIENT_BUFFER);
	e.size = 1;
	e.result |= TRACE_RECEIVER_CLIENT << 8;
	expect_line(e, "[+0.000000000] 1234 pkg LsaApCallPackage hands 0x7f10 (1 byte, "
		       "client-buffer) to the client\n");
	e.section = 0xc11e;
	expect_line(e, "[+0.000000000] 1234 pkg LsaApCallPackage hands 0x7f10 (1 byte, "
		       "client-buffer) to client 0xc11e\n");
}

Test(events, the_return_of_an_entry_point_says_its_status)
{
	struct trace_event e = event(1000, TRANSFER_LogonUser);

	e.state = TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED | TRACE_EVENT_FAILED;
	e.result = (int32_t)0xc000006d;
	expect_line(e, "[+0.000000000] 1234 pkg LsaApLogonUser = 0xc000006d <0.000000100>\n");
}

Test(events, a_package_without_name_is_shown_by_index)
{
	struct trace_event e = event(1000, SLOT_FreeLsaHeap);

	e.package = 7;
	e.tid = -5;
	expect_line(e, "[+0.000000000] -5 #7 FreeLsaHeap(NULL) = void <0.000000100>\n");
}

/* Order. */

static void expect_sorted(struct trace_builder *b, size_t expected)
{
	struct trouble trouble;
	struct reader *r = reader_open(trace_builder_write(b), NULL, &trouble);
	struct timeline *t;
	const struct trace_event *e;
	uint64_t before = 0;
	size_t count = 0;

	cr_assert(r, "%s", trouble.text);
	t = timeline_new(r);
	while ((e = timeline_next(t, &trouble)) != NULL) {
		cr_assert_leq(before, e->time, "event %zu", count);
		before = e->time;
		count++;
	}
	cr_expect_eq(trouble.error, TROUBLE_NONE);
	cr_expect_eq(count, expected);
	timeline_free(t);
	reader_close(r);
	trace_builder_free(b);
}

Test(events, are_merged_from_lanes_by_time)
{
	struct trace_builder *b = trace_builder_new();

	for (unsigned i = 0; i < 5000; i++)
		trace_builder_event(b, i * 7 % 5, event(1000 + i, SLOT_FreeLsaHeap));
	expect_sorted(b, 5000);
}

Test(events, are_sorted_although_a_lane_is_a_little_out_of_order)
{
	struct trace_builder *b = trace_builder_new();

	/* Across the boundary of chunks too: each three events are written backwards. */
	for (unsigned i = 0; i < 2001; i++)
		trace_builder_event(b, 0, event(1000 + i / 3 * 3 + 2 - i % 3, SLOT_FreeLsaHeap));
	expect_sorted(b, 2001);
}

Test(events, are_sorted_whatever_the_place_of_a_chunk_in_the_file)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_event *first = NULL;

	for (unsigned i = 0; i < 3 * TRACE_ITEMS(struct trace_event); i++) {
		struct trace_event *e =
			trace_builder_event(b, 0, event(i < 255 ? 90000 + i : i, SLOT_FreeLsaHeap));

		first = first ? first : e;
	}
	/* The first chunk was overwritten by the newest events. */
	trace_builder_chunk(b, first)->sequence = 77;
	expect_sorted(b, 3 * TRACE_ITEMS(struct trace_event));
}

Test(events, a_trace_without_events_prints_nothing)
{
	struct trace_builder *b = trace_builder_new();
	int status;
	char *text = events(b, &status, NULL, NULL, NULL);

	cr_expect_eq(status, 0);
	cr_expect_str_eq(text, "");
	free(text);
	trace_builder_free(b);
}

Test(events, stop_at_damage_with_status_2)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_event e = event(1000, SLOT_FreeLsaHeap);
	int status;
	char *text;

	e.function = TRACE_FUNCTIONS - 1;
	trace_builder_event(b, 0, e);
	silence();
	text = events(b, &status, NULL, NULL, NULL);
	cr_expect_eq(status, 2);
	free(text);
	trace_builder_free(b);
}

/* Calls in flight. */

static void add_flight(struct trace_lane *lane, uint64_t time, unsigned function,
		       uint64_t argument0, uint64_t argument1)
{
	lane->in_flight[lane->depth++] = (struct trace_call){ .time = time,
							      .arguments = { argument0, argument1 },
							      .function = (uint8_t)function };
}

static void expect_text(struct trace_builder *b, const char *option, const char *second,
			const char *expected)
{
	int status;
	char *text = events(b, &status, option, second, NULL);

	cr_expect_eq(status, 0);
	cr_expect_str_eq(text, expected, "%s", text);
	free(text);
}

/* Two threads. The one is in CallPackage, and made a call in there; the other is in an allocation. */
static struct trace_builder *some_flights(void)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_event e = event(1500, SLOT_FreeLsaHeap);
	struct trace_lane *lane = trace_builder_lane(b, 1, 77);

	trace_builder_package(b, 0, "pkg", 1, 0);
	e.address = 0x8000;
	trace_builder_event(b, 0, e);
	e.time = 3000;
	e.tid = 77;
	trace_builder_event(b, 1, e);
	add_flight(lane, 2000, SLOT_CallPackage, 1, 2);
	lane = trace_builder_lane(b, 0, 1234);
	add_flight(lane, 2500, SLOT_AllocateSharedMemory, 0x7000, 64);
	return b;
}

Test(events, show_calls_in_flight_where_they_began)
{
	struct trace_builder *b = some_flights();

	expect_text(b, NULL, NULL,
		    "[+0.000001000] 1234 pkg FreeLsaHeap(0x8000) = void <0.000000100>\n"
		    "[+0.000002000] 77 pkg CallPackage(..., [?], [?]) = ?\n"
		    "[+0.000003000] 1234 pkg AllocateSharedMemory(0x7000, 64) = ?\n"
		    "[+0.000004000] 77 pkg FreeLsaHeap(0x8000) = void <0.000000100>\n");
	trace_builder_free(b);
}

Test(events, in_flight_are_filtered_and_counted_as_all_others)
{
	static const char last[] = "[+0.000003000] 1234 pkg AllocateSharedMemory(0x7000, 64) = ?\n";
	struct trace_builder *b = some_flights();

	expect_text(b, "--thread=1234", "--last=1", last);
	expect_text(b, "--function=Allocate*", NULL, last);
	expect_text(b, "--package=pkg", "--since=+0.0000035",
		    "[+0.000004000] 77 pkg FreeLsaHeap(0x8000) = void <0.000000100>\n");
	expect_text(b, "--address=0x7000", NULL, last);
	expect_text(b, "--findings", NULL, "");
	trace_builder_free(b);
}

Test(events, in_flight_have_their_arguments)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_lane *lane = trace_builder_lane(b, 3, 5);

	trace_builder_package(b, 0, "pkg", 1, 0);
	add_flight(lane, 1000, SLOT_CreateSharedMemory, 4096, 512);
	add_flight(lane, 1500, SLOT_DeleteSharedMemory, 0x7000, 0);
	add_flight(lane, 2000, SLOT_FreeSharedMemory, 0x7000, 0x7010);
	add_flight(lane, 2500, SLOT_AllocateLsaHeap, 24, 0);
	add_flight(lane, 3000, SLOT_FreeLsaHeap, 0x8000, 0);
	add_flight(lane, 3500, SLOT_AllocateClientBuffer, 0xc11e, 32);
	add_flight(lane, 4000, SLOT_FreeClientBuffer, 0xc11e, 0x9000);
	expect_text(b, NULL, NULL,
		    "[+0.000000000] 5 pkg CreateSharedMemory(4096, 512) = ?\n"
		    "[+0.000001000] 5 pkg DeleteSharedMemory(0x7000) = ?\n"
		    "[+0.000002000] 5 pkg FreeSharedMemory(0x7000, 0x7010) = ?\n"
		    "[+0.000003000] 5 pkg AllocateLsaHeap(24) = ?\n"
		    "[+0.000004000] 5 pkg FreeLsaHeap(0x8000) = ?\n"
		    "[+0.000005000] 5 pkg AllocateClientBuffer(0xc11e, 32, [?]) = ?\n"
		    "[+0.000006000] 5 pkg FreeClientBuffer(0xc11e, 0x9000) = ?\n");
	trace_builder_free(b);
}

/* A free is recorded before the host's function runs, an allocation before it leaves the tracer. */
Test(events, in_flight_are_not_shown_twice)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_event e = event(2000, SLOT_FreeLsaHeap);
	struct trace_lane *lane = trace_builder_lane(b, 0, 1234);

	trace_builder_package(b, 0, "pkg", 1, 0);
	add_flight(lane, 1000, SLOT_AllocateLsaHeap, 24, 0);
	add_flight(lane, 2000, SLOT_FreeLsaHeap, 0x8000, 0);
	e.address = 0x8000;
	e.state = TRACE_EVENT_COMMITTED;
	trace_builder_event(b, 0, e);
	e = event(2050, SLOT_AllocateLsaHeap);
	e.duration = 1050;
	e.size = 24;
	e.address = 0x8100;
	trace_builder_event(b, 0, e);
	/* Of another thread. */
	lane = trace_builder_lane(b, 1, 77);
	add_flight(lane, 2000, SLOT_FreeLsaHeap, 0x8000, 0);
	expect_text(b, NULL, NULL,
		    "[+0.000002000] 1234 pkg FreeLsaHeap(0x8000) = ?\n"
		    "[+0.000002000] 77 pkg FreeLsaHeap(0x8000) = ?\n"
		    "[+0.000002100] 1234 pkg AllocateLsaHeap(24) = 0x8100 <0.000002100>\n");
	trace_builder_free(b);
}

/* Filters. */

static struct trace_builder *some_events(void)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_event e = event(1000, SLOT_AllocateSharedMemory);

	trace_builder_package(b, 0, "alpha", 1, 0);
	trace_builder_package(b, 1, "2", 2, 0);
	trace_builder_package(b, 2, "gamma", 3, 0);
	e.section = 0x7000;
	e.address = 0x7010;
	e.size = 32;
	trace_builder_event(b, 0, e);
	e = event(2000, SLOT_FreeSharedMemory);
	e.section = 0x7000;
	e.address = 0x7010;
	e.package = 1;
	trace_builder_event(b, 0, e);
	e = event(3000, SLOT_FreeLsaHeap);
	e.address = 0x8000;
	e.package = 2;
	e.tid = 77;
	trace_builder_event(b, 0, e);
	e = transfer(TRANSFER_LogonUser, FAMILY_LSA_HEAP);
	e.address = 0x9000;
	e.time = 4000;
	trace_builder_event(b, 0, e);
	return b;
}

static void expect_lines(const char *option, const char *second, unsigned lines)
{
	struct trace_builder *b = some_events();
	unsigned count = 0;
	int status;
	char *text = events(b, &status, option, second, NULL);

	for (const char *c = text; *c; c++)
		count += *c == '\n';
	cr_expect_eq(status, lines == UINT32_MAX ? 2 : 0, "%s", option);
	cr_expect_eq(count, lines == UINT32_MAX ? 0 : lines, "%s: %s", option, text);
	free(text);
	trace_builder_free(b);
}

#define REFUSED UINT32_MAX

Test(events, are_filtered_by_function)
{
	expect_lines("--function=FreeLsaHeap", NULL, 1);
	expect_lines("--function=AllocateLsaHeap", NULL, 0);
	expect_lines("--function=LsaApLogonUser", NULL, 1);
	silence();
	expect_lines("--function=Nonsense", NULL, REFUSED);
}

Test(events, are_filtered_by_name_of_package_and_else_by_index)
{
	expect_lines("--package=alpha", NULL, 2);
	expect_lines("--package=2", NULL, 1);
	expect_lines("--package=0", NULL, 2);
	expect_lines("--package=63", NULL, 0);
	silence();
	expect_lines("--package=65", NULL, REFUSED);
	expect_lines("--package=nobody", NULL, REFUSED);
}

Test(events, are_the_last_ones_if_that_is_asked_for)
{
	expect_lines("--last=1", NULL, 1);
	expect_lines("--last=1", "--thread=77", 1);
	expect_lines("--last=2", "--thread=77", 1);
	silence();
	expect_lines("--last=0", NULL, REFUSED);
}

Test(events, are_filtered_by_thread)
{
	expect_lines("--thread=77", NULL, 1);
	expect_lines("--thread=1234", "--package=0", 2);
	silence();
	expect_lines("--thread=x", NULL, REFUSED);
}

Test(events, are_filtered_by_several_patterns_of_a_field)
{
	expect_lines("--function=FreeLsaHeap", "--function=FreeSharedMemory", 2);
	expect_lines("--function=Free*", NULL, 2);
	expect_lines("--package=alpha", "--package=g?mma", 3);
	expect_lines("--thread=77", "--thread=12*", 4);
	expect_lines("--thread=7[0-6]", NULL, 0);
	expect_lines("--function=*SharedMemory", "--thread=77", 0);
}

/* Returns what goes to standard error meanwhile. */
static char *complaint(struct trace_builder *b, const char *option, const char *printed)
{
	char name[] = "/tmp/lsatrace-test-XXXXXX";
	int file = mkstemp(name), saved = dup(STDERR_FILENO), status;
	char *text, *said = calloc(1, 1000);

	cr_assert_geq(file, 0);
	fflush(stderr);
	dup2(file, STDERR_FILENO);
	text = events(b, &status, option, NULL, NULL);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	cr_expect_eq(status, 0);
	cr_expect_str_eq(text, printed, "%s", text);
	cr_expect_geq(pread(file, said, 999, 0), 0);
	close(file);
	unlink(name);
	free(text);
	return said;
}

static void expect_complaint(struct trace_builder *b, const char *option, const char *printed,
			     const char *expected)
{
	char *said = complaint(b, option, printed);

	cr_expect_str_eq(said, expected, "%s: %s", option, said);
	free(said);
}

Test(events, that_do_not_exist_are_told)
{
	static const char none[] = "lsatrace events: no event of 4 matches\n";
	struct trace_builder *b = some_events(), *empty = trace_builder_new();

	expect_complaint(b, "--thread=1", "", none);
	expect_complaint(b, "--address=0x1", "", none);
	expect_complaint(b, "--until=1970-01-02", "", none);
	expect_complaint(b, "--findings", "", none);
	expect_complaint(b, "--thread=77",
			 "[+0.000004000] 77 gamma FreeLsaHeap(0x8000) = void <0.000000100>\n", "");
	expect_complaint(empty, NULL, "", "lsatrace events: no event of 0 matches\n");
	trace_builder_free(b);
	trace_builder_free(empty);
}

Test(events, are_filtered_by_time)
{
	/* A tick is 2 ns, and the trace begins at tick 1000. */
	expect_lines("--since=+0.000001", NULL, 3);
	expect_lines("--since=+0.000003", "--until=+0.000005", 1);
	expect_lines("--since=1970-01-02", NULL, 4);
	expect_lines("--until=1970-01-02", NULL, 0);
	silence();
	expect_lines("--since=no checkpoint", NULL, REFUSED);
	expect_lines("--until=no time", NULL, REFUSED);
	expect_lines("--until=", NULL, REFUSED);
}

Test(events, are_filtered_by_a_checkpoint)
{
	struct trace_builder *b = some_events();
	int status;
	char *text;

	trace_builder_checkpoint(b, 1, 2500, "before logon");
	text = events(b, &status, "--since=before logon", NULL, NULL);
	cr_expect_eq(strncmp(text, "[+0.000004", 10), 0, "%s", text);
	free(text);
	trace_builder_free(b);
}

/* An event with a verdict, at an address. */
static void add_call(struct trace_builder *b, uint64_t time, unsigned function, uint64_t address,
		     enum trace_kind verdict)
{
	struct trace_event e = event(time, function);

	e.section = 0x7000;
	e.address = address;
	e.size = 32;
	e.verdict = (uint8_t)verdict;
	trace_builder_event(b, 0, e);
}

static struct trace_builder *some_lives(void)
{
	struct trace_builder *b = trace_builder_new();

	add_call(b, 1000, SLOT_AllocateSharedMemory, 0x7010, 0);
	add_call(b, 2000, SLOT_AllocateSharedMemory, 0x7100, 0);
	add_call(b, 3000, SLOT_FreeSharedMemory, 0x7018, TRACE_KIND_INVALID_FREE);
	add_call(b, 4000, SLOT_FreeSharedMemory, 0x7010, 0);
	add_call(b, 5000, SLOT_FreeSharedMemory, 0x7010, TRACE_KIND_DOUBLE_FREE);
	add_call(b, 6000, SLOT_DeleteSharedMemory, 0x7000, TRACE_KIND_LIVE_AT_DELETE);
	trace_builder_entry(b, (struct trace_entry){ .address = 0x9000,
						     .size = 64,
						     .state = TRACE_ENTRY_BLOCK,
						     .family = FAMILY_LSA_HEAP });
	return b;
}

static void expect_life(const char *option, const char *second, unsigned lines, const char *part)
{
	struct trace_builder *b = some_lives();
	unsigned count = 0;
	int status;
	char *text = events(b, &status, option, second, NULL);

	for (const char *c = text; *c; c++)
		count += *c == '\n';
	cr_expect_eq(count, lines, "%s: %s", option, text);
	cr_expect(strstr(text, part), "%s: %s", option, text);
	free(text);
	trace_builder_free(b);
}

Test(events, tell_the_life_of_a_block_from_its_allocation_to_its_end)
{
	/* From inside of it: allocated, freed, and freed again; not the deletion, it was gone by then. */
	expect_life("--address=0x7018", NULL, 4, "double-free");
	expect_life("--address=0x701f", NULL, 3, "FreeSharedMemory(0x7000, 0x7010) = void");
	/* It was live when its section was deleted. */
	expect_life("--address=0x7100", NULL, 2, "DeleteSharedMemory(0x7000)");
	expect_life("--address=0x9008", NULL, 1,
		    "block 0x9000 of 64 bytes is live at the end: block-leak\n");
}

Test(events, are_filtered_by_what_they_are_findings_of)
{
	expect_life("--findings", NULL, 3, "live-at-delete");
	expect_life("--kind=*-free", NULL, 2, "invalid-free");
	expect_life("--kind=double-free", "--kind=live-*", 2, "live-at-delete");
	expect_life("--level=warning", NULL, 1, "live-at-delete");
	silence();
	expect_life("--kind=nonsense", NULL, 0, "");
	expect_life("--level=nonsense", NULL, 0, "");
}

/* A finding, and two events of it. */
static void add_misuse(struct trace_builder *b, uint64_t time, uint32_t stack,
		       enum trace_reason reason)
{
	struct trace_event e = event(time, SLOT_FreeSharedMemory);

	trace_builder_finding(b, (struct trace_finding){ .first_time = time,
							 .count = 2,
							 .stack = { [TRACE_STACK_CALL] = stack },
							 .function = SLOT_FreeSharedMemory,
							 .kind = TRACE_KIND_MISMATCHED_FREE,
							 .reason = (uint8_t)reason,
							 .family = FAMILY_SHARED_MEMORY });
	e.stack = stack;
	e.verdict = TRACE_KIND_MISMATCHED_FREE;
	trace_builder_event(b, 0, e);
	e.time += 100000;
	trace_builder_event(b, 0, e);
}

static unsigned count_texts(const char *text, const char *part)
{
	unsigned count = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		count++;
	return count;
}

static void expect_reasons(struct trace_builder *b, const char *option, unsigned section,
			   unsigned deallocator, unsigned unknown)
{
	int status;
	char *text = events(b, &status, option, NULL, NULL);

	cr_expect_eq(status, 0);
	cr_expect_eq(count_texts(text, " mismatched-free/wrong-section\n"), section, "%s", text);
	cr_expect_eq(count_texts(text, " mismatched-free/wrong-deallocator\n"), deallocator, "%s",
		     text);
	cr_expect_eq(count_texts(text, " mismatched-free\n"), unknown, "%s", text);
	free(text);
}

Test(events, have_the_reason_of_the_finding_with_their_backtrace)
{
	struct trace_builder *b = trace_builder_new();

	add_misuse(b, 2000, trace_builder_place(b, 0, 0xa), TRACE_REASON_WRONG_SECTION);
	add_misuse(b, 3000, trace_builder_place(b, 0, 0xb), TRACE_REASON_WRONG_DEALLOCATOR);
	expect_reasons(b, NULL, 2, 2, 0);
	expect_reasons(b, "--kind=mismatched-free", 2, 2, 0);
	expect_reasons(b, "--kind=mismatched-free/wrong-section", 2, 0, 0);
	expect_reasons(b, "--kind=*/wrong-d*", 0, 2, 0);
	expect_reasons(b, "--kind=mismatched-free/wrong-client", 0, 0, 0);
	silence();
	expect_life("--kind=mismatched-free/wrong-sction", NULL, 0, "");
	expect_life("--kind=mismatched-free/", NULL, 0, "");
	trace_builder_free(b);
}

/* Which of them, nobody knows, but for the first of each. */
Test(events, have_no_reason_if_their_backtrace_has_several)
{
	struct trace_builder *b = trace_builder_new();
	uint32_t stack = trace_builder_place(b, 0, 0xa);

	add_misuse(b, 2000, stack, TRACE_REASON_WRONG_SECTION);
	add_misuse(b, 3000, stack, TRACE_REASON_WRONG_DEALLOCATOR);
	expect_reasons(b, NULL, 1, 1, 2);
	expect_reasons(b, "--kind=mismatched-free/wrong-section", 1, 0, 2);
	trace_builder_free(b);
}

/* It is recorded after it has returned, and is a finding of the time at which it began. */
Test(events, that_are_allocations_have_a_reason_too)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_event e = event(2050, SLOT_AllocateSharedMemory);
	char *text;
	int status;

	e.state |= TRACE_EVENT_FAILED;
	e.verdict = TRACE_KIND_INVALID_SECTION;
	trace_builder_event(b, 0, e);
	for (unsigned i = 0; i < 2; i++)
		trace_builder_finding(b,
				      (struct trace_finding){ .first_time = 2000 - 500 * i,
							      .function = SLOT_AllocateSharedMemory,
							      .kind = TRACE_KIND_INVALID_SECTION,
							      .reason = i ? TRACE_REASON_BLOCK
									  : TRACE_REASON_NULL,
							      .family = FAMILY_SHARED_MEMORY });
	text = events(b, &status, "--json", NULL, NULL);
	cr_expect(strstr(text, "\"finding\": \"invalid-section\", \"reason\": \"null\"") ||
			  strstr(text, "\"finding\":\"invalid-section\",\"reason\":\"null\""),
		  "%s", text);
	free(text);
	trace_builder_free(b);
}

Test(events, are_filtered_by_address_of_block_section_or_inside_a_block)
{
	expect_lines("--address=0x7010", NULL, 2);
	expect_lines("--address=7010", NULL, 2);
	expect_lines("--address=0x7000", NULL, 2);
	expect_lines("--address=0x702f", NULL, 2);
	expect_lines("--address=0x7030", NULL, 0);
	expect_lines("--address=0x8000", NULL, 1);
	expect_lines("--address=0x9000", NULL, 1);
	expect_lines("--address=0x9017", NULL, 1);
	expect_lines("--address=0x9018", NULL, 0);
	silence();
	expect_lines("--address=nowhere", NULL, REFUSED);
	expect_lines("--address=", NULL, REFUSED);
}

/* Stacks and JSON. */

Test(events, show_their_stack_on_demand)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_event e = event(1000, SLOT_FreeLsaHeap);
	int status;
	char *text;

	e.stack = trace_builder_place(b, 0, 0xabcdef);
	trace_builder_event(b, 0, e);
	e.stack = 0;
	e.caller = 0x123456;
	trace_builder_event(b, 0, e);
	text = events(b, &status, "--stacks", NULL, NULL);
	cr_expect(strstr(text, "\n    #0 0xabcdef\n"), "%s", text);
	cr_expect(strstr(text, "\n    called from 0x123456;"), "%s", text);
	free(text);
	trace_builder_free(b);
}

static void expect_json(json_t *json, const char *expected)
{
	char *text = json_dumps(json, JSON_COMPACT);

	cr_expect_str_eq(text, expected, "%s", text);
	free(text);
	json_decref(json);
}

Test(events, are_one_json_object_a_line)
{
	struct trace_builder *b = some_events();
	char *text, *second;
	int status;

	text = events(b, &status, "--json", NULL, NULL);
	cr_assert(text && strchr(text, '\n'));
	second = strchr(text, '\n') + 1;
	expect_json(json_loads(text, JSON_DISABLE_EOF_CHECK, NULL),
		    "{\"time_ns\":0,\"thread\":1234,\"package\":0,"
		    "\"function\":\"AllocateSharedMemory\",\"section\":\"0x7000\","
		    "\"address\":\"0x7010\",\"size\":32,\"initial_size\":null,"
		    "\"result\":\"0x7010\",\"duration_ns\":100,"
		    "\"injected\":false,\"to\":null,\"finding\":null,\"reason\":null}");
	expect_json(json_loads(second, JSON_DISABLE_EOF_CHECK, NULL),
		    "{\"time_ns\":2000,\"thread\":1234,\"package\":1,"
		    "\"function\":\"FreeSharedMemory\",\"section\":\"0x7000\","
		    "\"address\":\"0x7010\",\"size\":null,\"initial_size\":null,"
		    "\"result\":null,\"duration_ns\":100,"
		    "\"injected\":false,\"to\":null,\"finding\":null,\"reason\":null}");
	free(text);
	trace_builder_free(b);
}

Test(events, of_transfers_are_json_objects_with_the_same_keys)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_event e = transfer(TRANSFER_LogonUser, FAMILY_LSA_HEAP);
	char *text;
	int status;

	trace_builder_event(b, 0, e);
	e.section = 0xc11e;
	e.result |= TRACE_RECEIVER_CLIENT << 8;
	trace_builder_event(b, 0, e);
	text = events(b, &status, "--json", NULL, NULL);
	expect_json(json_loads(text, JSON_DISABLE_EOF_CHECK, NULL),
		    "{\"time_ns\":0,\"thread\":1234,\"package\":0,"
		    "\"function\":\"LsaApLogonUser\",\"section\":null,"
		    "\"address\":\"0x7f10\",\"size\":24,\"initial_size\":null,"
		    "\"result\":null,\"duration_ns\":null,"
		    "\"injected\":false,\"to\":\"lsa\",\"finding\":null,\"reason\":null}");
	cr_expect(strstr(strchr(text, '\n'), "\"section\":\"0xc11e\""), "%s", text);
	cr_expect(strstr(strchr(text, '\n'), "\"to\":\"client\""), "%s", text);
	free(text);
	trace_builder_free(b);
}

Test(events, hold_their_stack_in_json_on_demand)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_event e = event(1000, SLOT_FreeLsaHeap);
	json_t *json;
	int status;
	char *text;

	e.stack = trace_builder_place(b, 0, 0xabcdef);
	trace_builder_event(b, 0, e);
	text = events(b, &status, "--json", "--stacks", NULL);
	json = json_loads(text, 0, NULL);
	cr_assert(json, "%s", text);
	cr_expect_eq(json_array_size(json_object_get(json, "stack")), 1);
	json_decref(json);
	free(text);
	trace_builder_free(b);
}

Test(events, in_flight_are_json_objects_with_the_same_keys)
{
	struct trace_builder *b = trace_builder_new();
	char *text;
	int status;

	add_flight(trace_builder_lane(b, 0, 1234), 1000, SLOT_CallPackage, 1, 2);
	text = events(b, &status, "--json", NULL, NULL);
	expect_json(json_loads(text, JSON_DISABLE_EOF_CHECK, NULL),
		    "{\"time_ns\":0,\"thread\":1234,\"package\":0,"
		    "\"function\":\"CallPackage\",\"section\":null,"
		    "\"address\":null,\"size\":null,\"initial_size\":null,"
		    "\"result\":null,\"duration_ns\":null,\"injected\":false,"
		    "\"to\":null,\"finding\":null,\"reason\":null}");
	free(text);
	trace_builder_free(b);
}

Test(events, end_quietly_when_nobody_reads_them_any_more)
{
	struct trace_builder *b = some_events();
	char *argv[] = { (char *)"events", (char *)trace_builder_write(b), NULL };
	int ends[2];

	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(pipe(ends), 0);
	close(ends[0]);
	fflush(stdout);
	dup2(ends[1], STDOUT_FILENO);
	cr_expect_eq(command_events(2, argv), 0);
	trace_builder_free(b);
}

Test(events, fail_on_a_full_disk)
{
	struct trace_builder *b = some_events();
	char *argv[] = { (char *)"events", (char *)trace_builder_write(b), NULL };
	int full = open("/dev/full", O_WRONLY);

	cr_assert_geq(full, 0);
	fflush(stdout);
	silence();
	dup2(full, STDOUT_FILENO);
	cr_expect_eq(command_events(2, argv), 2);
	trace_builder_free(b);
}
