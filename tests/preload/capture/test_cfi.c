/* SPDX-License-Identifier: MIT */
/* Rules of functions that are written for it. A label stands for a return address: what holds there is
 * what held in the instruction before, the call. */
#define _GNU_SOURCE
#include <link.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "preload/base/process.h"
#include "preload/capture/cfi.h"
#include "preload/host/images.h"

#define BEGIN(name) ".balign 16\n" #name ": .cfi_startproc\n"
#define END ".cfi_endproc\n"
/* A call, as far as rules are concerned; its return address. */
#define AT(label) "nop\n" #label ":\n"

static void set_up(void)
{
	cr_assert(process_init() && cfi_init());
}

TestSuite(cfi, .init = set_up);

/* A thread's own rows say the same. */
static struct cfi_rule find_rule(uint64_t return_address)
{
	static _Thread_local struct cfi_own_row rows[CFI_OWN_ROWS];
	struct cfi_own_row *row = cfi_own_row(rows, return_address);
	uint64_t salt = cfi_salt(images_epoch());
	struct cfi_rule rule = cfi_find(return_address, salt);

	cfi_forget_own(rows);
	cr_expect_eq(cfi_fill_own(row, return_address, salt).word, rule.word);
	cr_expect(!row->key || (row->key == return_address && row->rule.word == rule.word));
	return rule;
}

__asm__(".text\n"
	/* Pushes and pops. */
	BEGIN(pushing)
		AT(entered) "pushq %rbx\n.cfi_adjust_cfa_offset 8\n.cfi_offset %rbx, -16\n" AT(pushed) "subq $104, %rsp\n.cfi_adjust_cfa_offset 104\n" AT(grown) "movq %rbp, (%rsp)\n.cfi_offset %rbp, -120\n" AT(rbp_kept) "movq (%rsp), %rbp\n.cfi_restore %rbp\n" AT(
			rbp_restored) "addq $112, %rsp\n.cfi_adjust_cfa_offset -112\n" AT(shrunk) "ret\n" END

			/* A frame pointer. */
			BEGIN(pointing) "pushq %rbp\n.cfi_adjust_cfa_offset 8\n.cfi_offset %rbp, "
					"-16\n"
					"movq %rsp, %rbp\n.cfi_def_cfa_register %rbp\n" AT(on_rbp) "leave\n.cfi_def_cfa %rsp, 8\n.cfi_same_value %rbp\n" AT(
						left) "ret\n" END

						/* A state that is put by, and taken out again behind a return. */
						BEGIN(remembering) "subq $40, "
								   "%rsp\n.cfi_adjust_cfa_offset "
								   "40\n.cfi_offset %rbp, -24\n"
								   ".cfi_remember_state\n" AT(remembered) ".cfi_restore %rbp\n.cfi_def_cfa_offset 8\n" AT(changed) ".cfi_restore_state\n" AT(
									   recalled) "ret\n" END

									   BEGIN(remembering_much) ".cfi_def_cfa_offset 16\n.rept 8\n.cfi_remember_state\n.endr\n" AT(
										   eight_remembered) ".cfi_remember_state\n" AT(nine_remembered) "ret\n" END
										   BEGIN(recalling_nothing) ".cfi_escape 0x0b\n" AT(
											   nothing_recalled) "ret\n" END

											   /* Far away. */
											   BEGIN(far) ".cfi_def_cfa_offset 0x10000008\n" AT(large) ".cfi_offset %rbp, -32768\n" AT(far_rbp) ".cfi_offset %rbp, -32776\n" AT(
												   too_far_rbp) "ret\n" END BEGIN(too_far) ".cfi_def_cfa_offset 0x80000008\n" AT(too_large) "ret\n" END

												   /* Each way of telling how far the next row is. */
												   BEGIN(long_way) ".cfi_def_cfa_offset 16\n.skip 63, 0x90\n.cfi_def_cfa_offset 24\n" AT(after_63) ".skip 200, 0x90\n.cfi_def_cfa_offset 32\n" AT(
													   after_200) ".skip 60000, 0x90\n.cfi_def_cfa_offset 40\n" AT(after_60000) ".skip 70000, 0x90\n.cfi_def_cfa_offset 48\n" AT(after_70000) "ret\n" END

													   /* What is not plain. */
													   BEGIN(odd) ".cfi_escape 0x0f, 0x02, 0x77, 0x08\n" AT(cfa_by_expression) ".cfi_def_cfa_offset 16\n" AT(offset_of_expression) ".cfi_def_cfa %rsp, 8\n" AT(plain_again) ".cfi_escape 0x10, 0x06, 0x02, 0x76, 0x00\n" AT(rbp_by_expression) ".cfi_same_value %rbp\n.cfi_register %rbp, %rbx\n" AT(rbp_in_register) ".cfi_undefined %rbp\n" AT(
														   rbp_lost) ".cfi_same_value %rbp\n"
															     ".cfi_def_cfa_register %rbx\n" AT(
																     cfa_on_rbx) ".cfi_def_cfa_register %rsp\n"
																		 ".cfi_offset %rsp, -16\n" AT(
																			 rsp_kept) ".cfi_same_value %rsp\n"
																				   ".cfi_escape 0x16, 0x07, 0x02, 0x77, 0x08\n" AT(
																					   rsp_by_expression) ".cfi_same_value %rsp\n"
																							      ".cfi_offset %rip, -16\n" AT(returns_elsewhere) ".cfi_offset %rip, -8\n" AT(
																								      plain_at_last) ".cfi_escape 0x2d\n" AT(unheard_of) "ret\n" END
																								      BEGIN(signal) ".cfi_signal_frame\n" AT(in_signal) "ret\n" END BEGIN(
																									      outermost) ".cfi_undefined %rip\n" AT(first_of_all) "ret\n" END

																									      /* The rarer ways to say the same. */
																									      BEGIN(rare) ".cfi_escape 0x12, 0x06, 0x7e\n" AT(cfa_signed) ".cfi_escape 0x13, 0x7c\n" AT(offset_signed) ".cfi_escape 0x11, 0x06, 0x02\n" AT(rbp_signed) ".cfi_escape 0x05, 0x06, 0x03\n" AT(
																										      rbp_extended) ".cfi_escape 0x2e, 0x20\n" AT(with_arguments) ".cfi_escape 0x06, 0x06\n" AT(rbp_restored_extended) ".cfi_escape 0x0c, 0x07, 0x90, 0x01\n" AT(of_two_bytes) "ret\n" END

																										      /* The call is the last instruction: the return address is in the next function. */
																										      BEGIN(last_call) ".cfi_def_cfa_offset 112\nnop\n" END "behind_last_call:\n.cfi_startproc\n" AT(
																											      in_next) "ret\n" END

																												       /* No one knows anything of this. */
																												       ".balign 16\n" AT(
																													       untold) "ret\n"

	/* More return addresses than the cache has rows, with two rules. */
	BEGIN(many) AT(
		many_start) ".skip 9999, 0x90\n.cfi_def_cfa_offset 16\n.skip 10000, 0x90\n"
			    "ret\n" END

				    /* For the test that changes its rule, in its four bytes. */
				    BEGIN(changing) ".cfi_escape 0x0e, 0xb8, 0xa9, 0x83, 0x02\n" AT(
					    before_change) "ret\n" END);

#define RULE(label) \
	({ \
		extern const char label[]; \
		find_rule((uint64_t)(uintptr_t)label); \
	})

static void expect_rule(struct cfi_rule rule, enum cfi_kind kind, int32_t cfa, int16_t rbp)
{
	cr_expect_eq(cfi_kind(rule), kind, "kind %d", cfi_kind(rule));
	cr_expect_eq(cfi_cfa_offset(rule), cfa, "CFA at %d", (int)cfi_cfa_offset(rule));
	cr_expect_eq(cfi_rbp_offset(rule), rbp, "rbp at %d", cfi_rbp_offset(rule));
}

static void expect_unknown(struct cfi_rule rule)
{
	cr_expect_eq(cfi_kind(rule), CFI_UNKNOWN, "kind %d", cfi_kind(rule));
}

Test(cfi, the_cfa_follows_rsp)
{
	expect_rule(RULE(entered), CFI_RSP, 8, 0);
	expect_rule(RULE(pushed), CFI_RSP, 16, 0);
	expect_rule(RULE(grown), CFI_RSP, 120, 0);
	expect_rule(RULE(shrunk), CFI_RSP, 8, 0);
}

Test(cfi, a_kept_rbp_is_found_until_it_is_restored)
{
	expect_rule(RULE(rbp_kept), CFI_RSP, 120, -120);
	expect_rule(RULE(rbp_restored), CFI_RSP, 120, 0);
}

Test(cfi, a_frame_pointer_holds_the_cfa_while_it_is_one)
{
	expect_rule(RULE(on_rbp), CFI_RBP, 16, -16);
	expect_rule(RULE(left), CFI_RSP, 8, 0);
}

Test(cfi, a_remembered_state_is_restored_whole)
{
	expect_rule(RULE(remembered), CFI_RSP, 48, -24);
	expect_rule(RULE(changed), CFI_RSP, 8, 0);
	expect_rule(RULE(recalled), CFI_RSP, 48, -24);
}

Test(cfi, eight_states_can_be_remembered_and_no_more)
{
	expect_rule(RULE(eight_remembered), CFI_RSP, 16, 0);
	expect_unknown(RULE(nine_remembered));
	expect_unknown(RULE(nothing_recalled));
}

Test(cfi, large_offsets_are_kept_or_refused_but_never_cut)
{
	expect_rule(RULE(large), CFI_RSP, 0x10000008, 0);
	expect_rule(RULE(far_rbp), CFI_RSP, 0x10000008, -32768);
	expect_unknown(RULE(too_far_rbp));
	expect_unknown(RULE(too_large));
}

Test(cfi, rows_lie_any_distance_apart)
{
	expect_rule(RULE(after_63), CFI_RSP, 24, 0);
	expect_rule(RULE(after_200), CFI_RSP, 32, 0);
	expect_rule(RULE(after_60000), CFI_RSP, 40, 0);
	expect_rule(RULE(after_70000), CFI_RSP, 48, 0);
}

Test(cfi, an_expression_is_not_plain)
{
	expect_unknown(RULE(cfa_by_expression));
	expect_unknown(RULE(offset_of_expression));
	expect_rule(RULE(plain_again), CFI_RSP, 8, 0);
	expect_unknown(RULE(rbp_by_expression));
}

Test(cfi, an_rbp_that_is_not_in_memory_is_not_plain)
{
	expect_unknown(RULE(rbp_in_register));
	expect_unknown(RULE(rbp_lost));
}

Test(cfi, a_cfa_on_another_register_is_not_plain)
{
	expect_unknown(RULE(cfa_on_rbx));
}

Test(cfi, an_rsp_that_is_not_the_cfa_is_not_plain)
{
	expect_unknown(RULE(rsp_kept));
	expect_unknown(RULE(rsp_by_expression));
}

Test(cfi, a_return_address_elsewhere_is_not_plain)
{
	expect_unknown(RULE(returns_elsewhere));
	expect_rule(RULE(plain_at_last), CFI_RSP, 8, 0);
}

Test(cfi, an_instruction_that_is_not_known_is_not_skipped)
{
	expect_unknown(RULE(unheard_of));
}

Test(cfi, a_signal_frame_is_not_plain)
{
	expect_unknown(RULE(in_signal));
}

Test(cfi, a_frame_that_nothing_called_is_outermost)
{
	cr_expect_eq(cfi_kind(RULE(first_of_all)), CFI_OUTERMOST);
}

Test(cfi, nothing_called_a_frame_that_returns_to_0)
{
	cr_expect_eq(cfi_kind(find_rule(0)), CFI_OUTERMOST);
	images_new_epoch();
	cr_expect_eq(cfi_kind(find_rule(0)), CFI_OUTERMOST);
}

Test(cfi, signed_and_extended_forms_say_the_same)
{
	expect_rule(RULE(cfa_signed), CFI_RBP, 16, 0);
	expect_rule(RULE(offset_signed), CFI_RBP, 32, 0);
	expect_rule(RULE(rbp_signed), CFI_RBP, 32, -16);
	expect_rule(RULE(rbp_extended), CFI_RBP, 32, -24);
	expect_rule(RULE(with_arguments), CFI_RBP, 32, -24);
	expect_rule(RULE(rbp_restored_extended), CFI_RBP, 32, 0);
	expect_rule(RULE(of_two_bytes), CFI_RSP, 144, 0);
}

Test(cfi, a_call_at_the_very_end_belongs_to_its_own_function)
{
	expect_rule(RULE(behind_last_call), CFI_RSP, 112, 0);
	expect_rule(RULE(in_next), CFI_RSP, 8, 0);
}

Test(cfi, code_without_unwind_information_is_unknown)
{
	expect_unknown(RULE(untold));
}

Test(cfi, what_lies_in_no_module_is_unknown)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(page, MAP_FAILED);
	expect_unknown(find_rule((uint64_t)(uintptr_t)page + 16));
	expect_unknown(find_rule(1));
	expect_unknown(find_rule(UINT64_MAX));
}

/* Every address of many(), in an order of their own. */
static void *find_many(void *stride)
{
	extern const char many_start[];
	uint64_t start = (uint64_t)(uintptr_t)many_start, at = 0;

	for (unsigned i = 0; i < 200000; i++) {
		struct cfi_rule rule = find_rule(start + at);

		if (cfi_kind(rule) != CFI_RSP || cfi_cfa_offset(rule) != (at < 10000 ? 8 : 16))
			return stride;
		at = (at + (uintptr_t)stride) % 20000;
	}
	return NULL;
}

Test(cfi, threads_that_fill_the_cache_at_once_get_no_rule_of_another_address)
{
	enum { THREADS = 4 };
	static const uintptr_t strides[THREADS] = { 1, 4099, 7, 12289 };
	pthread_t threads[THREADS];
	void *wrong;

	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, find_many, (void *)strides[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &wrong);
		cr_expect_null(wrong, "stride %zu", strides[i]);
	}
}

/* The part of this program that holds what the unwinder reads: from its table of functions on. */
struct part {
	char *start;
	size_t bytes;
};

static int find_part(struct dl_phdr_info *info, size_t size, void *argument)
{
	struct part *part = argument;
	uint64_t header = 0;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_GNU_EH_FRAME)
			header = info->dlpi_phdr[i].p_vaddr;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];

		if (p->p_type != PT_LOAD || header < p->p_vaddr ||
		    header >= p->p_vaddr + p->p_filesz)
			continue;
		*part = (struct part){ (char *)(uintptr_t)(info->dlpi_addr + header),
				       p->p_vaddr + p->p_filesz - header };
	}
	return 1; /* the executable is first */
}

/* Where the rule of changing() says 0x4014b8, of which this is the lowest byte. */
static unsigned char *find_changing(void)
{
	unsigned char needle[] = { 0x0f, 0xb8, 0xa9, 0x83, 0x02 };
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct part part = { 0 };
	unsigned char *found;
	uintptr_t start;

	needle[0]--; /* so that what is looked for is not found here */
	dl_iterate_phdr(find_part, &part);
	found = memmem(part.start, part.bytes, needle, sizeof(needle));
	cr_assert_not_null(found);
	start = (uintptr_t)found & -page;
	cr_assert_eq(mprotect((void *)start, 2 * page, PROT_READ | PROT_WRITE), 0);
	return found + 1;
}

Test(cfi, a_rule_is_read_once_until_it_is_forgotten)
{
	enum { RULE_OFFSET = 0x38 | 0x29 << 7 | 0x03 << 14 | 0x02 << 21 };
	unsigned char *byte = find_changing();

	expect_rule(RULE(before_change), CFI_RSP, RULE_OFFSET, 0);
	*byte += 8;
	expect_rule(RULE(before_change), CFI_RSP, RULE_OFFSET, 0);
	images_new_epoch();
	expect_rule(RULE(before_change), CFI_RSP, RULE_OFFSET + 8, 0);
}

/* Another image may lie there a moment later. */
Test(cfi, no_rule_is_kept_while_something_is_unloaded)
{
	enum { RULE_OFFSET = 0x38 | 0x29 << 7 | 0x03 << 14 | 0x02 << 21 };
	unsigned char *byte = find_changing();

	expect_rule(RULE(before_change), CFI_RSP, RULE_OFFSET, 0);
	images_unload_begins();
	*byte += 8;
	expect_rule(RULE(before_change), CFI_RSP, RULE_OFFSET + 8, 0);
	*byte += 8;
	expect_rule(RULE(before_change), CFI_RSP, RULE_OFFSET + 16, 0);
	cr_expect_eq(cfi_kind(find_rule(0)), CFI_OUTERMOST);
	images_unload_ends(true);
	expect_rule(RULE(before_change), CFI_RSP, RULE_OFFSET + 16, 0);
}
