/* SPDX-License-Identifier: MIT */
/*
 * Tests of the main job: traces lsahost and packages with known defects, by the products as they
 * are shipped, and checks the report. test_wine_packages.c is the same of a host and packages for Windows:
 * they must get the same report.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <criterion/criterion.h>

#include "tests/host/journal.h"
#include "tests/support/json.h"
#include "tests/support/run.h"
#include "tests/support/traced.h"
#include "tests/support/wine.h"

#ifndef BUILD_DIR
#define BUILD_DIR "build"
#endif

#define PRELOAD BUILD_DIR "/liblsatrace.so"
#ifdef UNDER_WINE
#undef PACKAGE
#define PACKAGE DLL
#define SUFFIX ".dll"
#define IS_WINDOWS true
#define HOST "wine", BUILD_DIR "/tests/lsahost.exe"
#define LINKED_HOST "wine", BUILD_DIR "/tests/packages/lsahost-linked.exe"

static void start_wine(void)
{
	wine_start(BUILD_DIR "/tests/lsahost.exe");
}

TestSuite(end_to_end, .init = start_wine, .fini = wine_stop, .timeout = 280);
#else
#define SUFFIX ".so"
#define IS_WINDOWS false
#define HOST BUILD_DIR "/tests/lsahost"
#define LINKED_HOST BUILD_DIR "/tests/lsahost-linked"
#endif

static struct traced trace(const char *const command[])
{
	return traced_record((const char *const[]){ NULL }, command);
}

/*
 * An expected finding. Numbers that are 0 and strings that are NULL are not compared, with two
 * exceptions: the finding must then have no reason, and a count of 1.
 */
struct expected {
	const char *kind;
	const char *reason;
	const char *family;
	long long count;
	long long bytes;
	long long section_size;
	long long owner_size;
	/* The functions with which the stacks begin. */
	const char *call;
	const char *allocate;
	const char *free;
	const char *create;
	const char *delete;
	const char *owner_create;
};

#define FINDINGS(...) ((const struct expected[]){ __VA_ARGS__, { 0 } })
#define NO_FINDINGS ((const struct expected[]){ { 0 } })

static const char *level_of(const char *kind)
{
	if (strcmp(kind, "failed-call") == 0 || strcmp(kind, "exchanged-free") == 0)
		return "note";
	if (strcmp(kind, "live-at-delete") == 0 || strcmp(kind, "null-free") == 0)
		return "warning";
	return "error";
}

static bool text_fits(const json_t *finding, const char *path, const char *expected)
{
	return !expected || json_same_text(json_text_at(finding, path), expected);
}

static bool number_fits(const json_t *finding, const char *path, long long expected)
{
	return !expected || json_number_at(finding, path) == expected;
}

static bool stacks_fit(const json_t *finding, const struct expected *expected)
{
	return text_fits(finding, "stacks.call.0.function", expected->call) &&
	       text_fits(finding, "stacks.allocate.0.function", expected->allocate) &&
	       text_fits(finding, "stacks.free.0.function", expected->free) &&
	       text_fits(finding, "stacks.create.0.function", expected->create) &&
	       text_fits(finding, "stacks.delete.0.function", expected->delete) &&
	       text_fits(finding, "stacks.owner_create.0.function", expected->owner_create);
}

static bool fits(const json_t *finding, const struct expected *expected)
{
	return text_fits(finding, "kind", expected->kind) &&
	       text_fits(finding, "level", level_of(expected->kind)) &&
	       json_same_text(json_text_at(finding, "reason"), expected->reason) &&
	       text_fits(finding, "family", expected->family) &&
	       number_fits(finding, "count", expected->count ? expected->count : 1) &&
	       number_fits(finding, "bytes", expected->bytes) &&
	       number_fits(finding, "section.max_size", expected->section_size) &&
	       number_fits(finding, "owner.max_size", expected->owner_size) &&
	       stacks_fit(finding, expected);
}

/* Removes the finding, so that it cannot match two expected ones. */
static bool take_fitting(json_t *findings, const struct expected *expected)
{
	for (size_t i = 0; i < json_array_size(findings); i++) {
		if (!fits(json_array_get(findings, i), expected))
			continue;
		json_array_remove(findings, i);
		return true;
	}
	return false;
}

static void expect_same_findings(const json_t *report, const struct expected *expected)
{
	json_t *findings = json_copy(json_at(report, "findings"));
	char *text;

	for (; expected->kind; expected++)
		cr_expect(take_fitting(findings, expected), "no %s%s%s as expected", expected->kind,
			  expected->reason ? "/" : "", expected->reason ? expected->reason : "");
	text = json_dumps(findings, JSON_INDENT(1));
	cr_expect_eq(json_array_size(findings), 0, "found, but not expected: %s", text);
	free(text);
	json_decref(findings);
}

static long long count_of(const struct expected *expected, const char *level, const char *kind)
{
	long long count = 0;

	for (; expected->kind; expected++) {
		if (level && strcmp(level_of(expected->kind), level) != 0)
			continue;
		if (kind && strcmp(expected->kind, kind) != 0)
			continue;
		count += expected->count ? expected->count : 1;
	}
	return count;
}

static void expect_same_summary(const json_t *report, const struct expected *expected)
{
	const json_t *summary = json_at(report, "summary");

	cr_expect_eq(json_number_at(summary, "errors"), count_of(expected, "error", NULL));
	cr_expect_eq(json_number_at(summary, "warnings"), count_of(expected, "warning", NULL));
	cr_expect_eq(json_number_at(summary, "notes"), count_of(expected, "note", NULL));
	cr_expect_eq(json_number_at(summary, "leaked_blocks"),
		     count_of(expected, NULL, "block-leak"));
	cr_expect_eq(json_number_at(summary, "leaked_sections"),
		     count_of(expected, NULL, "section-leak"));
	cr_expect(json_is_true(json_at(summary, "exact")));
}

static void expect_report(const struct traced *traced, const struct expected *expected)
{
	cr_assert_not_null(traced->report, "no trace; record said: %s", traced->run.err);
	cr_expect_eq(json_number_at(traced->report, "schema"), 1);
	expect_same_findings(traced->report, expected);
	expect_same_summary(traced->report, expected);
	cr_expect_eq(traced->report_status, count_of(expected, "error", NULL) ? 1 : 0);
}

static void expect_findings(const char *const command[], const struct expected *expected)
{
	struct traced traced = trace(command);

	cr_expect_eq(traced.run.status, 0, "%s", traced.run.err);
	expect_report(&traced, expected);
	traced_release(&traced);
}

/* One test for each package with a known defect. */

Test(end_to_end, a_clean_package_has_no_findings)
{
	expect_findings(COMMAND(HOST, "--repeat=3", "--clients=2", PACKAGE("clean")), NO_FINDINGS);
}

Test(end_to_end, a_block_that_is_never_freed_is_a_leak_and_so_is_its_section)
{
	expect_findings(COMMAND(HOST, "--repeat=3", PACKAGE("block_leak")),
			FINDINGS({ .kind = "block-leak",
				   .family = "shared-memory",
				   .count = 3,
				   .bytes = 192,
				   .section_size = 65536,
				   .allocate = "leak_message",
				   .create = "create_message_section" },
				 { .kind = "section-leak",
				   .family = "shared-memory",
				   .count = 3,
				   .bytes = 3 * 65536,
				   .create = "create_message_section" }));
}

Test(end_to_end, a_section_that_is_never_deleted_is_a_leak)
{
	expect_findings(COMMAND(HOST, "--repeat=2", PACKAGE("section_leak")),
			FINDINGS({ .kind = "section-leak",
				   .family = "shared-memory",
				   .count = 2,
				   .bytes = 2 * 8192,
				   .section_size = 8192,
				   .create = "create_forgotten_section" }));
}

Test(end_to_end, a_block_that_is_live_when_its_section_is_deleted_is_warned_of)
{
	expect_findings(COMMAND(HOST, PACKAGE("live_at_delete")),
			FINDINGS({ .kind = "live-at-delete",
				   .family = "shared-memory",
				   .bytes = 48,
				   .section_size = 4096,
				   .allocate = "allocate_session_key",
				   .create = "create_session_section",
				   .delete = "delete_session_section" }));
}

Test(end_to_end, a_block_freed_with_another_sections_handle_names_both_sections)
{
	expect_findings(COMMAND(HOST, "--repeat=2", PACKAGE("wrong_section")),
			FINDINGS({ .kind = "mismatched-free",
				   .reason = "wrong-section",
				   .family = "shared-memory",
				   .count = 2,
				   .bytes = 192,
				   .section_size = 8192,
				   .owner_size = 16384,
				   .call = "free_reply_as_request",
				   .allocate = "allocate_reply",
				   .create = "create_requests_section",
				   .owner_create = "create_replies_section" }));
}

Test(end_to_end, a_right_free_after_a_wrong_one_is_accepted_in_silence)
{
	expect_findings(COMMAND(HOST, PACKAGE("suspect")),
			FINDINGS({ .kind = "mismatched-free",
				   .reason = "wrong-section",
				   .family = "shared-memory",
				   .bytes = 112,
				   .section_size = 8192,
				   .owner_size = 4096,
				   .call = "free_ticket_wrongly",
				   .allocate = "allocate_ticket",
				   .create = "create_second_section",
				   .owner_create = "create_first_section" }));
}

Test(end_to_end, a_block_given_to_another_familys_free_function_is_a_mismatch)
{
	expect_findings(COMMAND(HOST, PACKAGE("wrong_deallocator")),
			FINDINGS({ .kind = "mismatched-free",
				   .reason = "wrong-deallocator",
				   .bytes = 128,
				   .call = "free_key_on_private_heap",
				   .allocate = "allocate_key" },
				 { .kind = "mismatched-free",
				   .reason = "wrong-deallocator",
				   .bytes = 80,
				   .call = "free_message_on_lsa_heap",
				   .allocate = "allocate_message" }));
}

Test(end_to_end, a_clients_buffer_freed_under_another_client_is_a_mismatch)
{
	expect_findings(COMMAND(HOST, "--clients=2", PACKAGE("wrong_client")),
			FINDINGS({ .kind = "mismatched-free",
				   .reason = "wrong-client",
				   .family = "client-buffer",
				   .bytes = 80,
				   .call = "free_under_second_client",
				   .allocate = "allocate_for_first_client" }));
}

Test(end_to_end, a_block_freed_twice_shows_both_frees)
{
	expect_findings(COMMAND(HOST, PACKAGE("double_free")),
			FINDINGS({ .kind = "double-free",
				   .family = "shared-memory",
				   .bytes = 56,
				   .call = "evict_entry_again",
				   .allocate = "allocate_entry",
				   .free = "evict_entry",
				   .create = "create_cache_section" }));
}

Test(end_to_end, a_block_freed_after_its_section_was_live_at_the_deletion_too)
{
	expect_findings(COMMAND(HOST, PACKAGE("free_after_delete")),
			FINDINGS({ .kind = "free-after-delete",
				   .family = "shared-memory",
				   .bytes = 72,
				   .call = "free_context_too_late",
				   .allocate = "allocate_context",
				   .create = "create_context_section",
				   .delete = "delete_context_section" },
				 { .kind = "live-at-delete",
				   .family = "shared-memory",
				   .bytes = 72,
				   .allocate = "allocate_context",
				   .create = "create_context_section",
				   .delete = "delete_context_section" }));
}

Test(end_to_end, a_free_of_memory_that_nobody_allocated_is_invalid)
{
	expect_findings(COMMAND(HOST, PACKAGE("unknown_address")),
			FINDINGS({ .kind = "invalid-free",
				   .reason = "unknown-address",
				   .family = "shared-memory",
				   .call = "free_static_buffer",
				   .create = "create_scratch_section" },
				 { .kind = "invalid-free",
				   .reason = "unknown-address",
				   .family = "lsa-heap",
				   .call = "free_malloced_buffer" }));
}

Test(end_to_end, a_free_of_the_middle_of_a_block_is_invalid)
{
	expect_findings(COMMAND(HOST, PACKAGE("interior_pointer")),
			FINDINGS({ .kind = "invalid-free",
				   .reason = "interior-pointer",
				   .family = "shared-memory",
				   .call = "free_payload",
				   .allocate = "allocate_record",
				   .create = "create_scratch_section" }));
}

Test(end_to_end, a_free_of_a_sections_handle_is_invalid)
{
	expect_findings(COMMAND(HOST, PACKAGE("section_handle")),
			FINDINGS({ .kind = "invalid-free",
				   .reason = "section-handle",
				   .family = "shared-memory",
				   .call = "free_section_as_block",
				   .create = "create_scratch_section" }));
}

Test(end_to_end, a_deleted_section_can_neither_allocate_nor_free)
{
	expect_findings(COMMAND(HOST, PACKAGE("invalid_section_deleted")),
			FINDINGS({ .kind = "invalid-section",
				   .reason = "deleted",
				   .family = "shared-memory",
				   .call = "allocate_in_deleted_section",
				   .create = "create_short_lived_section",
				   .delete = "delete_short_lived_section" },
				 { .kind = "invalid-section",
				   .reason = "deleted",
				   .family = "shared-memory",
				   .call = "free_with_deleted_section",
				   .allocate = "allocate_block",
				   .create = "create_short_lived_section",
				   .delete = "delete_short_lived_section" }));
}

Test(end_to_end, a_block_is_no_section)
{
	expect_findings(COMMAND(HOST, PACKAGE("invalid_section_block")),
			FINDINGS({ .kind = "invalid-section",
				   .reason = "block",
				   .family = "shared-memory",
				   .call = "allocate_in_block" },
				 { .kind = "invalid-section",
				   .reason = "block",
				   .family = "shared-memory",
				   .call = "free_with_block_as_section",
				   .allocate = "allocate_block" }));
}

Test(end_to_end, null_is_no_section)
{
	expect_findings(COMMAND(HOST, PACKAGE("invalid_section_null")),
			FINDINGS({ .kind = "invalid-section",
				   .reason = "null",
				   .family = "shared-memory",
				   .call = "allocate_in_null" },
				 { .kind = "invalid-section",
				   .reason = "null",
				   .family = "shared-memory",
				   .call = "free_with_null",
				   .allocate = "allocate_block" }));
}

Test(end_to_end, an_allocation_that_fails_in_an_unknown_section_is_invalid)
{
	expect_findings(COMMAND(HOST, PACKAGE("invalid_section_unknown")),
			FINDINGS({ .kind = "invalid-section",
				   .reason = "unknown",
				   .family = "shared-memory",
				   .call = "allocate_in_unknown_section" }));
}

Test(end_to_end, a_section_deleted_twice_shows_both_deletions)
{
	expect_findings(COMMAND(HOST, PACKAGE("double_delete")),
			FINDINGS({ .kind = "double-delete",
				   .family = "shared-memory",
				   .section_size = 12288,
				   .call = "delete_session_section_again",
				   .create = "create_session_section",
				   .delete = "delete_session_section" }));
}

Test(end_to_end, a_deletion_of_what_never_was_a_section_is_invalid)
{
	expect_findings(COMMAND(HOST, PACKAGE("invalid_delete_unknown")),
			FINDINGS({ .kind = "invalid-delete",
				   .reason = "unknown",
				   .family = "shared-memory",
				   .call = "delete_static_buffer" }));
}

Test(end_to_end, a_deletion_of_a_block_is_invalid)
{
	expect_findings(COMMAND(HOST, PACKAGE("invalid_delete_block")),
			FINDINGS({ .kind = "invalid-delete",
				   .reason = "block",
				   .family = "shared-memory",
				   .call = "delete_block",
				   .allocate = "allocate_block" }));
}

Test(end_to_end, a_deletion_of_null_is_invalid)
{
	expect_findings(COMMAND(HOST, PACKAGE("invalid_delete_null")),
			FINDINGS({ .kind = "invalid-delete",
				   .reason = "null",
				   .family = "shared-memory",
				   .call = "delete_null" }));
}

Test(end_to_end, null_is_warned_of_where_freeing_it_is_not_documented)
{
	expect_findings(COMMAND(HOST, PACKAGE("null_free")),
			FINDINGS({ .kind = "null-free",
				   .family = "shared-memory",
				   .call = "free_null_in_section" },
				 { .kind = "null-free",
				   .family = "lsa-heap",
				   .call = "free_null_on_lsa_heap" },
				 { .kind = "null-free",
				   .family = "private-heap",
				   .call = "free_null_on_private_heap" }));
}

Test(end_to_end, a_call_that_the_host_refuses_is_noted)
{
	expect_findings(COMMAND(HOST, PACKAGE("failed_call")),
			FINDINGS({ .kind = "failed-call",
				   .family = "shared-memory",
				   .call = "create_huge_section" },
				 { .kind = "failed-call",
				   .family = "shared-memory",
				   .call = "overfill_section" },
				 { .kind = "failed-call",
				   .family = "client-buffer",
				   .call = "allocate_huge_client_buffer" }));
}

Test(end_to_end, a_section_whose_deletion_is_refused_stays_live)
{
	expect_findings(COMMAND(HOST, "--refuse-deletes=1", PACKAGE("refused_delete")),
			FINDINGS({ .kind = "failed-call",
				   .family = "shared-memory",
				   .section_size = 4096,
				   .call = "delete_too_early" }));
}

Test(end_to_end, a_block_of_the_lsa_heap_leaks)
{
	expect_findings(COMMAND(HOST, "--repeat=4", PACKAGE("lsa_heap_leak")),
			FINDINGS({ .kind = "block-leak",
				   .family = "lsa-heap",
				   .count = 4,
				   .bytes = 176,
				   .allocate = "leak_account_name" }));
}

Test(end_to_end, a_block_of_the_private_heap_leaks)
{
	expect_findings(COMMAND(HOST, "--repeat=4", PACKAGE("private_heap_leak")),
			FINDINGS({ .kind = "block-leak",
				   .family = "private-heap",
				   .count = 4,
				   .bytes = 208,
				   .allocate = "leak_secret" }));
}

Test(end_to_end, buffers_of_two_clients_with_the_same_addresses_leak_each)
{
	expect_findings(COMMAND(HOST, "--repeat=3", "--clients=2", PACKAGE("client_buffer_leak")),
			FINDINGS({ .kind = "block-leak",
				   .family = "client-buffer",
				   .count = 6,
				   .bytes = 360,
				   .allocate = "leak_client_buffer" }));
}

Test(end_to_end, what_the_lsa_hands_back_leaks_when_it_is_not_freed)
{
	expect_findings(COMMAND(HOST, PACKAGE("return_buffer_leak")),
			FINDINGS({ .kind = "block-leak",
				   .family = "lsa-heap",
				   .bytes = 36,
				   .allocate = "leak_answer" },
				 { .kind = "block-leak",
				   .family = "lsa-heap",
				   .bytes = 72,
				   .allocate = "leak_auth_data" }));
}

Test(end_to_end, a_block_of_the_lsa_heap_freed_twice_shows_both_frees)
{
	expect_findings(COMMAND(HOST, PACKAGE("lsa_heap_double_free")),
			FINDINGS({ .kind = "double-free",
				   .family = "lsa-heap",
				   .bytes = 76,
				   .call = "free_token_again",
				   .allocate = "allocate_token",
				   .free = "free_token" }));
}

Test(end_to_end, a_free_that_is_not_documented_for_such_a_block_is_noted_and_frees_it)
{
	expect_findings(COMMAND(HOST, PACKAGE("exchanged_free")),
			FINDINGS({ .kind = "exchanged-free",
				   .family = "lsa-heap",
				   .bytes = 36,
				   .call = "free_answer_on_lsa_heap",
				   .allocate = "ask_other_package" },
				 { .kind = "exchanged-free",
				   .family = "lsa-heap",
				   .bytes = 44,
				   .call = "free_name_as_answer",
				   .allocate = "make_name" },
				 { .kind = "exchanged-free",
				   .family = "lsa-heap",
				   .bytes = 72,
				   .call = "free_auth_data_as_answer",
				   .allocate = "look_up_user" }));
}

Test(end_to_end, nobody_is_accused_for_a_section_that_the_host_made)
{
	expect_findings(COMMAND(HOST, "--section", PACKAGE("adopted")), NO_FINDINGS);
}

Test(end_to_end, a_block_leaks_in_a_section_that_the_host_made_too)
{
	expect_findings(COMMAND(HOST, "--section", "--repeat=2", PACKAGE("adopted_leak")),
			FINDINGS({ .kind = "block-leak",
				   .family = "shared-memory",
				   .count = 2,
				   .bytes = 240,
				   .allocate = "leak_in_section_of_host" }));
}

Test(end_to_end, a_section_that_the_host_made_may_be_deleted)
{
	expect_findings(COMMAND(HOST, "--section", PACKAGE("unseen_delete")), NO_FINDINGS);
}

Test(end_to_end, a_section_that_the_host_made_may_be_deleted_once)
{
	expect_findings(COMMAND(HOST, "--section", "--command=twice=1", PACKAGE("unseen_delete")),
			FINDINGS({ .kind = "double-delete",
				   .family = "shared-memory",
				   .call = "delete_section_of_host_again",
				   .delete = "delete_section_of_host" }));
}

Test(end_to_end, a_block_that_is_live_when_the_hosts_section_is_deleted_is_warned_of)
{
	expect_findings(COMMAND(HOST, "--section", PACKAGE("adopted_delete")),
			FINDINGS({ .kind = "live-at-delete",
				   .family = "shared-memory",
				   .bytes = 88,
				   .allocate = "allocate_in_section_of_host",
				   .delete = "delete_section_of_host" },
				 { .kind = "double-delete",
				   .family = "shared-memory",
				   .call = "delete_section_of_host_again",
				   .delete = "delete_section_of_host" }));
}

Test(end_to_end, a_package_that_failed_to_initialise_and_was_unloaded_is_named)
{
	expect_findings(COMMAND(HOST, PACKAGE("unloaded")),
			FINDINGS({ .kind = "block-leak",
				   .family = "lsa-heap",
				   .bytes = 200,
				   .allocate = "allocate_settings" }));
}

Test(end_to_end, the_leaks_of_packages_in_one_library_are_told_apart)
{
	expect_findings(COMMAND(HOST, PACKAGE("multi")), FINDINGS({ .kind = "block-leak",
								    .family = "lsa-heap",
								    .bytes = 100,
								    .allocate = "leak_of_first" },
								  { .kind = "block-leak",
								    .family = "lsa-heap",
								    .bytes = 200,
								    .allocate = "leak_of_second" },
								  { .kind = "block-leak",
								    .family = "lsa-heap",
								    .bytes = 300,
								    .allocate = "leak_of_third" }));
}

static const struct expected demo_findings[] = {
	{ .kind = "section-leak",
	  .family = "shared-memory",
	  .bytes = 32768,
	  .create = "open_audit_log" },
	{ .kind = "block-leak", .family = "lsa-heap", .allocate = "begin_context" },
	{ .kind = "mismatched-free",
	  .reason = "wrong-section",
	  .family = "shared-memory",
	  .count = 2,
	  .bytes = 48,
	  .section_size = 65536,
	  .owner_size = 16384,
	  .call = "drop_challenge",
	  .allocate = "make_challenge",
	  .create = "create_session_cache",
	  .owner_create = "create_challenge_section" },
	{ .kind = "mismatched-free",
	  .reason = "wrong-deallocator",
	  .count = 2,
	  .bytes = 224,
	  .call = "drop_target_info",
	  .allocate = "collect_target_info" },
	{ .kind = "double-free",
	  .family = "private-heap",
	  .bytes = 16,
	  .call = "drop_session_key",
	  .allocate = "derive_session_key",
	  .free = "drop_session_key" },
	{ .kind = "block-leak", .family = "client-buffer", .bytes = 72, .allocate = "send_reply" },
	{ 0 },
};

Test(end_to_end, every_defect_of_the_demonstration_is_found_and_none_in_its_clean_neighbour)
{
	expect_findings(COMMAND(HOST, PACKAGE("demo"), PACKAGE("clean")), demo_findings);
}

/* Stacks. */

static bool ends_with(const char *text, const char *end)
{
	size_t length = text ? strlen(text) : 0;

	return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

static void expect_frame(const json_t *frame, const char *function, bool inlined)
{
	cr_assert_not_null(frame);
	cr_expect(json_same_text(json_text_at(frame, "function"), function), "not %s", function);
	cr_expect(ends_with(json_text_at(frame, "file"), "inline_leak.c"));
	cr_expect(ends_with(json_text_at(frame, "module"), "inline_leak" SUFFIX));
	cr_expect_gt(json_number_at(frame, "line"), 0);
	cr_expect_eq(json_is_true(json_at(frame, "inlined")), inlined);
}

Test(end_to_end, an_inlined_function_is_a_frame_of_its_own)
{
	struct traced traced = trace(COMMAND(HOST, PACKAGE("inline_leak")));
	const json_t *stack = json_at(traced.report, "findings.0.stacks.allocate");

	expect_report(&traced, FINDINGS({ .kind = "block-leak",
					  .family = "lsa-heap",
					  .bytes = 7,
					  .allocate = "duplicate_name" }));
	expect_frame(json_at(stack, "0"), "duplicate_name", true);
	expect_frame(json_at(stack, "1"), "register_client", false);
	traced_release(&traced);
}

static const json_t *frame_of(const json_t *stack, const char *function)
{
	for (size_t i = 0; i < json_array_size(stack); i++) {
		const json_t *frame = json_array_get(stack, i);

		if (json_same_text(json_text_at(frame, "function"), function))
			return frame;
	}
	return NULL;
}

Test(end_to_end, a_stack_reaches_from_the_package_to_the_hosts_main)
{
	struct traced traced = trace(COMMAND(HOST, PACKAGE("lsa_heap_leak")));
	const json_t *stack = json_at(traced.report, "findings.0.stacks.allocate");

	cr_expect_not_null(frame_of(stack, "leak_account_name"));
	cr_expect_not_null(frame_of(stack, "call_package"));
	cr_expect_not_null(frame_of(stack, "drive"));
	cr_expect_not_null(frame_of(stack, "main"));
	traced_release(&traced);
}

/* Transfers of ownership. */

static void expect_printed(const char *command, const struct traced *traced, const char *part)
{
	struct run run = run_command(COMMAND(LSATRACE, command, traced->traces.all[0]));

	cr_expect_eq(run.status, 0, "%s", run.err);
	cr_expect(strstr(run.out, part), "%s: %s", part, run.out);
	run_release(&run);
}

static long long sum_of_numbers(const json_t *object)
{
	long long sum = 0;
	const char *name;
	json_t *number;

	json_object_foreach((json_t *)object, name, number) sum += json_integer_value(number);
	return sum;
}

/* The token, three names and the profile of a logon, the name of the package, and two answers. */
Test(end_to_end, what_a_package_hands_over_is_shown_as_such)
{
	struct traced traced = trace(COMMAND(HOST, "--repeat=2", PACKAGE("clean")));
	const json_t *transfers = json_at(traced.report, "traces.0.transfers");

	expect_report(&traced, NO_FINDINGS);
	cr_expect_eq(json_number_at(transfers, "LsaApInitializePackage.blocks"), 1);
	cr_expect_eq(json_number_at(transfers, "LsaApInitializePackage.bytes"), 22);
	cr_expect_eq(json_number_at(transfers, "LsaApLogonUserEx.blocks"), 5);
	cr_expect_eq(json_number_at(transfers, "LsaApCallPackage.blocks"), 2);
	cr_expect_eq(json_object_size(transfers), 3);
	expect_printed("stat", &traced, "  0 clean, LsaApLogonUserEx             5    242\n");
	expect_printed("events", &traced, " bytes, lsa-heap) to the LSA\n");
	expect_printed("events", &traced, "(32 bytes, client-buffer) to client 0x");
	expect_printed("events", &traced, " clean LsaApLogonUserEx = 0x0 <");
	traced_release(&traced);
}

/* The LSA owns the names of a failed logon. The package must free its token and its profile. */
Test(end_to_end, a_failed_logon_leaks_all_but_the_names_that_it_returns)
{
	expect_findings(COMMAND(HOST, PACKAGE("failed_logon")),
			FINDINGS({ .kind = "block-leak",
				   .family = "lsa-heap",
				   .bytes = 128,
				   .allocate = "make_token" },
				 { .kind = "block-leak",
				   .family = "client-buffer",
				   .bytes = 32,
				   .allocate = "make_profile" }));
}

/* Both in full chunks of the ring and in others. */
Test(end_to_end, what_is_handed_over_is_not_among_the_calls)
{
	struct traced traced = traced_record(COMMAND("--mode=full"),
					     COMMAND(HOST, "--repeat=50", PACKAGE("clean")));
	const json_t *events = json_at(traced.report, "traces.0.events");
	long long calls = sum_of_numbers(json_at(traced.report, "traces.0.calls"));

	cr_expect_eq(json_number_at(traced.report, "traces.0.transfers.LsaApCallPackage.blocks"),
		     50);
	cr_expect_gt(calls, 1000);
	cr_expect_eq(json_number_at(events, "recorded"), calls);
	cr_expect_eq(json_number_at(events, "retained"), calls);
	traced_release(&traced);
}

/* The stack begins with the host's call of the entry point. */
Test(end_to_end, a_transfer_has_the_stack_of_the_hosts_call)
{
	struct traced traced = trace(COMMAND(HOST, PACKAGE("clean")));
	struct run run = run_command(COMMAND(LSATRACE, "events", "--json", "--stacks",
					     "--function=LsaApLogonUserEx", traced.traces.all[0]));
	json_t *event = json_loads(run.out, JSON_DISABLE_EOF_CHECK, NULL);

	cr_assert_not_null(event, "%s", run.err);
	cr_expect_str_eq(json_text_at(event, "stack.0.function"), "logon_user");
	cr_expect_not_null(frame_of(json_at(event, "stack"), "main"));
	json_decref(event);
	run_release(&run);
	traced_release(&traced);
}

/* Transparency: a traced command behaves as without the tracer. */

static void expect_same_behaviour(const char *const command[])
{
	struct run bare = run_command(command);
	struct traced traced = trace(command);

	cr_expect_str_eq(traced.run.out, bare.out);
	cr_expect_str_eq(traced.run.err, bare.err);
	cr_expect_eq(traced.run.status, bare.status);
	cr_expect_gt(traced.traces.count, 0u);
	run_release(&bare);
	traced_release(&traced);
}

Test(end_to_end, results_and_errno_of_every_function_are_the_same_bare_and_traced)
{
	expect_same_behaviour(COMMAND(HOST, "--print", PACKAGE("transparent"), PACKAGE("clean"),
				      PACKAGE("demo"), PACKAGE("multi")));
}

Test(end_to_end, the_exit_status_is_the_same_bare_and_traced)
{
	expect_same_behaviour(COMMAND(HOST, "--exit=7", PACKAGE("clean")));
	expect_same_behaviour(COMMAND(HOST, "--exit=7", "--end=quick-exit", PACKAGE("clean")));
	expect_same_behaviour(COMMAND(HOST, "--end=abort", PACKAGE("clean")));
	expect_same_behaviour(COMMAND(HOST, "--end=kill", PACKAGE("clean")));
}

Test(end_to_end, threads_clients_and_unloading_behave_the_same_bare_and_traced)
{
	expect_same_behaviour(COMMAND(HOST, "--threads=4", "--clients=3", "--repeat=20", "--unload",
				      "--print", PACKAGE("clean"), PACKAGE("load"),
				      PACKAGE("multi")));
}

/* How the host finds a package. */

static const struct expected leaked_account_name[] = {
	{ .kind = "block-leak", .family = "lsa-heap", .bytes = 44, .allocate = "leak_account_name" },
	{ 0 },
};

#ifndef UNDER_WINE
Test(end_to_end, a_package_is_traced_whichever_way_its_entry_point_is_looked_up)
{
	static const char *const ways[] = { "--dlsym=handle", "--dlsym=default", "--dlsym=next" };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		expect_findings(COMMAND(HOST, ways[i], PACKAGE("lsa_heap_leak")),
				leaked_account_name);
}
#endif

/* Returns the names of all packages of the first trace, one after another. */
static char *package_names(const struct traced *traced)
{
	const json_t *packages = json_at(traced->report, "traces.0.packages");
	char *names = NULL;
	size_t size;
	FILE *stream = open_memstream(&names, &size);

	for (size_t i = 0; i < json_array_size(packages); i++)
		fprintf(stream, "%s ", json_text_at(json_array_get(packages, i), "name"));
	fclose(stream);
	return names;
}

static void expect_packages(const struct traced *traced, const char *expected)
{
	char *names = package_names(traced);

	cr_expect_str_eq(names, expected);
	free(names);
}

Test(end_to_end, a_package_that_the_host_is_linked_to_is_traced)
{
	struct traced traced = trace(COMMAND(LINKED_HOST, "--linked", PACKAGE("lsa_heap_leak")));

	expect_report(&traced, leaked_account_name);
	expect_packages(&traced, "clean lsa_heap_leak ");
	cr_expect_gt(json_number_at(traced.report, "traces.0.calls.CreateSharedMemory"), 0);
	traced_release(&traced);
}

Test(end_to_end, every_package_of_every_library_has_its_name)
{
	struct traced traced =
		trace(COMMAND(HOST, PACKAGE("clean"), PACKAGE("multi"), PACKAGE("block_leak")));

	expect_packages(&traced, "clean multi-first multi-second multi-third block_leak ");
	traced_release(&traced);
}

Test(end_to_end, preloading_without_the_command_traces_as_well)
{
	struct arguments line = { 0 };
	char *folder = temporary_folder_new();
	struct traced traced;

	arguments_add(&line, "env");
	arguments_add(&line, "LD_PRELOAD=%s", PRELOAD);
	arguments_add(&line, "LSATRACE_OPTIONS=output=%s/%%p.trace:ring=1M", folder);
	arguments_add_all(&line, COMMAND(HOST, PACKAGE("lsa_heap_leak")));
	traced = traced_run(folder, (const char *const *)line.all);
	arguments_release(&line);
	cr_expect_str_empty(traced.run.err);
	expect_report(&traced, leaked_account_name);
	traced_release(&traced);
}

Test(end_to_end, a_process_without_a_package_leaves_no_trace)
{
	struct traced one = trace(COMMAND("true"));
	struct traced other = trace(COMMAND(HOST));

	cr_expect_eq(one.traces.count, 0u);
	cr_expect_eq(one.run.status, 0);
	cr_expect_eq(other.traces.count, 0u);
	cr_expect_eq(other.run.status, 0);
	traced_release(&one);
	traced_release(&other);
}

Test(end_to_end, run_says_that_no_package_was_initialised)
{
	struct run run = run_command(COMMAND(LSATRACE, "run", "--", HOST));

	cr_expect_eq(run.status, 0);
	cr_expect_str_empty(run.out);
	cr_expect_not_null(strstr(run.err, "no security package was initialised in"), "%s", run.err);
	run_release(&run);
}

/* How a trace ends, and what it holds. */

static void expect_end(const char *const command[], const char *end, long long exit_status)
{
	struct traced traced = trace(command);

	cr_expect(json_same_text(json_text_at(traced.report, "traces.0.end"), end), "not %s", end);
	cr_expect_eq(json_number_at(traced.report, "traces.0.exit_status"), exit_status);
	expect_report(&traced, leaked_account_name);
	traced_release(&traced);
}

Test(end_to_end, a_trace_tells_how_its_process_ended)
{
	expect_end(COMMAND(HOST, "--exit=7", PACKAGE("lsa_heap_leak")), "exit", 7);
	expect_end(COMMAND(HOST, "--exit=7", "--end=quick-exit", PACKAGE("lsa_heap_leak")), "exit",
		   7);
	/* Windows has no signals: these are ways to exit. */
	if (IS_WINDOWS) {
		expect_end(COMMAND(HOST, "--end=abort", PACKAGE("lsa_heap_leak")), "exit", 3);
		expect_end(COMMAND(HOST, "--end=kill", PACKAGE("lsa_heap_leak")), "exit", 137);
		return;
	}
	expect_end(COMMAND(HOST, "--end=abort", PACKAGE("lsa_heap_leak")), "killed", 134);
	expect_end(COMMAND(HOST, "--end=kill", PACKAGE("lsa_heap_leak")), "killed", 137);
}

Test(end_to_end, a_trace_is_its_owners_alone)
{
	struct traced traced = trace(COMMAND(HOST, PACKAGE("clean")));
	struct stat status;

	cr_assert_eq(traced.traces.count, 1u);
	cr_assert_eq(stat(traced.traces.all[0], &status), 0);
	cr_expect_eq(status.st_mode & 07777, 0600u);
	traced_release(&traced);
}

/* The first calls make leaks. The ring has overwritten those calls long ago. */
Test(end_to_end, a_small_ring_loses_events_but_no_leak)
{
	struct traced traced = traced_record(
		COMMAND("--ring=1M"),
		COMMAND(HOST, "--threads=2", "--command=calls=500000 leaks=7", PACKAGE("load")));
	const json_t *events = json_at(traced.report, "traces.0.events");

	expect_report(&traced, FINDINGS({ .kind = "block-leak",
					  .family = "lsa-heap",
					  .count = 7,
					  .bytes = 168,
					  .allocate = "plant_leak" }));
	cr_expect_eq(json_number_at(events, "recorded"), 1000007);
	cr_expect_gt(json_number_at(events, "overwritten"), 0);
	cr_expect_eq(json_number_at(events, "lost"), 0);
	cr_expect_eq(json_number_at(events, "torn"), 0);
	traced_release(&traced);
}

/* The host's own count of calls. */

#define SLOT_NAME(table, name, ...) #name,
static const char *const journal_names[] = { TRACED_SLOTS(SLOT_NAME) };

static struct journal_file *read_journal(const char *path)
{
	struct journal_file *journal = calloc(1, sizeof(*journal));
	FILE *file = fopen(path, "r");

	cr_assert(journal && file);
	cr_assert_eq(fread(journal, sizeof(*journal), 1, file), 1u);
	fclose(file);
	return journal;
}

static long long journal_count(const struct journal_file *journal, long long pid, size_t function)
{
	uint64_t count = 0;

	for (size_t i = 0; i < JOURNAL_THREADS; i++) {
		/* Windows numbers processes in its own way. */
		if (IS_WINDOWS || journal->threads[i].pid == pid)
			count += journal->threads[i].returned[function];
	}
	return (long long)count;
}

/* The report need not name a function that was never called. */
static void expect_calls_of_journal(const json_t *trace_of_process,
				    const struct journal_file *journal)
{
	long long pid = json_number_at(trace_of_process, "pid");
	const json_t *calls = json_at(trace_of_process, "calls");
	long long total = 0;

	for (size_t i = 0; i < SLOT_COUNT; i++) {
		long long reported = json_number_at(calls, journal_names[i]);
		long long counted = journal_count(journal, pid, i);

		cr_expect_eq(reported < 0 ? 0 : reported, counted, "%s: %lld, not %lld",
			     journal_names[i], reported, counted);
		total += counted;
	}
	cr_expect_gt(total, 0, "the journal does not know process %lld", pid);
}

static struct traced trace_with_journal(const char *const arguments[], struct journal_file **journal)
{
	struct arguments command = { 0 };
	char *folder = temporary_folder_new();
	char path[4096];
	struct traced traced;

	snprintf(path, sizeof(path), "%s/journal", folder);
	arguments_add_all(&command, COMMAND(HOST));
	arguments_add(&command, "--journal=%s", path);
	arguments_add_all(&command, arguments);
	traced = trace((const char *const *)command.all);
	*journal = read_journal(path);
	arguments_release(&command);
	temporary_folder_remove(folder);
	return traced;
}

Test(end_to_end, the_calls_of_each_function_are_those_of_the_hosts_journal)
{
	struct journal_file *journal;
	struct traced traced = trace_with_journal(COMMAND("--threads=3", "--repeat=20",
							  "--command=calls=1000 leaks=3",
							  PACKAGE("load"), PACKAGE("clean")),
						  &journal);

	cr_assert_eq(traced.traces.count, 1u);
	expect_calls_of_journal(json_at(traced.report, "traces.0"), journal);
	free(journal);
	traced_release(&traced);
}

#ifndef UNDER_WINE
Test(end_to_end, a_forked_process_that_calls_on_has_a_trace_of_its_own)
{
	struct journal_file *journal;
	struct traced traced = trace_with_journal(
		COMMAND("--threads=2", "--fork=2", "--repeat=100", PACKAGE("load")), &journal);
	const json_t *traces = json_at(traced.report, "traces");

	cr_expect_eq(traced.run.status, 0);
	cr_assert_eq(json_array_size(traces), 3u);
	for (size_t i = 0; i < json_array_size(traces); i++)
		expect_calls_of_journal(json_array_get(traces, i), journal);
	expect_report(&traced, NO_FINDINGS);
	free(journal);
	traced_release(&traced);
}
#endif

#ifndef UNDER_WINE
/* All traces but one are from children, which inherited the blocks that the parent leaks. */
Test(end_to_end, what_a_child_inherits_is_no_leak_of_the_childs)
{
	struct traced traced = trace(
		COMMAND(HOST, "--fork=2", "--repeat=100", PACKAGE("unloaded"), PACKAGE("load")));

	cr_expect_eq(traced.traces.count, 3u);
	expect_report(&traced, FINDINGS({ .kind = "block-leak",
					  .family = "lsa-heap",
					  .bytes = 200,
					  .allocate = "allocate_settings" }));
	traced_release(&traced);
}
#endif
