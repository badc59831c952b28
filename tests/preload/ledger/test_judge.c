/* SPDX-License-Identifier: MIT */
/*
 * The rules by which calls are judged, numbered as in judge.h. What depends on the host's answer
 * (failed-call, live-at-delete, a section that is adopted) is in tests/preload/call/test_shims.c.
 */
#include <stdio.h>

#include <criterion/criterion.h>

#include "include/kinds.h"
#include "include/slots.h"
#include "preload/ledger/deletion.h"
#include "preload/ledger/gaps.h"
#include "preload/ledger/judge.h"
#include "preload/ledger/ledger.h"
#include "preload/ledger/lookup.h"
#include "preload/ledger/release.h"
#include "preload/ledger/scopes.h"
#include "tests/support/preload_fixture.h"

/* Addresses, named by what is there after start(). */
enum {
	NOTHING = 0x100,
	SECTION = 0x10000, /* live */
	OTHER = 0x20000,   /* live, another one */
	DELETED = 0x30000,
	ADOPTED = 0x40000,
	BLOCK = 0x50000,         /* live in SECTION */
	OTHERS_BLOCK = 0x51000,  /* live in OTHER */
	FREED = 0x52000,         /* freed in SECTION */
	LOST = 0x53000,          /* was live in DELETED */
	FREED_BEFORE = 0x54000,  /* freed in DELETED, before its deletion */
	ADOPTED_BLOCK = 0x55000, /* live in ADOPTED */
	GIVEN = 0x56000,         /* was on the LSA's heap, and got a new owner */
	HEAP = 0x60000,          /* live on the LSA's heap */
	HEAP_FREED = 0x61000,
	PRIVATE = 0x62000,  /* live on the private heap */
	RETURNED = 0x63000, /* live on the LSA's heap, from CallPackage */
	DATA = 0x64000,     /* live on the LSA's heap, from GetUserAuthData */
	CLIENT = 0x70000,   /* live under ONE */
	CLIENT_FREED = 0x71000,
	ONE = 1, /* client requests */
	TWO = 2,
	BYTES = 64, /* of each block */
};

static struct lane *lane;

static struct ledger_view enter(enum ledger_space space, enum family family, uint64_t address,
				uint64_t scope, uint8_t flags)
{
	struct ledger_entry what = { .space = (uint8_t)space,
				     .family = (uint8_t)family,
				     .address = address,
				     .scope = scope,
				     .size = BYTES,
				     .flags = flags };
	struct ledger_view view;

	cr_assert(ledger_enter(lane, &what, &view));
	return view;
}

static struct ledger_view enter_section(uint64_t handle)
{
	return enter(SPACE_SECTION, FAMILY_SHARED_MEMORY, handle, 0, 0);
}

static struct ledger_view enter_block(const struct ledger_view *section, uint64_t address)
{
	return enter(SPACE_BLOCK, FAMILY_SHARED_MEMORY, address, scopes_of(section), 0);
}

static struct ledger_view enter_heap(enum family family, uint64_t address)
{
	return enter(SPACE_BLOCK, family, address, 0, 0);
}

static struct ledger_view enter_client(uint64_t request, uint64_t address)
{
	return enter(SPACE_CLIENT, FAMILY_CLIENT_BUFFER, address, request, 0);
}

static void release(enum ledger_space space, uint64_t address, uint64_t request)
{
	struct ledger_view view;

	cr_assert(lookup_find(space, address, request, &view));
	cr_assert(release_now(lane, &view, 0));
}

static void ignore(const struct ledger_view *block, void *unused)
{
	(void)block, (void)unused;
}

static void delete_section(const struct ledger_view *section)
{
	cr_assert(release_begin(section));
	deletion_begin(section);
	deletion_finish(lane, section, true, 0, ignore, NULL);
	release_finish(lane, section, true, 0);
}

static void start(void)
{
	struct ledger_view section, other, doomed, adopted, given;

	lane = preload_start(4 << 20);
	section = enter_section(SECTION);
	other = enter_section(OTHER);
	doomed = enter_section(DELETED);
	adopted = enter(SPACE_SECTION, FAMILY_SHARED_MEMORY, ADOPTED, 0, LEDGER_ADOPTED);
	enter_block(&section, BLOCK);
	enter_block(&other, OTHERS_BLOCK);
	enter_block(&section, FREED);
	release(SPACE_BLOCK, FREED, 0);
	enter_block(&doomed, FREED_BEFORE);
	release(SPACE_BLOCK, FREED_BEFORE, 0);
	enter_block(&doomed, LOST);
	delete_section(&doomed);
	enter_block(&adopted, ADOPTED_BLOCK);
	enter_heap(FAMILY_LSA_HEAP, HEAP);
	enter_heap(FAMILY_LSA_HEAP, HEAP_FREED);
	release(SPACE_BLOCK, HEAP_FREED, 0);
	given = enter_heap(FAMILY_LSA_HEAP, GIVEN);
	release_to_new_owner(lane, &given);
	enter_heap(FAMILY_PRIVATE_HEAP, PRIVATE);
	enter(SPACE_BLOCK, FAMILY_LSA_HEAP, RETURNED, 0, LEDGER_OBTAINED | LEDGER_RETURNED);
	enter(SPACE_BLOCK, FAMILY_LSA_HEAP, DATA, 0, LEDGER_OBTAINED);
	enter_client(ONE, CLIENT);
	enter_client(ONE, CLIENT_FREED);
	release(SPACE_CLIENT, CLIENT_FREED, ONE);
}

TestSuite(judge, .init = start);

static struct verdict freed(uint64_t section, uint64_t memory)
{
	struct verdict v;

	judge_free(&(struct free_call){ memory, section, FAMILY_SHARED_MEMORY, 0, false }, &v);
	return v;
}

static struct verdict freed_heap(enum family family, uint64_t memory)
{
	struct verdict v;

	judge_free(&(struct free_call){ memory, 0, family, 0, false }, &v);
	return v;
}

static struct verdict freed_returned(uint64_t memory)
{
	struct verdict v;

	judge_free(&(struct free_call){ memory, 0, FAMILY_LSA_HEAP, LEDGER_RETURNED, false }, &v);
	return v;
}

static struct verdict freed_client(uint64_t request, uint64_t memory)
{
	struct verdict v;

	judge_free(&(struct free_call){ memory, request, FAMILY_CLIENT_BUFFER, 0, false }, &v);
	return v;
}

static struct verdict deleted(uint64_t handle)
{
	struct verdict v;

	judge_delete(handle, &v);
	return v;
}

static struct verdict allocated(uint64_t handle, bool failed)
{
	struct ledger_view named;
	struct verdict v;
	enum handle is = judge_handle(handle, &named);

	judge_allocate_in_section(is, &named, failed, &v);
	return v;
}

/* Kind and reason as users read them: "invalid-free/interior-pointer". */
static const char *text_of(const struct verdict *v)
{
	static char text[64];
	const char *reason = kinds_reason_text(v->reason);

	snprintf(text, sizeof(text), "%s%s%s", kinds_text(v->kind), *reason ? "/" : "", reason);
	return text;
}

/* Judges a call, and leaves the verdict in `v`. */
#define expect(call, expected) \
	do { \
		v = (call); \
		cr_expect_str_eq(text_of(&v), expected, #call ": %s, not " expected, text_of(&v)); \
		cr_expect(!v.kind || !v.release); \
	} while (0)
#define expect_right(call) \
	do { \
		v = (call); \
		cr_expect_eq(v.kind, TRACE_KIND_NONE, #call ": %s", text_of(&v)); \
		cr_expect(v.release, #call); \
	} while (0)
/* A finding that is a note: the call ends the block all the same. */
#define expect_noted(call, expected) \
	do { \
		v = (call); \
		cr_expect_str_eq(text_of(&v), expected, #call ": %s, not " expected, text_of(&v)); \
		cr_expect(v.release, #call); \
	} while (0)
#define expect_not_judged(call) \
	do { \
		v = (call); \
		cr_expect_eq(v.kind, TRACE_KIND_NONE, #call ": %s", text_of(&v)); \
		cr_expect_not(v.release, #call); \
	} while (0)

static const uint64_t handles[] = { SECTION, OTHER, 0, DELETED, BLOCK, HEAP, ADOPTED, NOTHING };

enum { HANDLES = sizeof(handles) / sizeof(*handles) };

Test(judge, rule_1_null_is_a_null_free_whatever_the_handle)
{
	struct verdict v;

	for (int i = 0; i < HANDLES; i++)
		expect(freed(handles[i], 0), "null-free");
}

Test(judge, rule_2_a_block_freed_with_its_sections_handle_is_right)
{
	struct verdict v;

	expect_right(freed(SECTION, BLOCK));
	cr_expect_eq(v.block.entry.address, BLOCK);
	expect_right(freed(OTHER, OTHERS_BLOCK));
	expect_right(freed(ADOPTED, ADOPTED_BLOCK));
}

Test(judge, rule_2_a_block_freed_with_another_sections_handle_is_a_mismatch)
{
	struct verdict v;

	expect(freed(OTHER, BLOCK), "mismatched-free/wrong-section");
	cr_expect_eq(v.owner.entry.address, SECTION);
	cr_expect_eq(v.section.entry.address, OTHER);
	cr_expect_eq(v.block.entry.address, BLOCK);
}

Test(judge, rule_2_an_adopted_or_unknown_section_does_not_excuse_a_known_block)
{
	struct verdict v;

	expect(freed(ADOPTED, BLOCK), "mismatched-free/wrong-section");
	expect(freed(NOTHING, BLOCK), "mismatched-free/wrong-section");
	cr_expect_eq(v.owner.entry.address, SECTION);
	cr_expect_eq(v.section.number, 0);
}

Test(judge, rule_2_a_block_freed_with_no_section_at_all_is_an_invalid_section)
{
	struct verdict v;

	expect(freed(0, BLOCK), "invalid-section/null");
	expect(freed(DELETED, OTHERS_BLOCK), "invalid-section/deleted");
	cr_expect_eq(v.section.entry.address, DELETED);
	cr_expect_eq(v.block.entry.address, OTHERS_BLOCK);
	expect(freed(HEAP, ADOPTED_BLOCK), "invalid-section/block");
	cr_expect_eq(v.block.entry.address, ADOPTED_BLOCK);
}

Test(judge, rule_2_a_block_named_as_its_own_section_is_an_invalid_section)
{
	struct verdict v;

	expect(freed(BLOCK, BLOCK), "invalid-section/block");
}

Test(judge, rule_3_another_familys_block_has_the_wrong_deallocator_whatever_the_handle)
{
	struct verdict v;

	for (int i = 0; i < HANDLES; i++) {
		expect(freed(handles[i], HEAP), "mismatched-free/wrong-deallocator");
		cr_expect_eq(v.block.entry.family, FAMILY_LSA_HEAP);
	}
	expect(freed(SECTION, PRIVATE), "mismatched-free/wrong-deallocator");
	expect(freed(SECTION, CLIENT), "mismatched-free/wrong-deallocator");
	cr_expect_eq(v.block.entry.family, FAMILY_CLIENT_BUFFER);
}

Test(judge, rule_4_a_live_sections_handle_is_no_block_whatever_the_handle)
{
	struct verdict v;

	for (int i = 0; i < HANDLES; i++)
		expect(freed(handles[i], OTHER), "invalid-free/section-handle");
	expect(freed(SECTION, DELETED), "invalid-free/unknown-address");
}

Test(judge, rule_4_comes_before_rule_5)
{
	struct verdict v;

	enter_section(BLOCK + 8);
	expect(freed(SECTION, BLOCK + 8), "invalid-free/section-handle");
}

Test(judge, rule_4_comes_before_rule_6)
{
	struct verdict v;

	enter_section(FREED);
	expect(freed(SECTION, FREED), "invalid-free/section-handle");
}

Test(judge, rule_5_an_address_strictly_inside_a_live_block_is_interior_whatever_the_handle)
{
	struct verdict v;

	for (int i = 0; i < HANDLES; i++) {
		expect(freed(handles[i], BLOCK + 1), "invalid-free/interior-pointer");
		cr_expect_eq(v.block.entry.address, BLOCK);
	}
	expect(freed(SECTION, BLOCK + BYTES - 1), "invalid-free/interior-pointer");
	expect(freed(SECTION, HEAP + 1), "invalid-free/interior-pointer");
	expect(freed(SECTION, BLOCK + BYTES), "invalid-free/unknown-address");
	expect(freed(SECTION, FREED + 1), "invalid-free/unknown-address");
}

Test(judge, rule_5_comes_before_rule_6)
{
	struct verdict v;

	enter_heap(FAMILY_LSA_HEAP, BLOCK + 8);
	release(SPACE_BLOCK, BLOCK + 8, 0);
	expect(freed(SECTION, BLOCK + 8), "invalid-free/interior-pointer");
}

Test(judge, rule_6_a_block_that_was_freed_is_freed_twice_whatever_the_handle)
{
	struct verdict v;

	for (int i = 0; i < HANDLES; i++) {
		expect(freed(handles[i], FREED), "double-free");
		cr_expect_eq(v.block.entry.address, FREED);
	}
}

Test(judge, rule_6_a_block_freed_before_its_sections_deletion_is_freed_twice_after_it)
{
	struct verdict v;

	expect(freed(DELETED, FREED_BEFORE), "double-free");
}

/* A thread was changing the entry of an address when that was handed out again. */
Test(judge, rule_6_what_went_last_counts_where_an_address_has_two_entries)
{
	struct ledger_view first, section, doomed = enter_section(DELETED);
	struct verdict v;

	cr_assert(lookup_find(SPACE_BLOCK, LOST, 0, &first));
	cr_assert(lookup_find(SPACE_SECTION, SECTION, 0, &section));
	cr_assert(entries_claim(&entries[first.number], first.entry.life));
	cr_assert_neq(enter_block(&section, LOST).number, first.number);
	entries_settle(&entries[first.number], LIFE_DELETED);
	release(SPACE_BLOCK, LOST, 0);
	expect(freed(SECTION, LOST), "double-free");
	lanes_advance(lane, lane->time + 1);
	enter_block(&doomed, LOST);
	delete_section(&doomed);
	expect(freed(DELETED, LOST), "free-after-delete");
}

Test(judge, rule_6_a_block_that_went_with_its_section_is_freed_after_its_deletion)
{
	struct verdict v;

	expect(freed(DELETED, LOST), "free-after-delete");
	cr_expect_eq(v.block.entry.address, LOST);
	cr_expect_eq(v.section.entry.address, DELETED);
	expect(freed(SECTION, LOST), "free-after-delete");
	expect(freed(0, LOST), "free-after-delete");
}

Test(judge, rule_6_a_block_of_a_section_that_is_being_deleted_is_freed_after_its_deletion)
{
	struct ledger_view section;
	struct verdict v;

	lookup_find(SPACE_SECTION, SECTION, 0, &section);
	release_begin(&section);
	deletion_begin(&section);
	expect(freed(SECTION, BLOCK), "free-after-delete");
}

Test(judge, rule_7_no_section_and_an_unknown_address_is_an_invalid_section)
{
	struct verdict v;

	expect(freed(0, NOTHING), "invalid-section/null");
	expect(freed(DELETED, NOTHING), "invalid-section/deleted");
	expect(freed(BLOCK, NOTHING), "invalid-section/block");
}

Test(judge, rule_7_an_adopted_or_unknown_section_may_have_held_what_is_unknown)
{
	struct verdict v;

	expect_not_judged(freed(ADOPTED, NOTHING));
	expect_not_judged(freed(NOTHING + 1, NOTHING));
}

Test(judge, rule_8_everything_else_is_an_unknown_address)
{
	struct verdict v;

	expect(freed(SECTION, NOTHING), "invalid-free/unknown-address");
	cr_expect_eq(v.section.entry.address, SECTION);
	cr_expect_eq(v.block.number, 0);
}

Test(judge, a_block_freed_wrongly_may_be_freed_correctly_without_a_finding)
{
	struct verdict v;

	expect(freed(OTHER, BLOCK), "mismatched-free/wrong-section");
	expect_right(freed(SECTION, BLOCK));
	expect(freed(0, OTHERS_BLOCK), "invalid-section/null");
	expect_right(freed(OTHER, OTHERS_BLOCK));
	expect(freed(SECTION, HEAP), "mismatched-free/wrong-deallocator");
	expect_right(freed_heap(FAMILY_LSA_HEAP, HEAP));
	expect(freed_client(TWO, CLIENT), "mismatched-free/wrong-client");
	expect_right(freed_client(ONE, CLIENT));
}

static bool is_suspect(enum ledger_space space, uint64_t address, uint64_t request)
{
	struct ledger_view view;

	return lookup_find(space, address, request, &view) && view.entry.flags & LEDGER_SUSPECT;
}

Test(judge, only_a_block_that_was_the_subject_of_a_wrong_free_is_suspect)
{
	freed(SECTION, BLOCK + 1);
	freed(SECTION, 0);
	freed(BLOCK, NOTHING);
	freed(BLOCK, OTHERS_BLOCK);
	cr_expect_not(is_suspect(SPACE_BLOCK, BLOCK, 0));
	cr_expect(is_suspect(SPACE_BLOCK, OTHERS_BLOCK, 0));
	freed(SECTION, CLIENT);
	cr_expect(is_suspect(SPACE_CLIENT, CLIENT, ONE));
	freed_client(ONE, PRIVATE);
	cr_expect(is_suspect(SPACE_BLOCK, PRIVATE, 0));
}

/* It was allocated with a handle that is no section. That was a finding already. */
Test(judge, a_suspect_block_of_no_section_may_be_freed_with_any_handle)
{
	struct verdict v;

	for (int i = 0; i < HANDLES; i++) {
		enter(SPACE_BLOCK, FAMILY_SHARED_MEMORY, NOTHING, 0, LEDGER_SUSPECT);
		expect_right(freed(handles[i], NOTHING));
	}
}

Test(judge, an_address_handed_out_again_is_judged_as_the_new_block)
{
	struct ledger_view other;
	struct verdict v;

	lookup_find(SPACE_SECTION, OTHER, 0, &other);
	enter_block(&other, FREED);
	expect_right(freed(OTHER, FREED));
	enter_block(&other, LOST);
	expect(freed(SECTION, LOST), "mismatched-free/wrong-section");
	enter_heap(FAMILY_LSA_HEAP, BLOCK);
	expect(freed(SECTION, BLOCK), "mismatched-free/wrong-deallocator");
}

Test(judge, a_handle_handed_out_again_is_a_live_section)
{
	struct ledger_view section = enter_section(DELETED);
	struct verdict v;

	enter_block(&section, NOTHING);
	expect_right(freed(DELETED, NOTHING));
	expect_not_judged(allocated(DELETED, true));
	expect_right(deleted(DELETED));
}

Test(judge, a_block_with_a_new_owner_may_be_freed_by_anyone)
{
	struct verdict v;

	expect_not_judged(freed_heap(FAMILY_LSA_HEAP, GIVEN));
	expect_not_judged(freed_heap(FAMILY_PRIVATE_HEAP, GIVEN));
	expect_not_judged(freed(SECTION, GIVEN));
}

Test(judge, an_address_that_had_a_new_owner_and_is_handed_out_again_is_judged)
{
	struct verdict v;

	enter_heap(FAMILY_PRIVATE_HEAP, GIVEN);
	expect(freed_heap(FAMILY_LSA_HEAP, GIVEN), "mismatched-free/wrong-deallocator");
	enter_heap(FAMILY_LSA_HEAP, GIVEN);
	release(SPACE_BLOCK, GIVEN, 0);
	expect(freed_heap(FAMILY_LSA_HEAP, GIVEN), "double-free");
}

Test(judge, a_clients_buffer_with_a_new_owner_may_be_freed)
{
	struct ledger_view buffer = enter_client(ONE, NOTHING);
	struct verdict v;

	release_to_new_owner(lane, &buffer);
	expect_not_judged(freed_client(ONE, NOTHING));
}

Test(judge, after_a_gap_an_unknown_address_proves_nothing)
{
	struct verdict v;

	gaps_note();
	expect_not_judged(freed(SECTION, NOTHING));
	expect_not_judged(freed_heap(FAMILY_LSA_HEAP, NOTHING));
	expect_not_judged(freed_client(ONE, NOTHING));
}

Test(judge, after_a_gap_what_is_known_is_known)
{
	struct verdict v;

	gaps_note();
	expect_right(freed(SECTION, BLOCK));
	expect(freed(OTHER, BLOCK), "mismatched-free/wrong-section");
	expect(freed(SECTION, FREED), "double-free");
	expect(freed(SECTION, BLOCK + 1), "invalid-free/interior-pointer");
	expect(freed(0, NOTHING), "invalid-section/null");
}

Test(judge, a_heap_is_judged_by_the_same_list)
{
	struct verdict v;

	expect(freed_heap(FAMILY_LSA_HEAP, 0), "null-free");
	expect_right(freed_heap(FAMILY_LSA_HEAP, HEAP));
	expect(freed_heap(FAMILY_LSA_HEAP, PRIVATE), "mismatched-free/wrong-deallocator");
	expect(freed_heap(FAMILY_LSA_HEAP, BLOCK), "mismatched-free/wrong-deallocator");
	expect(freed_heap(FAMILY_LSA_HEAP, CLIENT), "mismatched-free/wrong-deallocator");
	expect(freed_heap(FAMILY_LSA_HEAP, SECTION), "invalid-free/section-handle");
	expect(freed_heap(FAMILY_LSA_HEAP, HEAP + 1), "invalid-free/interior-pointer");
	expect(freed_heap(FAMILY_LSA_HEAP, HEAP_FREED), "double-free");
	expect(freed_heap(FAMILY_LSA_HEAP, LOST), "free-after-delete");
	expect(freed_heap(FAMILY_LSA_HEAP, NOTHING), "invalid-free/unknown-address");
}

Test(judge, the_private_heap_is_another_one)
{
	struct verdict v;

	expect(freed_heap(FAMILY_PRIVATE_HEAP, 0), "null-free");
	expect_right(freed_heap(FAMILY_PRIVATE_HEAP, PRIVATE));
	expect(freed_heap(FAMILY_PRIVATE_HEAP, HEAP), "mismatched-free/wrong-deallocator");
}

Test(judge, what_call_package_returned_is_freed_by_another_function_than_the_lsas_heap)
{
	struct verdict v;

	expect_right(freed_returned(RETURNED));
	expect_right(freed_heap(FAMILY_LSA_HEAP, HEAP));
	expect_right(freed_heap(FAMILY_LSA_HEAP, DATA));
}

Test(judge, the_lsas_two_functions_in_each_others_place_are_a_note)
{
	struct verdict v;

	expect_noted(freed_heap(FAMILY_LSA_HEAP, RETURNED), "exchanged-free");
	expect_noted(freed_returned(HEAP), "exchanged-free");
	expect_noted(freed_returned(DATA), "exchanged-free");
}

/* One mistake, one finding. */
Test(judge, a_suspect_block_may_be_freed_by_either_of_the_lsas_functions)
{
	struct verdict v;

	expect(freed_heap(FAMILY_PRIVATE_HEAP, RETURNED), "mismatched-free/wrong-deallocator");
	expect_right(freed_heap(FAMILY_LSA_HEAP, RETURNED));
	expect(freed_heap(FAMILY_PRIVATE_HEAP, HEAP), "mismatched-free/wrong-deallocator");
	expect_right(freed_returned(HEAP));
}

Test(judge, a_return_buffer_is_judged_as_the_lsas_heap_except_for_null)
{
	struct verdict v;

	expect_not_judged(freed_returned(0));
	expect(freed_returned(PRIVATE), "mismatched-free/wrong-deallocator");
	expect(freed_returned(BLOCK), "mismatched-free/wrong-deallocator");
	expect(freed_returned(CLIENT), "mismatched-free/wrong-deallocator");
	expect(freed_returned(SECTION), "invalid-free/section-handle");
	expect(freed_returned(RETURNED + 1), "invalid-free/interior-pointer");
	expect(freed_returned(HEAP_FREED), "double-free");
	expect(freed_returned(NOTHING), "invalid-free/unknown-address");
	expect_not_judged(freed_returned(GIVEN));
}

Test(judge, a_clients_buffer_is_judged_under_its_request)
{
	struct verdict v;

	expect_not_judged(freed_client(ONE, 0));
	expect_right(freed_client(ONE, CLIENT));
	expect(freed_client(TWO, CLIENT), "mismatched-free/wrong-client");
	cr_expect_eq(v.block.entry.scope, ONE);
	expect(freed_client(ONE, HEAP), "mismatched-free/wrong-deallocator");
	expect(freed_client(ONE, BLOCK), "mismatched-free/wrong-deallocator");
	expect(freed_client(ONE, CLIENT + 1), "invalid-free/interior-pointer");
	expect(freed_client(TWO, CLIENT + 1), "invalid-free/unknown-address");
	expect(freed_client(ONE, CLIENT_FREED), "double-free");
	expect(freed_client(ONE, NOTHING), "invalid-free/unknown-address");
}

Test(judge, two_clients_with_buffers_at_one_address_free_their_own)
{
	struct verdict v;

	enter_client(TWO, CLIENT);
	expect_right(freed_client(ONE, CLIENT));
	cr_expect_eq(v.block.entry.scope, ONE);
	expect_right(freed_client(TWO, CLIENT));
	cr_expect_eq(v.block.entry.scope, TWO);
}

Test(judge, a_double_free_is_found_though_another_client_has_that_address)
{
	struct verdict v;

	enter_client(TWO, CLIENT_FREED);
	expect(freed_client(ONE, CLIENT_FREED), "double-free");
	cr_expect_eq(v.block.entry.scope, ONE);
	cr_expect_not(is_suspect(SPACE_CLIENT, CLIENT_FREED, TWO));
}

Test(judge, a_double_free_is_found_though_a_client_has_that_address)
{
	struct verdict v;

	enter_client(ONE, HEAP_FREED);
	expect(freed_heap(FAMILY_LSA_HEAP, HEAP_FREED), "double-free");
	cr_expect_not(is_suspect(SPACE_CLIENT, HEAP_FREED, ONE));
}

/* A request of NULL: the client of the current call. */
Test(judge, what_was_allocated_under_no_request_is_freed_under_any)
{
	struct verdict v;

	enter_client(0, NOTHING);
	expect_right(freed_client(0, NOTHING));
	expect_right(freed_client(ONE, NOTHING));
	cr_expect_eq(v.block.entry.address, NOTHING);
	cr_expect_eq(v.block.entry.scope, 0);
	expect(freed(SECTION, NOTHING), "mismatched-free/wrong-deallocator");
}

Test(judge, what_was_allocated_under_a_request_is_freed_under_none)
{
	struct verdict v;

	expect_right(freed_client(0, CLIENT));
	cr_expect_eq(v.block.entry.scope, ONE);
	release(SPACE_CLIENT, CLIENT, ONE);
	expect(freed_client(0, CLIENT), "double-free");
	expect(freed_client(ONE, CLIENT), "double-free");
	expect(freed_client(0, NOTHING), "invalid-free/unknown-address");
}

/* The address that has become free under one request is handed out under the other. */
Test(judge, what_is_live_under_no_request_comes_before_what_has_gone_under_another)
{
	struct verdict v;

	enter_client(0, CLIENT_FREED);
	expect_right(freed_client(ONE, CLIENT_FREED));
	cr_expect_eq(v.block.entry.scope, 0);
	release(SPACE_CLIENT, CLIENT_FREED, 0);
	expect(freed_client(TWO, CLIENT_FREED), "double-free");
	enter_client(ONE, CLIENT_FREED);
	expect_right(freed_client(0, CLIENT_FREED));
	cr_expect_eq(v.block.entry.scope, ONE);
}

Test(judge, what_is_live_under_the_very_request_is_meant)
{
	struct verdict v;

	enter_client(0, CLIENT);
	expect_right(freed_client(ONE, CLIENT));
	cr_expect_eq(v.block.entry.scope, ONE);
}

static uint64_t judgements_lost(void)
{
	return trace_header->lost[TRACE_LOST_JUDGEMENTS];
}

Test(judge, no_request_where_several_clients_have_a_buffer_proves_nothing)
{
	struct verdict v;

	enter_client(TWO, CLIENT);
	cr_expect_eq(judgements_lost(), 0);
	expect_not_judged(freed_client(0, CLIENT));
	cr_expect_gt(judgements_lost(), 0);
	expect_not_judged(freed_client(ONE, CLIENT));
	expect_not_judged(freed_client(TWO, CLIENT));
	expect_not_judged(freed_client(0, CLIENT));
}

Test(judge, two_clients_may_have_a_buffer_at_one_address_under_no_request)
{
	struct verdict v;

	enter_client(0, NOTHING);
	cr_expect_eq(judgements_lost(), 0);
	enter_client(0, NOTHING);
	cr_expect_gt(judgements_lost(), 0);
	expect_right(freed_client(0, NOTHING));
	release(SPACE_CLIENT, NOTHING, 0);
	expect_not_judged(freed_client(0, NOTHING));
}

/* FreeLsaHeap has freed it, by mistake. */
Test(judge, an_address_handed_out_under_no_request_after_a_wrong_free_is_certain)
{
	struct verdict v;

	enter_client(0, NOTHING);
	expect(freed_heap(FAMILY_LSA_HEAP, NOTHING), "mismatched-free/wrong-deallocator");
	enter_client(0, NOTHING);
	cr_expect_eq(judgements_lost(), 0);
	expect_right(freed_client(0, NOTHING));
	release(SPACE_CLIENT, NOTHING, 0);
	expect(freed_client(0, NOTHING), "double-free");
}

/* The host has freed it, and handed it out again, before the thread that freed it is back. */
Test(judge, an_address_handed_out_under_no_request_while_it_is_freed_is_certain)
{
	struct ledger_view buffer = enter_client(0, NOTHING);
	struct verdict v;

	cr_assert(release_begin(&buffer));
	enter_client(0, NOTHING);
	release_finish(lane, &buffer, true, 0);
	cr_expect_eq(judgements_lost(), 0);
	expect_right(freed_client(0, NOTHING));
	release(SPACE_CLIENT, NOTHING, 0);
	expect(freed_client(0, NOTHING), "double-free");
}

/* A request is of one call: a client that hands back what it was given has got another by then. */
Test(judge, what_a_client_was_given_may_be_freed_under_another_request)
{
	struct ledger_view buffer = enter_client(ONE, NOTHING);
	struct verdict v;

	release_to_new_owner(lane, &buffer);
	expect_not_judged(freed_client(TWO, NOTHING));
	expect_not_judged(freed_client(0, NOTHING));
	enter_client(0, NOTHING);
	release(SPACE_CLIENT, NOTHING, 0);
	expect(freed_client(0, NOTHING), "double-free");
	enter_client(ONE, NOTHING);
	expect(freed_client(TWO, NOTHING), "mismatched-free/wrong-client");
}

/* The host makes the next request where the last one was. */
Test(judge, a_request_that_is_used_again_is_that_of_the_new_client)
{
	struct verdict v;

	enter_client(ONE, CLIENT);
	expect_right(freed_client(ONE, CLIENT));
	enter_client(ONE, CLIENT_FREED);
	expect_right(freed_client(ONE, CLIENT_FREED));
	cr_expect_eq(judgements_lost(), 0);
}

Test(judge, an_allocation_is_right_with_a_live_section_only)
{
	struct verdict v;

	for (int failed = 0; failed < 2; failed++) {
		expect_not_judged(allocated(SECTION, failed));
		cr_expect_eq(v.section.entry.address, SECTION);
		expect_not_judged(allocated(ADOPTED, failed));
		expect(allocated(0, failed), "invalid-section/null");
		expect(allocated(DELETED, failed), "invalid-section/deleted");
		cr_expect_eq(v.section.entry.address, DELETED);
		expect(allocated(BLOCK, failed), "invalid-section/block");
		cr_expect_eq(v.block.entry.address, BLOCK);
		expect(allocated(HEAP, failed), "invalid-section/block");
	}
}

Test(judge, an_unknown_handle_is_at_fault_only_if_the_allocation_failed)
{
	struct verdict v;

	expect(allocated(NOTHING, true), "invalid-section/unknown");
	expect_not_judged(allocated(NOTHING, false));
}

Test(judge, a_section_may_be_deleted_once)
{
	struct verdict v;

	expect_right(deleted(SECTION));
	cr_expect_eq(v.section.entry.address, SECTION);
	expect_right(deleted(ADOPTED));
	expect(deleted(DELETED), "double-delete");
	cr_expect_eq(v.section.entry.address, DELETED);
}

Test(judge, nothing_else_may_be_deleted)
{
	struct verdict v;

	expect(deleted(0), "invalid-delete/null");
	expect(deleted(BLOCK), "invalid-delete/block");
	cr_expect_eq(v.block.entry.address, BLOCK);
	expect(deleted(HEAP), "invalid-delete/block");
	expect(deleted(NOTHING), "invalid-delete/unknown");
	expect(deleted(FREED), "invalid-delete/unknown");
}

/* A live block comes before a section that is gone. */
Test(judge, a_block_in_the_place_of_a_deleted_section_is_a_block)
{
	struct verdict v;

	enter_heap(FAMILY_LSA_HEAP, DELETED);
	expect(deleted(DELETED), "invalid-delete/block");
	expect(allocated(DELETED, true), "invalid-section/block");
}

Test(judge, what_a_child_inherits_is_judged_as_its_own)
{
	struct verdict v;

	enter(SPACE_BLOCK, FAMILY_LSA_HEAP, NOTHING, 0, LEDGER_INHERITED);
	expect(freed_heap(FAMILY_PRIVATE_HEAP, NOTHING), "mismatched-free/wrong-deallocator");
	expect_right(freed_heap(FAMILY_LSA_HEAP, NOTHING));
}
