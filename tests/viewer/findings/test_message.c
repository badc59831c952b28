/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "include/kinds.h"
#include "tests/support/judged.h"

static void expect_message(struct trace_builder *b, const char *message)
{
	struct judged j = judge_one(b);

	cr_assert_eq(j.f->count, 1);
	cr_expect_str_eq(findings_get(j.f, 0)->message, message);
	judged_release(&j, b);
}

Test(message, a_message_says_which_section_was_wrong_and_which_is_right)
{
	struct trace_builder *b = named_trace();
	struct trace_finding finding =
		misuse_of(TRACE_KIND_MISMATCHED_FREE, TRACE_REASON_WRONG_SECTION, 0);

	finding.size = 64;
	finding.section.handle = 0x9000;
	finding.owner.handle = 0xa000;
	finding.stack[TRACE_STACK_CREATE] = trace_builder_place(b, 1, 0x100a);
	finding.stack[TRACE_STACK_OWNER_CREATE] = trace_builder_place(b, 1, 0x1014);
	finding.flags = TRACE_FINDING_HAS_SIZE | TRACE_FINDING_HAS_SECTION | TRACE_FINDING_HAS_OWNER;
	trace_builder_finding(b, finding);
	expect_message(b, "block of 64 bytes freed with the handle of section 0x9000 (created at "
			  "named.c:10), but allocated from section 0xa000 (created at named.c:20)");
}

Test(message, a_message_names_module_and_offset_where_nothing_better_is_known)
{
	struct trace_builder *b = named_trace();

	trace_builder_entry(b, live_block(0x5000, 1, trace_builder_place(b, 1, 0x3333)));
	expect_message(b, "block of 1 byte, allocated at named.so+0x3333, is never freed");
}

/* A live block, of which the search has found something. */
static void add_found(struct trace_builder *b, uint32_t place, enum trace_reach reach)
{
	uint32_t entry = trace_builder_entry(b, live_block(0x5000, 1, place));

	trace_builder_era(b, entry, 7 | (uint32_t)reach << TRACE_ERA_BITS);
	trace_builder_header(b)->search = TRACE_SEARCH_DONE;
}

static void expect_found(enum trace_reach one, enum trace_reach other, const char *message)
{
	struct trace_builder *b = named_trace();
	uint32_t place = trace_builder_place(b, 1, 0x3333);

	add_found(b, place, one);
	add_found(b, place, other);
	expect_message(b, message);
}

Test(message, a_message_says_whether_something_still_points_to_a_leak)
{
#define LEAK "block of 1 byte, allocated at named.so+0x3333, is never freed"
	expect_found(TRACE_REACH_LOST, TRACE_REACH_LOST, LEAK "; lost");
	expect_found(TRACE_REACH_INDIRECT, TRACE_REACH_INDIRECT, LEAK "; indirectly lost");
	expect_found(TRACE_REACH_POSSIBLE, TRACE_REACH_POSSIBLE, LEAK "; possibly lost");
	expect_found(TRACE_REACH_REACHABLE, TRACE_REACH_REACHABLE, LEAK "; still reachable");
	expect_found(TRACE_REACH_REACHABLE, TRACE_REACH_LOST, LEAK "; some are lost");
	expect_found(TRACE_REACH_INDIRECT, TRACE_REACH_REACHABLE, LEAK "; some are indirectly lost");
	expect_found(TRACE_REACH_UNKNOWN, TRACE_REACH_UNKNOWN, LEAK);
}

/* The search was not made to its end, or nobody could make one in this version. */
Test(message, what_a_search_has_left_behind_is_not_believed)
{
	for (int is_old = 0; is_old < 2; is_old++) {
		struct trace_builder *b = named_trace();

		add_found(b, trace_builder_place(b, 1, 0x3333), TRACE_REACH_LOST);
		if (is_old)
			trace_builder_header(b)->version = 4;
		else
			trace_builder_header(b)->search = TRACE_SEARCH_NO_TIME;
		expect_message(b, LEAK);
	}
}

Test(message, a_message_leaves_out_what_is_unknown)
{
	struct trace_builder *b = named_trace();

	trace_builder_finding(b, misuse_of(TRACE_KIND_DOUBLE_FREE, TRACE_REASON_NONE, 0));
	expect_message(b, "block freed again");
}

Test(message, a_message_says_which_of_the_lsas_functions_is_documented)
{
	struct trace_builder *b = named_trace();
	struct trace_finding finding = misuse_of(TRACE_KIND_EXCHANGED_FREE, TRACE_REASON_NONE, 0);

	finding.family = FAMILY_LSA_HEAP;
	finding.function = SLOT_FreeLsaHeap;
	trace_builder_finding(b, finding);
	expect_message(b, "block freed by FreeLsaHeap, where FreeReturnBuffer is documented");
	b = named_trace();
	finding.function = SLOT_FreeReturnBuffer;
	trace_builder_finding(b, finding);
	expect_message(b, "block freed by FreeReturnBuffer, where FreeLsaHeap is documented");
}

/* An access, in line 40, to a block of 24 bytes at 0x5000, which was allocated in line 10. */
static struct trace_finding access(struct trace_builder *b, enum trace_kind kind,
				   enum trace_reason reason, uint64_t address)
{
	struct trace_finding finding = misuse_of(kind, reason, trace_builder_place(b, 1, 0x1028));

	finding.address = address;
	finding.block = 0x5000;
	finding.size = 24;
	finding.section.handle = 0x4000;
	finding.stack[TRACE_STACK_ALLOCATE] = trace_builder_place(b, 1, 0x100a);
	finding.flags =
		TRACE_FINDING_HAS_ADDRESS | TRACE_FINDING_HAS_SIZE | TRACE_FINDING_HAS_SECTION;
	return finding;
}

static void expect_access(enum trace_kind kind, enum trace_reason reason, uint64_t address,
			  const char *message)
{
	struct trace_builder *b = named_trace();

	trace_builder_finding(b, access(b, kind, reason, address));
	expect_message(b, message);
}

Test(message, a_message_says_how_far_outside_a_block_an_access_was)
{
	expect_access(TRACE_KIND_OVERFLOW, TRACE_REASON_WRITE, 0x5018,
		      "write 1 byte past the end of a block of 24 bytes (allocated at named.c:10)");
	expect_access(TRACE_KIND_OVERFLOW, TRACE_REASON_READ, 0x5020,
		      "read 9 bytes past the end of a block of 24 bytes (allocated at named.c:10)");
	expect_access(
		TRACE_KIND_UNDERFLOW, TRACE_REASON_WRITE, 0x4ffe,
		"write 2 bytes before the start of a block of 24 bytes (allocated at named.c:10)");
}

Test(message, a_message_says_when_damage_was_found)
{
	struct trace_builder *b = named_trace();
	struct trace_finding finding;

	expect_access(
		TRACE_KIND_OVERFLOW, TRACE_REASON_CANARY, 0x5018,
		"write 1 byte past the end of a block of 24 bytes (allocated at named.c:10) was "
		"found by FreeSharedMemory at named.c:40");
	finding = access(b, TRACE_KIND_OVERFLOW, TRACE_REASON_CANARY, 0x5018);
	finding.stack[TRACE_STACK_CALL] = 0;
	trace_builder_finding(b, finding);
	expect_message(b, "write 1 byte past the end of a block of 24 bytes (allocated at "
			  "named.c:10) was found at the end of the trace");
}

Test(message, a_message_says_how_far_the_damage_goes)
{
	struct trace_builder *b = named_trace();
	struct trace_finding finding = access(b, TRACE_KIND_OVERFLOW, TRACE_REASON_CANARY, 0x5018);

	finding.damage = 6;
	finding.stack[TRACE_STACK_CALL] = 0;
	trace_builder_finding(b, finding);
	expect_message(b, "write 6 bytes past the end of a block of 24 bytes (allocated at "
			  "named.c:10) was found at the end of the trace");
	b = named_trace();
	finding = access(b, TRACE_KIND_UNDERFLOW, TRACE_REASON_CANARY, 0x4fff);
	finding.damage = 3;
	finding.stack[TRACE_STACK_CALL] = 0;
	trace_builder_finding(b, finding);
	expect_message(b, "write 3 bytes before the start of a block of 24 bytes (allocated at "
			  "named.c:10) was found at the end of the trace");
}

Test(message, a_message_says_how_a_block_was_freed_before_it_was_used)
{
	struct trace_builder *b = named_trace();
	struct trace_finding finding =
		access(b, TRACE_KIND_USE_AFTER_FREE, TRACE_REASON_READ, 0x5004);

	finding.stack[TRACE_STACK_FREE] = trace_builder_place(b, 1, 0x1014);
	trace_builder_finding(b, finding);
	expect_message(b,
		       "read of byte 4 of a block of 24 bytes (allocated at named.c:10) after it "
		       "was freed at named.c:20");
	b = named_trace();
	finding = access(b, TRACE_KIND_USE_AFTER_DELETE, TRACE_REASON_WRITE, 0x5000);
	finding.stack[TRACE_STACK_DELETE] = trace_builder_place(b, 1, 0x1014);
	trace_builder_finding(b, finding);
	expect_message(b, "write of byte 0 of a block of 24 bytes (allocated at named.c:10) after "
			  "its section 0x4000 was deleted at named.c:20");
}

Test(message, a_message_says_what_frees_a_block_that_was_handed_out)
{
	struct trace_builder *b = named_trace();
	struct trace_finding f =
		misuse_of(TRACE_KIND_MISMATCHED_FREE, TRACE_REASON_WRONG_DEALLOCATOR,
			  trace_builder_place(b, 1, 0x1020));

	f.family = FAMILY_PRIVATE_HEAP;
	f.function = SLOT_FreePrivateHeap;
	f.block_family = FAMILY_LSA_HEAP;
	f.handed_out = SLOT_GetAuthDataForUser + 1;
	f.stack[TRACE_STACK_ALLOCATE] = trace_builder_place(b, 1, 0x1010);
	trace_builder_finding(b, f);
	expect_message(b, "block of family lsa-heap (handed out by GetAuthDataForUser at "
			  "named.c:16) freed by FreePrivateHeap at named.c:32, which is for "
			  "family private-heap; free it with FreeLsaHeap");
}

/* Sets `message` to that of the finding with this kind and reason. */
static void get_message(const struct judged *j, unsigned kind, unsigned reason, char message[512])
{
	*message = '\0';
	for (size_t i = 0; i < j->f->count; i++) {
		const struct finding *finding = findings_get(j->f, i);

		if (finding->kind == kind && finding->reason == reason)
			snprintf(message, 512, "%s", finding->message);
	}
}

/* Each reason says more than no reason at all, with one kind at least. */
Test(message, there_is_a_message_for_each_kind_and_reason)
{
	struct trace_builder *b = named_trace();
	struct judged j;

	for (unsigned kind = TRACE_KIND_LIVE_AT_DELETE; kind < TRACE_KIND_COUNT; kind++)
		for (unsigned reason = 0; reason < TRACE_REASON_COUNT; reason++)
			trace_builder_finding(b, misuse_of(kind, reason, 0));
	j = judge_one(b);
	for (unsigned reason = 0; reason < TRACE_REASON_COUNT; reason++) {
		bool is_said = reason == TRACE_REASON_NONE;

		for (unsigned kind = TRACE_KIND_LIVE_AT_DELETE; kind < TRACE_KIND_COUNT; kind++) {
			char message[512], plain[512];

			get_message(&j, kind, reason, message);
			get_message(&j, kind, TRACE_REASON_NONE, plain);
			cr_expect_gt(strlen(message), 10u, "%s", kinds_text(kind));
			cr_expect_null(strchr(message, '\n'));
			is_said |= strcmp(message, plain) != 0;
		}
		cr_expect(is_said, "no message says %s", kinds_reason_text(reason));
	}
	judged_release(&j, b);
}

Test(message, a_call_that_was_made_to_fail_says_so)
{
	struct trace_builder *b = named_trace();
	struct trace_finding finding = misuse_of(TRACE_KIND_FAILED_CALL, TRACE_REASON_INJECTED, 0);

	finding.function = SLOT_AllocateLsaHeap;
	finding.size = 64;
	finding.flags = TRACE_FINDING_HAS_SIZE;
	trace_builder_finding(b, finding);
	expect_message(b, "AllocateLsaHeap for 64 bytes failed: injected by --fail");
}
