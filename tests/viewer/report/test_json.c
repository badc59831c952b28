/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/trace_builder.h"
#include "viewer/report/report.h"

struct reported {
	int status;
	json_t *json;
};

static struct reported report(struct trace_builder *b)
{
	struct report_options options = { .format = REPORT_FORMAT_json };
	char *path = strdup(trace_builder_write(b)), *text = NULL;
	struct reported r;
	json_error_t error;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	r.status = report_traces(&options, &path, 1, out);
	fclose(out);
	r.json = json_loads(text, 0, &error);
	cr_assert(r.json, "%s: %s", error.text, text);
	free(text);
	free(path);
	return r;
}

static void release(struct reported *r, struct trace_builder *b)
{
	json_decref(r->json);
	trace_builder_free(b);
}

/* Returns the value at a path such as "traces 0 events": keys and indices between blanks. */
static json_t *at(json_t *json, const char *path)
{
	char *copy = strdup(path), *rest = copy, *word;

	while (json && (word = strsep(&rest, " ")) != NULL)
		json = json_is_array(json) ? json_array_get(json, strtoul(word, NULL, 10))
					   : json_object_get(json, word);
	free(copy);
	cr_assert(json, "%s is not there", path);
	return json;
}

static void is_number(json_t *json, const char *path, json_int_t number)
{
	cr_assert(json_is_integer(at(json, path)), "%s", path);
	cr_expect_eq(json_integer_value(at(json, path)), number, "%s is %lld", path,
		     (long long)json_integer_value(at(json, path)));
}

static void is_text(json_t *json, const char *path, const char *text)
{
	cr_assert(json_is_string(at(json, path)), "%s", path);
	cr_expect_str_eq(json_string_value(at(json, path)), text, "%s is %s", path,
			 json_string_value(at(json, path)));
}

static void is_null(json_t *json, const char *path)
{
	cr_expect(json_is_null(at(json, path)), "%s", path);
}

/* Returns the keys of an object, in their order. */
static void has_keys(json_t *json, const char *path, const char *keys)
{
	char text[512] = "";
	const char *key;
	json_t *value;

	json_object_foreach(at(json, path), key, value)
	{
		cr_expect(value);
		strcat(text, *text ? " " : "");
		strcat(text, key);
	}
	cr_expect_str_eq(text, keys, "%s has %s", path, text);
}

Test(report_json, describes_a_trace_in_which_nothing_happened)
{
	struct trace_builder *b = trace_builder_new();
	struct reported r = report(b);

	cr_expect_eq(r.status, REPORT_EMPTY);
	is_number(r.json, "schema", 1);
	is_number(r.json, "traces 0 pid", 4711);
	is_number(r.json, "traces 0 ppid", 42);
	is_null(r.json, "traces 0 exe");
	is_text(r.json, "traces 0 start_time", "2023-11-14T22:13:20.123456Z");
	is_text(r.json, "traces 0 end", "exit");
	is_number(r.json, "traces 0 exit_status", 0);
	cr_expect_eq(json_array_size(at(r.json, "traces 0 command")), 0);
	cr_expect_eq(json_array_size(at(r.json, "traces 0 packages")), 0);
	cr_expect_eq(json_object_size(at(r.json, "traces 0 calls")), 0);
	cr_expect_eq(json_object_size(at(r.json, "traces 0 transfers")), 0);
	cr_expect_eq(json_array_size(at(r.json, "traces 0 in_flight")), 0);
	cr_expect_eq(json_array_size(at(r.json, "findings")), 0);
	cr_expect(json_is_true(at(r.json, "summary exact")));
	release(&r, b);
}

Test(report_json, has_the_keys_that_are_promised)
{
	struct trace_builder *b = trace_builder_new();
	struct reported r;

	trace_builder_package(b, 0, "p", 1, 0);
	trace_builder_finding(
		b, (struct trace_finding){ .kind = TRACE_KIND_NULL_FREE,
					   .family = FAMILY_LSA_HEAP,
					   .function = SLOT_FreeLsaHeap,
					   .flags = TRACE_FINDING_HAS_SECTION,
					   .stack = { trace_builder_place(b, 0, 0x1234) } });
	trace_builder_lane(b, 0, 5)->depth = 1;
	r = report(b);
	has_keys(r.json, "traces 0",
		 "path pid ppid exe command start_time end exit_status exception packages calls "
		 "transfers "
		 "events in_flight sections reachability");
	has_keys(r.json, "traces 0 packages 0", "index id name module unloaded allocator");
	has_keys(r.json, "traces 0 events", "recorded retained overwritten lost torn");
	has_keys(r.json, "traces 0 in_flight 0", "function thread stack");
	has_keys(r.json, "findings 0",
		 "kind level reason family count bytes leak_class reachability group path address "
		 "size package "
		 "trace traces failed_calls thread first_time last_time "
		 "fingerprint fingerprint_weak fingerprint_from suppressed_by "
		 "baseline baseline_count baseline_match message "
		 "handed_out_by damaged_bytes section owner stacks culprit_frames neighbours");
	has_keys(r.json, "findings 0 section", "handle max_size initial_size");
	has_keys(r.json, "findings 0 stacks", "call");
	has_keys(r.json, "findings 0 stacks call 0",
		 "address module offset build_id function linkage_name file line inlined "
		 "in_package");
	has_keys(r.json, "summary",
		 "errors warnings notes leaked_blocks leaked_bytes leaked_sections suppressed "
		 "baseline hidden other_kinds ignored exact "
		 "lost");
	release(&r, b);
}

Test(report_json, of_a_pe_module_there_are_the_keys_of_symbol_servers)
{
	static const struct trace_pe_id whole = { 0x5f3d2a1b,
						  0x1a000,
						  7,
						  { 0xb9, 0xdb, 0x44, 0x38, 0x17, 0x20, 0x67, 0x49,
						    0xbe, 0x7a, 0xa4, 0xa2, 0xc2, 4, 0x30, 0xfa },
						  2 },
					bare = { 0, 0x1000, 7, { 0 }, 0 };
	struct trace_builder *b = trace_builder_new();
	uint64_t frames[] = { trace_builder_frame(1, 0x123), trace_builder_frame(2, 0x456) };
	struct reported r;

	trace_builder_pe_module(b, 1, "/nonexistent/a.dll", 0x180000000, &whole);
	trace_builder_pe_module(b, 2, "/nonexistent/b.exe", 0x140000000, &bare);
	trace_builder_entry(b, (struct trace_entry){ .address = 0x5000,
						     .size = 64,
						     .stack = trace_builder_stack(b, frames, 2),
						     .state = TRACE_ENTRY_BLOCK,
						     .family = FAMILY_LSA_HEAP });
	r = report(b);
	is_text(r.json, "findings 0 stacks allocate 0 address", "0x180000123");
	is_text(r.json, "findings 0 stacks allocate 0 offset", "0x123");
	is_text(r.json, "findings 0 stacks allocate 0 build_id",
		"1b2a3d5f00a0010007000000b9db4438172067"
		"49be7aa4a2c20430fa02000000");
	is_text(r.json, "findings 0 stacks allocate 0 code_id", "5F3D2A1B1a000");
	is_text(r.json, "findings 0 stacks allocate 0 debug_id",
		"3844DBB920174967BE7AA4A2C20430FA2");
	is_text(r.json, "findings 0 stacks allocate 1 code_id", "000000001000");
	is_null(r.json, "findings 0 stacks allocate 1 debug_id");
	release(&r, b);
}

Test(report_json, lists_packages_calls_and_events)
{
	struct trace_builder *b = trace_builder_new();
	struct reported r;

	trace_builder_module(b, 1, "/p/a.so", 0, NULL);
	trace_builder_package(b, 0, "alpha", 17, 1);
	trace_builder_text(b, TRACE_RECORD_PACKAGE_GONE, 0, "");
	trace_builder_package(b, 3, NULL, 18, 0);
	trace_builder_counter(b, 3, SLOT_FreeLsaHeap, 2, 0, 0);
	trace_builder_counter(b, TRACE_PACKAGE_OTHER, SLOT_FreeLsaHeap, 1, 0, 0);
	trace_builder_event(b, 0,
			    (struct trace_event){ .function = SLOT_FreeLsaHeap,
						  .package = 3,
						  .state = TRACE_EVENT_COMMITTED });
	r = report(b);
	is_number(r.json, "traces 0 packages 0 index", 0);
	is_number(r.json, "traces 0 packages 0 id", 17);
	is_text(r.json, "traces 0 packages 0 name", "alpha");
	is_text(r.json, "traces 0 packages 0 module", "/p/a.so");
	is_number(r.json, "traces 0 packages 1 index", 3);
	is_null(r.json, "traces 0 packages 1 name");
	is_null(r.json, "traces 0 packages 1 module");
	is_number(r.json, "traces 0 packages 2 index", TRACE_PACKAGE_OTHER);
	is_null(r.json, "traces 0 packages 2 id");
	is_text(r.json, "traces 0 packages 2 name", "other");
	cr_expect(json_is_true(at(r.json, "traces 0 packages 0 unloaded")));
	cr_expect(json_is_false(at(r.json, "traces 0 packages 1 unloaded")));
	is_number(r.json, "traces 0 calls FreeLsaHeap", 3);
	is_number(r.json, "traces 0 events recorded", 3);
	is_number(r.json, "traces 0 events retained", 1);
	is_number(r.json, "traces 0 events overwritten", 2);
	release(&r, b);
}

Test(report_json, lists_transfers_apart_from_the_calls)
{
	struct trace_builder *b = trace_builder_new();
	struct reported r;

	trace_builder_counter(b, 3, TRANSFER_LogonUser, 2, 0, 64);
	trace_builder_counter(b, 4, TRANSFER_LogonUser, 1, 0, 32);
	r = report(b);
	has_keys(r.json, "traces 0 transfers", "LsaApLogonUser");
	has_keys(r.json, "traces 0 transfers LsaApLogonUser", "blocks bytes");
	is_number(r.json, "traces 0 transfers LsaApLogonUser blocks", 3);
	is_number(r.json, "traces 0 transfers LsaApLogonUser bytes", 96);
	cr_expect_eq(json_object_size(at(r.json, "traces 0 calls")), 0);
	is_number(r.json, "traces 0 events recorded", 0);
	release(&r, b);
}

Test(report_json, says_which_allocator_was_used_and_where_sections_lie)
{
	struct trace_builder *b = trace_builder_new();
	struct reported r;

	trace_builder_package(b, 0, "alpha", 17, 0);
	trace_builder_package(b, 1, "beta", 18, 0);
	trace_builder_text(b, TRACE_RECORD_ALLOCATOR, 1 | FAMILY_SHARED_MEMORY << 8, "");
	trace_builder_entry(b, (struct trace_entry){ .address = 0x7000,
						     .size = 65536 | 4096ull << 32,
						     .section = 1 + 600,
						     .state = TRACE_ENTRY_SECTION,
						     .family = FAMILY_SHARED_MEMORY,
						     .package = 1 });
	r = report(b);
	is_text(r.json, "traces 0 packages 0 allocator", "host");
	is_text(r.json, "traces 0 packages 1 allocator", "embedded");
	cr_expect_eq(json_array_size(at(r.json, "traces 0 sections")), 1);
	is_text(r.json, "traces 0 sections 0 handle", "0x7000");
	is_number(r.json, "traces 0 sections 0 max_size", 65536);
	is_number(r.json, "traces 0 sections 0 initial_size", 4096);
	is_number(r.json, "traces 0 sections 0 package", 1);
	is_text(r.json, "traces 0 sections 0 path", "/proc/4711/fd/600");
	release(&r, b);
}

Test(report_json, lists_the_stacks_that_apply_and_no_others)
{
	struct trace_builder *b = trace_builder_new();
	uint64_t frames[] = { trace_builder_frame(1, 0x123), trace_builder_frame(0, 0x7f00) };
	struct reported r;

	trace_builder_module(b, 1, "/nonexistent/a.so", 0x10000, "\x01\xab");
	trace_builder_entry(b, (struct trace_entry){ .address = 0x5000,
						     .size = 64,
						     .stack = trace_builder_stack(b, frames, 2),
						     .state = TRACE_ENTRY_BLOCK,
						     .family = FAMILY_LSA_HEAP });
	r = report(b);
	cr_expect_eq(r.status, 1);
	has_keys(r.json, "findings 0 stacks", "allocate");
	is_text(r.json, "findings 0 stacks allocate 0 address", "0x10123");
	is_text(r.json, "findings 0 stacks allocate 0 module", "/nonexistent/a.so");
	is_text(r.json, "findings 0 stacks allocate 0 offset", "0x123");
	is_text(r.json, "findings 0 stacks allocate 0 build_id", "01ab");
	is_null(r.json, "findings 0 stacks allocate 0 function");
	is_null(r.json, "findings 0 stacks allocate 0 file");
	is_null(r.json, "findings 0 stacks allocate 0 line");
	cr_expect(json_is_false(at(r.json, "findings 0 stacks allocate 0 inlined")));
	is_text(r.json, "findings 0 stacks allocate 1 address", "0x7f00");
	is_null(r.json, "findings 0 stacks allocate 1 module");
	is_null(r.json, "findings 0 stacks allocate 1 offset");
	is_null(r.json, "findings 0 reason");
	is_null(r.json, "findings 0 section");
	is_null(r.json, "findings 0 owner");
	is_number(r.json, "summary leaked_blocks", 1);
	is_number(r.json, "summary leaked_bytes", 64);
	release(&r, b);
}

Test(report_json, has_both_names_for_the_stack_of_a_deletion_with_live_blocks)
{
	struct trace_builder *b = trace_builder_new();
	struct reported r;

	trace_builder_finding(
		b, (struct trace_finding){ .kind = TRACE_KIND_LIVE_AT_DELETE,
					   .family = FAMILY_SHARED_MEMORY,
					   .function = SLOT_DeleteSharedMemory,
					   .stack = { trace_builder_place(b, 0, 0x1234) } });
	r = report(b);
	has_keys(r.json, "findings 0 stacks", "call delete");
	cr_expect(json_equal(at(r.json, "findings 0 stacks call"),
			     at(r.json, "findings 0 stacks delete")));
	cr_expect_eq(r.status, 0, "a warning is no failure unless asked for");
	release(&r, b);
}

Test(report_json, says_how_much_was_lost)
{
	struct trace_builder *b = trace_builder_new();
	struct reported r;

	trace_builder_counter(b, 0, SLOT_FreeLsaHeap, 7, 0, 0);
	trace_builder_header(b)->lost[TRACE_LOST_EVENTS] = 5;
	trace_builder_header(b)->lost[TRACE_LOST_STACKS] = 6;
	r = report(b);
	cr_expect(json_is_false(at(r.json, "summary exact")));
	is_number(r.json, "summary lost events", 5);
	is_number(r.json, "summary lost stacks", 6);
	is_number(r.json, "traces 0 events lost", 5);
	release(&r, b);
}

Test(report_json, is_valid_whatever_bytes_the_trace_holds)
{
	struct trace_builder *b = trace_builder_new();
	struct reported r;

	trace_builder_text(b, TRACE_RECORD_EXE, 0, "\xff\xfe\x01\"\\");
	trace_builder_package(b, 0, "\xc0\xaf", UINT64_MAX, 0);
	trace_builder_counter(b, 0, SLOT_FreeLsaHeap, UINT64_MAX, 0, 0);
	r = report(b);
	is_text(r.json, "traces 0 exe", "\xef\xbf\xbd\xef\xbf\xbd\x01\"\\");
	is_text(r.json, "traces 0 packages 0 name", "\xef\xbf\xbd\xef\xbf\xbd");
	is_number(r.json, "traces 0 packages 0 id", INT64_MAX);
	release(&r, b);
}

Test(report_json, is_the_same_each_time)
{
	struct trace_builder *b = trace_builder_new();
	struct reported first, second;

	for (unsigned i = 0; i < 50; i++)
		trace_builder_entry(
			b, (struct trace_entry){ .address = 0x1000 + i,
						 .size = 64,
						 .stack = trace_builder_place(b, 0, 0x1000 + i * 7),
						 .state = TRACE_ENTRY_BLOCK,
						 .family = FAMILY_LSA_HEAP });
	first = report(b);
	second = report(b);
	cr_expect_eq(json_array_size(at(first.json, "findings")), 50);
	cr_expect(json_equal(first.json, second.json));
	json_decref(first.json);
	release(&second, b);
}

static struct trace_entry live_block(uint64_t address, uint8_t family, uint32_t section)
{
	return (struct trace_entry){ .address = address,
				     .size = 16,
				     .section = section,
				     .state = TRACE_ENTRY_BLOCK,
				     .family = family };
}

Test(report_json, names_the_nearest_blocks_of_the_same_section)
{
	struct trace_entry section = { .address = 0x1000,
				       .state = TRACE_ENTRY_SECTION,
				       .family = FAMILY_SHARED_MEMORY },
			   other = section;
	struct trace_builder *b = trace_builder_new();
	struct reported r;
	uint32_t ref;

	ref = trace_builder_entry(b, section);
	for (uint64_t address = 0x2000; address <= 0x6000; address += 0x1000)
		trace_builder_entry(b, live_block(address, FAMILY_SHARED_MEMORY, ref));
	other.address = 0x9000;
	ref = trace_builder_entry(b, other);
	trace_builder_entry(b, live_block(0x4010, FAMILY_SHARED_MEMORY, ref));
	trace_builder_entry(b, live_block(0x3ff0, FAMILY_LSA_HEAP, 0));
	trace_builder_finding(b, (struct trace_finding){ .kind = TRACE_KIND_OVERFLOW,
							 .reason = TRACE_REASON_WRITE,
							 .family = FAMILY_SHARED_MEMORY,
							 .function = SLOT_AllocateSharedMemory,
							 .address = 0x4010,
							 .block = 0x4000,
							 .bytes = 1 << 20,
							 .section = { .handle = 0x1000 },
							 .flags = TRACE_FINDING_HAS_ADDRESS |
								  TRACE_FINDING_HAS_SECTION });
	r = report(b);
	is_text(r.json, "findings 0 kind", "overflow");
	is_text(r.json, "findings 0 neighbours before address", "0x3000");
	is_text(r.json, "findings 0 neighbours after address", "0x5000");
	is_number(r.json, "findings 0 neighbours after size", 16);
	is_null(r.json, "findings 1 neighbours");
	release(&r, b);
}
