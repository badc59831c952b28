/* SPDX-License-Identifier: MIT */
/* Single steps from registers that are made up, on stacks that are arrays. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <criterion/criterion.h>

#include "preload/base/process.h"
#include "preload/capture/step.h"

/* A function by its rule; `name` is a return address in it. */
#define CODE(name, rule) \
	".balign 16\n" #name "_start: .cfi_startproc\n" rule "nop\n" #name ": nop\n.cfi_endproc\n"

__asm__(".text\n" CODE(step_plain, ".cfi_def_cfa_offset 16\n.cfi_offset %rbx, -16\n") CODE(
	step_on_rbx,
	".cfi_def_cfa %rbx, 16\n") CODE(step_in_register,
					".cfi_register %rip, %rcx\n.cfi_register %rbx, %rdx\n")
		CODE(step_by_values, ".cfi_escape 0x14, 6, 2\n.cfi_escape 0x16, 12, 2, 0x72, 5\n"
				     ".cfi_escape 0x10, 13, 2, 0x77, 0\n")
			CODE(step_other_rsp, ".cfi_escape 0x16, 7, 2, 0x73, 8\n")
				CODE(step_losing, ".cfi_undefined %rbx\n.cfi_undefined %rbp\n")
					CODE(step_signal, ".cfi_signal_frame\n")
						CODE(step_outermost, ".cfi_undefined %rip\n")
							CODE(step_loop,
							     ".cfi_def_cfa_offset 0\n"
							     ".cfi_escape 0x09, 16, 2\n"));

extern const char step_plain[], step_on_rbx[], step_in_register[], step_by_values[],
	step_other_rsp[], step_losing[], step_signal[], step_outermost[], step_loop[];

enum { RAX = 0, RDX = 1, RCX = 2, R13 = 13 };

static uint64_t stack[sizeof(ucontext_t) / sizeof(uint64_t)];
static struct stack_pages pages;

static uint64_t at(const void *place)
{
	return (uint64_t)(uintptr_t)place;
}

/* Each register holds its number, but rsp leads to the stack. */
static struct step_frame frame(uint64_t pc)
{
	struct step_frame f = { .known = 0xffff, .pc = pc, .pages = &pages };

	for (unsigned i = 0; i < EH_RETURN; i++)
		f.registers[i] = i;
	f.registers[EH_RSP] = at(stack);
	return f;
}

Test(step, a_plain_frame_gives_back_what_it_saved)
{
	struct step_frame f = frame(at(step_plain));

	stack[0] = 77;
	stack[1] = at(step_outermost);
	cr_assert(step_out(&f));
	cr_expect_eq(f.pc, at(step_outermost));
	cr_expect_eq(f.registers[EH_RBX], 77);
	cr_expect_eq(f.registers[EH_RSP], at(&stack[2]));
	cr_expect_eq(f.registers[R13], 13);
	cr_expect_eq(f.known, 0xffff);
	cr_expect_not(f.has_other_rsp);
	cr_expect_not(step_out(&f), "nothing called it");
}

Test(step, a_cfa_is_computed_from_any_register_that_is_known)
{
	struct step_frame f = frame(at(step_on_rbx));

	stack[5] = at(step_plain);
	f.registers[EH_RBX] = at(&stack[4]);
	cr_assert(step_out(&f));
	cr_expect_eq(f.pc, at(step_plain));
	cr_expect_eq(f.registers[EH_RSP], at(&stack[6]));
	f = frame(at(step_on_rbx));
	f.known &= ~(1u << EH_RBX);
	cr_expect_not(step_out(&f));
}

Test(step, values_are_in_registers)
{
	struct step_frame f = frame(at(step_in_register));

	f.registers[RCX] = at(step_plain);
	cr_assert(step_out(&f));
	cr_expect_eq(f.pc, at(step_plain));
	cr_expect_eq(f.registers[EH_RBX], RDX);
}

Test(step, values_are_computed)
{
	struct step_frame f = frame(at(step_by_values));

	stack[0] = at(step_plain);
	cr_assert(step_out(&f));
	cr_expect_eq(f.registers[EH_RBP], at(&stack[1]) - 16);
	cr_expect_eq(f.registers[EH_R12], RCX + 5);
	cr_expect_eq(f.registers[R13], at(step_plain));
}

Test(step, an_rsp_that_is_not_the_cfa_is_noted)
{
	struct step_frame f = frame(at(step_other_rsp));

	stack[0] = at(step_plain);
	f.registers[EH_RBX] = at(&stack[10]);
	cr_assert(step_out(&f));
	cr_expect_eq(f.registers[EH_RSP], at(&stack[11]));
	cr_expect(f.has_other_rsp);
}

Test(step, what_is_lost_is_not_known_and_the_rest_goes_on)
{
	struct step_frame f = frame(at(step_losing));

	stack[0] = at(step_on_rbx);
	cr_assert(step_out(&f));
	cr_expect_eq(f.known, 0xffff & ~(1u << EH_RBX | 1u << EH_RBP));
	cr_expect_not(step_out(&f));
}

Test(step, what_a_signal_interrupted_has_a_return_address_behind_it)
{
	struct step_frame f = frame(at(step_signal));

	stack[0] = at(step_plain) - 1;
	cr_assert(step_out(&f));
	cr_expect(f.is_interrupted);
	cr_expect_eq(f.pc, at(step_plain));
}

Test(step, a_frame_that_is_its_own_caller_is_the_last)
{
	struct step_frame f = frame(at(step_loop));

	f.registers[RCX] = at(step_loop);
	cr_expect_not(step_out(&f));
}

/* Code that belongs to no image. */
static char *make_code(const void *bytes, size_t count)
{
	char *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(code, MAP_FAILED);
	memcpy(code, bytes, count);
	return code;
}

Test(step, where_nothing_is_known_rbp_is_taken_for_a_frame_pointer)
{
	struct step_frame f = frame(at(make_code("\x90", 1)) + 1), again = f;

	f.registers[EH_RBP] = at(&stack[20]);
	stack[20] = 5;
	stack[21] = at(step_plain);
	cr_assert(step_out(&f));
	cr_expect_eq(f.pc, at(step_plain));
	cr_expect_eq(f.registers[EH_RBP], 5);
	cr_expect_eq(f.registers[EH_RSP], at(&stack[22]));
	cr_expect_eq(f.known, 1u << EH_RBP | 1u << EH_RSP);

	f = again;
	f.registers[EH_RBP] = at(stack) - 8;
	cr_expect_not(step_out(&f), "below the stack pointer");
	f = again;
	f.registers[EH_RBP] = at(stack) + 0x4001;
	cr_expect_not(step_out(&f), "too far away");
	f = again;
	f.registers[EH_RBP] = 0;
	cr_expect_not(step_out(&f));
}

Test(step, what_jumps_on_at_once_or_is_nowhere_was_just_called)
{
	static const char *const stubs[] = { "\xff\x25", "\xf3\x0f\x1e\xfa\xff\x25",
					     "\xf3\x0f\x1e\xfa\xf2\xff\x25" };

	stack[0] = at(step_plain);
	for (int i = -1; i < 3; i++) {
		struct step_frame f =
			frame((i < 0 ? 0 : at(make_code(stubs[i], strlen(stubs[i])))) + 1);

		f.is_interrupted = true;
		cr_assert(step_out(&f), "%d", i);
		cr_expect_eq(f.pc, at(step_plain));
		cr_expect_eq(f.registers[EH_RSP], at(&stack[1]));
		cr_expect_not(f.is_interrupted);
	}
}

/* mov $15, %eax; syscall */
Test(step, the_end_of_a_handler_is_known_by_its_code)
{
	static const char code[] = "\xb8\x0f\0\0\0\x0f\x05";
	ucontext_t *context = (ucontext_t *)stack;
	struct step_frame f = frame(at(make_code(code, sizeof(code))));

	context->uc_mcontext.gregs[REG_RIP] = (greg_t)at(step_plain) - 1;
	context->uc_mcontext.gregs[REG_RBX] = 99;
	cr_assert(step_out(&f));
	cr_expect_eq(f.pc, at(step_plain));
	cr_expect(f.is_interrupted);
	cr_expect_eq(f.registers[EH_RBX], 99);
}

Test(step, no_memory_is_read_that_cannot_be)
{
	char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct step_frame f = frame(at(step_plain));

	cr_assert_neq(page, MAP_FAILED);
	f.registers[EH_RSP] = at(page);
	cr_expect_not(step_out(&f));
	f = frame(at(step_plain));
	f.registers[EH_RSP] = UINT64_MAX - 8;
	cr_expect_not(step_out(&f));
}

static __attribute__((noinline)) struct step_frame begin_here(void)
{
	struct step_frame f;

	step_begin(&f, &pages);
	return f;
}

Test(step, a_walk_begins_in_the_function_that_asks)
{
	struct step_frame f = begin_here();
	uint64_t start = at((const void *)begin_here);

	cr_expect_lt(f.pc - start, 512);
	cr_expect_eq(f.known, STEP_SAVED);
}
