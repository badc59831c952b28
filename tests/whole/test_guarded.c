/* SPDX-License-Identifier: MIT */
/*
 * Tests of the guarded allocator in the products. It finds each defect and names its lines.
 * Processes end as without the tracer, hosts keep their signal handlers, and correct packages have
 * no finding.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/json.h"
#include "tests/support/traced.h"

#define GUARDED_SOURCE SOURCE_DIR "/tests/packages/guarded.c"

#define ODD(...) COMMAND(ODD_HOST, __VA_ARGS__)
#define GUARD(...) COMMAND("--allocator=guard", ##__VA_ARGS__)
#define GUARD_HEAPS GUARD("--guard-families=shared-memory,lsa-heap,private-heap")

enum { KILLED_BY_FAULT = 128 + 11 };

static struct traced spoil(const char *const options[], const char *command)
{
	char argument[64];

	snprintf(argument, sizeof(argument), "--command=%s", command);
	return traced_record(options, COMMAND(LSA_HOST, argument, PACKAGE("guarded")));
}

/* Returns the only finding of a kind. The test fails unless there is one, with a count of 1. */
static const json_t *finding_of(const struct traced *traced, const char *kind, const char *reason)
{
	const json_t *findings = json_at(traced->report, "findings"), *finding, *found = NULL;
	size_t i;

	json_array_foreach(findings, i, finding)
	{
		if (!json_same_text(json_text_at(finding, "kind"), kind))
			continue;
		cr_assert_null(found, "more than one %s", kind);
		found = finding;
	}
	cr_assert_not_null(found, "no %s; record said: %s", kind, traced->run.err);
	cr_expect_eq(json_number_at(found, "count"), 1);
	cr_expect(json_same_text(json_text_at(found, "level"), "error"));
	cr_expect(json_same_text(json_text_at(found, "reason"), reason), "reason %s",
		  json_text_at(found, "reason"));
	return found;
}

/* Returns the line of the package's source with this text. */
static long long line_of(const char *text)
{
	FILE *file = fopen(GUARDED_SOURCE, "r");
	long long number = 0, found = -1;
	char line[256];

	cr_assert_not_null(file);
	while (found < 0 && fgets(line, sizeof(line), file)) {
		number++;
		if (strstr(line, text))
			found = number;
	}
	fclose(file);
	cr_assert_gt(found, 0, "no line has %s", text);
	return found;
}

/* Returns whether a stack begins at the line with this text. */
static void expect_line(const json_t *finding, const char *stack, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "stacks.%s.0.line", stack);
	cr_expect_eq(json_number_at(finding, path), line_of(text), "%s: line %lld", stack,
		     json_number_at(finding, path));
}

static void expect_message(const json_t *finding, const char *start)
{
	const char *message = json_text_at(finding, "message");

	cr_expect_eq(strncmp(message, start, strlen(start)), 0, "%s", message);
}

static void expect_killed(const struct traced *traced)
{
	cr_expect_eq(traced->run.status, KILLED_BY_FAULT, "status %d", traced->run.status);
	cr_expect(json_same_text(json_text_at(traced->report, "traces.0.end"), "killed"));
	cr_expect_eq(json_number_at(traced->report, "traces.0.exit_status"), KILLED_BY_FAULT);
}

/* The four defects. */

Test(guarded, a_write_past_the_end_of_a_block_is_an_overflow)
{
	struct traced traced = spoil(GUARD(), "overflow");
	const json_t *finding = finding_of(&traced, "overflow", "write");

	expect_killed(&traced);
	expect_message(finding, "write 1 byte past the end of a block of 32 bytes (allocated at ");
	expect_line(finding, "call", "ticket[length] = ");
	expect_line(finding, "allocate", "AllocateSharedMemory(section, TICKET_SIZE)");
	expect_line(finding, "create", "CreateSharedMemory(");
	cr_expect_eq(json_number_at(finding, "size"), 32);
	cr_expect_eq(json_number_at(finding, "section.max_size"), 65536);
	cr_expect_eq(json_number_at(finding, "neighbours.before.size"), 32);
	cr_expect_eq(json_number_at(finding, "neighbours.after.size"), 24);
	traced_release(&traced);
}

Test(guarded, a_write_before_the_start_of_a_block_is_an_underflow)
{
	struct traced traced = spoil(GUARD("--guard-side=before"), "underflow");
	const json_t *finding = finding_of(&traced, "underflow", "write");

	expect_killed(&traced);
	expect_message(finding, "write 1 byte before the start of a block of 32 bytes ");
	expect_line(finding, "call", "block[-1] = ");
	expect_line(finding, "allocate", "AllocateSharedMemory(section, TICKET_SIZE)");
	traced_release(&traced);
}

Test(guarded, a_read_of_a_freed_block_is_a_use_after_free)
{
	struct traced traced = spoil(GUARD(), "use-after-free");
	const json_t *finding = finding_of(&traced, "use-after-free", "read");

	expect_killed(&traced);
	expect_message(finding, "read of byte 3 of a block of 32 bytes ");
	expect_line(finding, "call", "return ticket[3]");
	expect_line(finding, "allocate", "AllocateSharedMemory(section, TICKET_SIZE)");
	expect_line(finding, "free", "FreeSharedMemory(");
	traced_release(&traced);
}

Test(guarded, a_write_to_a_block_of_a_deleted_section_is_a_use_after_delete)
{
	struct traced traced = spoil(GUARD(), "use-after-delete");
	const json_t *finding = finding_of(&traced, "use-after-delete", "write");

	expect_killed(&traced);
	expect_message(finding, "write of byte 0 of a block of 32 bytes ");
	expect_line(finding, "call", "ticket[0] = ");
	expect_line(finding, "allocate", "AllocateSharedMemory(section, TICKET_SIZE)");
	expect_line(finding, "create", "CreateSharedMemory(");
	expect_line(finding, "delete", "DeleteSharedMemory(section)");
	traced_release(&traced);
}

/* Canaries. */

static void expect_canary(const char *command, const char *found_by)
{
	struct traced traced = spoil(GUARD(), command);
	const json_t *finding = finding_of(&traced, "overflow", "canary");

	cr_expect_eq(traced.run.status, 0);
	expect_message(finding, "write 1 byte past the end of a block of 24 bytes ");
	expect_line(finding, "allocate", "AllocateSharedMemory(section, LABEL_SIZE)");
	cr_expect(json_same_text(json_text_at(finding, "stacks.call.0.function"), found_by));
	cr_expect_null(json_at(finding, "stacks.free"));
	traced_release(&traced);
}

Test(guarded, damage_in_the_slack_is_found_when_the_block_is_freed)
{
	expect_canary("spoil-at-free", "free_block");
}

Test(guarded, damage_in_the_slack_is_found_when_the_section_is_deleted)
{
	expect_canary("spoil-at-delete", "delete_section");
}

Test(guarded, damage_in_the_slack_is_found_at_the_end)
{
	expect_canary("spoil-at-end", NULL);
}

Test(guarded, damage_that_is_found_at_the_end_is_no_fault_of_the_call_in_flight)
{
	struct traced traced = traced_record(GUARD(), ODD("end-in-host"));
	const json_t *finding = finding_of(&traced, "overflow", "canary");

	cr_expect_eq(traced.run.status, 0);
	cr_expect_null(json_at(finding, "stacks.call"));
	cr_expect_not_null(json_at(finding, "stacks.allocate.0"));
	traced_release(&traced);
}

Test(guarded, damage_on_the_side_without_a_guard_is_found_by_its_canary)
{
	struct traced traced = spoil(GUARD(), "underflow");
	const json_t *finding = finding_of(&traced, "underflow", "canary");

	cr_expect_eq(traced.run.status, 0);
	expect_message(finding, "write 1 byte before the start of a block of 32 bytes ");
	traced_release(&traced);
	traced = spoil(GUARD("--guard_side=before"), "spoil-at-free");
	finding_of(&traced, "overflow", "canary");
	traced_release(&traced);
}

/* Handlers. */

static void expect_survival(const char *how, const char *when, const char *says)
{
	struct traced traced = traced_record(GUARD(), ODD("survive-overflow", how, when));

	cr_expect_eq(traced.run.status, 0);
	cr_expect_str_eq(traced.run.out, says, "%s %s: %s", how, when, traced.run.out);
	cr_expect(json_same_text(json_text_at(traced.report, "traces.0.end"), "exit"));
	finding_of(&traced, "overflow", "write");
	cr_expect_eq(json_number_at(traced.report, "summary.errors"), 1);
	traced_release(&traced);
}

Test(guarded, a_host_that_handles_the_signal_is_called_once_and_goes_on)
{
	static const char fully[] = "handled 1, at the address 1, on the alternate stack 1\n";
	static const char simply[] = "handled 1, at the address 0, on the alternate stack 0\n";

	expect_survival("sigaction", "before", fully);
	expect_survival("sigaction", "after", fully);
	expect_survival("signal", "before", simply);
	expect_survival("signal", "after", simply);
	expect_survival("sysv", "before", simply);
	expect_survival("sysv", "after", simply);
}

/* Runs a command untraced and guarded. Both do the same, without a finding. */
static void expect_transparent(const char *const options[], const char *const command[])
{
	struct run bare = traced_bare(command);
	struct traced traced = traced_record(options, command);

	cr_expect_str_eq(traced.run.out, bare.out);
	cr_expect_str_eq(traced.run.err, bare.err);
	cr_expect_eq(traced.run.status, bare.status, "status %d, not %d", traced.run.status,
		     bare.status);
	cr_assert_not_null(traced.report);
	cr_expect_eq(json_array_size(json_at(traced.report, "findings")), 0u, "%s %s", command[0],
		     command[1]);
	cr_expect(json_is_true(json_at(traced.report, "summary.exact")));
	run_release(&bare);
	traced_release(&traced);
}

Test(guarded, other_faults_and_signals_end_a_host_as_they_do_bare)
{
	expect_transparent(GUARD(), ODD("die"));
	expect_transparent(GUARD(), ODD("die", "11"));
	expect_transparent(GUARD(), ODD("die", "7"));
	expect_transparent(GUARD(), ODD("survive-own-fault", "sigaction"));
	expect_transparent(GUARD(), ODD("survive-own-fault", "signal"));
}

Test(guarded, a_host_is_told_the_dispositions_that_it_has_set)
{
	expect_transparent(GUARD(), ODD("dispositions"));
}

Test(guarded, threads_may_set_their_handlers_at_once, .timeout = 120)
{
	expect_transparent(GUARD(), ODD("handlers-at-once"));
}

/* Transparency. */

Test(guarded, parent_and_child_go_on_with_what_both_have)
{
	expect_transparent(GUARD(), ODD("forked"));
	expect_transparent(GUARD_HEAPS, ODD("forked"));
}

Test(guarded, a_child_that_has_not_called_yet_has_its_finding)
{
	struct traced traced = traced_record(GUARD(), ODD("child-uses-freed"));

	cr_expect_eq(traced.run.status, 11);
	cr_expect_eq(traced.traces.count, 2u);
	finding_of(&traced, "use-after-free", "read");
	traced_release(&traced);
}

Test(guarded, what_the_lsa_frees_with_its_own_heap_has_been_moved_there)
{
	expect_transparent(GUARD_HEAPS, ODD("logon"));
}

Test(guarded, blocks_beyond_what_the_kernel_has_mappings_for_are_good_and_counted)
{
	struct traced traced = traced_record(GUARD(), ODD("many", "40000"));
	struct run stat;

	cr_expect_eq(traced.run.status, 0);
	cr_expect_str_eq(traced.run.out, "40000 of 40000\n");
	cr_expect_eq(json_array_size(json_at(traced.report, "findings")), 0u);
	stat = run_command(COMMAND(BUILD_DIR "/lsatrace", "stat", traced.traces.all[0]));
	cr_expect_not_null(strstr(stat.out, "  not guarded "), "%s", stat.out);
	run_release(&stat);
	traced_release(&traced);
}

Test(guarded, a_host_with_little_address_space_is_not_guarded_and_told_so)
{
	struct traced traced = traced_record(GUARD("--ring=1M"), ODD("address-space", "100"));

	cr_expect_eq(traced.run.status, 0);
	cr_expect_str_eq(traced.run.err,
			 "lsatrace: not guarding: there is no address space for it\n");
	traced_release(&traced);
}

static void expect_clean(const char *side, const char *families, const char *option)
{
	char guard_families[128];

	snprintf(guard_families, sizeof(guard_families), "--guard-families=%s", families);
	expect_transparent(GUARD(side, guard_families, option),
			   COMMAND(LSA_HOST, "--threads=2", "--repeat=3", "--clients=2", "--fork=1",
				   "--section", "--unload", "--command=calls=20 leaks=0",
				   PACKAGE("clean"), PACKAGE("load")));
}

Test(guarded, what_runs_clean_bare_runs_clean_with_every_option, .timeout = 280)
{
	static const char *const sides[] = { "--guard-side=after", "--guard-side=before" };
	static const char *const families[] = { "shared-memory", "lsa-heap", "private-heap",
						"shared-memory,lsa-heap,private-heap" };
	static const char *const options[] = { "--ring=256K",
					       "--mode=full",
					       "--depth=1",
					       "--on-error=abort",
					       "--unwind=check",
					       "--unwind=libunwind",
					       "--families=shared-memory",
					       "--families=lsa-heap",
					       "--no-follow",
					       "--guard-quarantine=4K" };

	/* Each two of them meet. */
	for (size_t f = 0; f < sizeof(families) / sizeof(*families); f++)
		for (size_t o = 0; o < sizeof(options) / sizeof(*options); o++)
			expect_clean(sides[(f + o) % 2], families[f], options[o]);
}

/* What identifies a finding from run to run. */
static json_t *fingerprints(const struct traced *traced)
{
	const json_t *findings = json_at(traced->report, "findings"), *finding;
	json_t *all = json_object();
	size_t i;

	json_array_foreach(findings, i, finding) json_object_set(
		all, json_text_at(finding, "fingerprint"), json_at(finding, "count"));
	return all;
}

/* The other defects of packages are found with this allocator as well. */
Test(guarded, misuses_are_the_same_with_guarded_blocks, .timeout = 120)
{
	static const char *const packages[] = {
		PACKAGE("adopted"),           PACKAGE("adopted_leak"),
		PACKAGE("block_leak"),        PACKAGE("demo"),
		PACKAGE("double_delete"),     PACKAGE("double_free"),
		PACKAGE("free_after_delete"), PACKAGE("interior_pointer"),
		PACKAGE("live_at_delete"),    PACKAGE("lsa_heap_double_free"),
		PACKAGE("lsa_heap_leak"),     PACKAGE("null_free"),
		PACKAGE("private_heap_leak"), PACKAGE("return_buffer_leak"),
		PACKAGE("section_handle"),    PACKAGE("suspect"),
		PACKAGE("unknown_address"),   PACKAGE("wrong_deallocator"),
		PACKAGE("wrong_section"),     PACKAGE("invalid_section_unknown"),
	};

	for (size_t i = 0; i < sizeof(packages) / sizeof(*packages); i++) {
		const char *const *command =
			COMMAND(LSA_HOST, "--repeat=2", "--section", packages[i]);
		struct traced plain = traced_record(COMMAND("--allocator=host"), command);
		struct traced guarded = traced_record(GUARD_HEAPS, command);
		json_t *one = fingerprints(&plain), *other = fingerprints(&guarded);

		cr_expect(json_equal(one, other), "%s", packages[i]);
		cr_expect_gt(json_object_size(one), 0u, "%s", packages[i]);
		json_decref(one);
		json_decref(other);
		traced_release(&plain);
		traced_release(&guarded);
	}
}
