/* SPDX-License-Identifier: MIT */
/*
 * Unwinds stacks with frames of PE and ELF images: a walk in a DLL (tests/unwind/pe) that is loaded here
 * without Wine, and run instruction by instruction, by the trap flag. A *shadow stack* tells which
 * frames there are: where each call has put its return address. So it is known at every instruction,
 * of prologues and epilogues too, what an unwinder has to find.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "preload/base/process.h"
#include "preload/capture/cfi.h"
#include "preload/capture/libunwind.h"
#include "preload/capture/step.h"
#include "preload/capture/tree.h"
#include "preload/capture/unwind.h"
#include "preload/host/images.h"
#include "preload/host/real.h"
#include "tests/support/pe_load.h"
#include "tests/unwind/pe/walk.h"

enum { FRAMES_MOST = 400, TRAP_FLAG = 0x100, CALLS = 60, TIMES_MOST = 8 };

/* The shadow stack, outermost first. */
static struct {
	uint64_t place, pc;
} shadow[FRAMES_MOST];
static unsigned depth;

static uint64_t last_pc, last_rsp;
static unsigned long steps, differences, touches, walked, mixed;
static uint8_t times_met[1 << 16]; /* each instruction, by its lower bits */
static struct pe_loaded dll;
static struct unwind_history history;
static struct stack_pages pages;

/* Calls function(argument) by the convention of PE images, and sets the trap flag meanwhile if
 * `flag` says so. */
void run_traced(walker *function, struct walk *argument, uint64_t flag);
__asm__(".text\n.globl run_traced\nrun_traced: .cfi_startproc\n"
	"pushq %rbp\n.cfi_def_cfa_offset 16\n.cfi_offset %rbp, -16\n"
	"movq %rsp, %rbp\n.cfi_def_cfa_register %rbp\n"
	"subq $48, %rsp\n"
	"movq %rdi, %rax\n"
	"movq %rsi, %rcx\n"
	"pushfq\norq %rdx, (%rsp)\npopfq\n"
	"callq *%rax\n"
	"pushfq\nandq $~0x100, (%rsp)\npopfq\n"
	"leave\n.cfi_def_cfa %rsp, 8\n.cfi_restore %rbp\n"
	"ret\n.cfi_endproc\n.size run_traced, . - run_traced\n");

static uint64_t word_at(uint64_t address)
{
	return *(const uint64_t *)(uintptr_t)address;
}

static bool is_call(uint64_t pc)
{
	const uint8_t *code = (const uint8_t *)(uintptr_t)pc;

	code += (*code & 0xf0) == 0x40;
	return *code == 0xe8 || (*code == 0xff && (code[1] & 0x38) == 0x10);
}

/* What the instruction that has just been run did to the stack. */
static void follow(uint64_t pc, uint64_t rsp)
{
	while (depth > 0 && shadow[depth - 1].place < rsp)
		depth--;
	if (last_pc && rsp == last_rsp - 8 && is_call(last_pc) && depth < FRAMES_MOST)
		shadow[depth++] = (typeof(shadow[0])){ rsp, word_at(rsp) };
	last_pc = pc;
	last_rsp = rsp;
}

static void expect_shadow(struct step_frame f)
{
	for (unsigned i = depth; i > 0; i--)
		if (!step_out(&f) || f.pc != shadow[i - 1].pc) {
			if (differences++ == 0)
				cr_log_error("at %#lx of the DLL, frame %u: %#lx, not %#lx",
					     last_pc - (uint64_t)(uintptr_t)dll.base, depth - i,
					     f.pc - (uint64_t)(uintptr_t)dll.base,
					     shadow[i - 1].pc - (uint64_t)(uintptr_t)dll.base);
			return;
		}
}

static void on_trap(int number, siginfo_t *info, void *context)
{
	const greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)number;
	(void)info;
	follow((uint64_t)registers[REG_RIP], (uint64_t)registers[REG_RSP]);
	if (depth == 0 || times_met[last_pc % sizeof(times_met)] == TIMES_MOST)
		return;
	times_met[last_pc % sizeof(times_met)]++;
	steps++;
	expect_shadow(step_interrupted(context, &pages));
}

/* The history of the unwinder, from the caller of the function with this frame address on. */
static void expect_history(const void *frame_address)
{
	uint64_t flags = __builtin_ia32_readeflags_u64();
	unsigned frames = depth;
	bool is_taken;

	touches++;
	__builtin_ia32_writeeflags_u64(flags & ~(uint64_t)TRAP_FLAG);
	is_taken = unwind_take(&history, frame_address);
	__builtin_ia32_writeeflags_u64(flags);
	if (!is_taken)
		return;
	walked++;
	if (depth > 0)
		frames--; /* the caller of this function is the shadow's, too */
	for (unsigned i = 0; i < frames && i < unwind_frames(&history); i++)
		differences += history.last[-(int)i].pc != shadow[depth - 1 - i].pc;
	differences += unwind_frames(&history) < frames;
}

static __attribute__((noinline)) void PE_CALL touch(struct walk *w)
{
	(void)w;
	expect_history(__builtin_frame_address(0));
}

/* Two frames of ELF code, by the convention of PE images and by that of ELF images. */
static __attribute__((noinline)) void go_through(void(PE_CALL *action)(struct walk *w),
						 struct walk *w)
{
	volatile char room[40];

	room[0] = 1;
	mixed++;
	action(w);
	room[1] = room[0];
}

static __attribute__((noinline)) void PE_CALL through(void(PE_CALL *action)(struct walk *w),
						      struct walk *w)
{
	go_through(action, w);
	__asm__ volatile("");
}

static void catch_traps(void)
{
	static char stack[256 << 10];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	cr_assert_eq(sigaltstack(&alternate, NULL), 0);
	cr_assert_eq(sigaction(SIGTRAP, &action, NULL), 0);
}

static struct pe_image image;

static void load(const char *name)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/tests/unwind/pe/%s.dll", BUILD_DIR, name);
	if (access(path, R_OK) != 0)
		cr_skip("%s: not built, for there is no mingw-w64", path);
	cr_assert(process_init() && tree_init() && cfi_init());
	dll = pe_load(path);
	cr_assert_not_null(dll.base, "%s", path);
	cr_assert(pe_image_read((uint64_t)(uintptr_t)dll.base, dll.bytes, &image));
	cr_assert_gt(image.functions.bytes, 0);
	cr_assert(images_map_pe(&image));
}

static char walks[][20] = {
	"gcc-O0",   "gcc-O1",   "gcc-O2",   "gcc-O3",   "gcc-Os",   "gcc-O2-pointer",
	"clang-O0", "clang-O1", "clang-O2", "clang-O3", "clang-Os", "clang-O2-pointer",
};

ParameterizedTestParameters(pe_frames, every_instruction_is_unwound_from)
{
	return cr_make_param_array(char[20], walks, sizeof(walks) / sizeof(walks[0]));
}

ParameterizedTest(char name[20], pe_frames, every_instruction_is_unwound_from, .timeout = 120)
{
	struct walk w = {
		.random = 1, .calls = CALLS, .depth = 8, .touch = touch, .through = through
	};

	load(name);
	catch_traps();
	run_traced((walker *)pe_load_find(&dll, "walk_all"), &w, TRAP_FLAG);
	cr_expect_eq(differences, 0, "%s: %lu of %lu", name, differences, steps);
	cr_expect_gt(steps, 2500, "%s: %lu", name, steps);
	cr_expect_gt(mixed, 4, "%s: %lu", name, mixed);
	cr_expect_geq(touches, CALLS, "%s: %lu", name, touches);
	cr_expect_gt(walked, CALLS / 2, "%s: %lu", name, walked);
}

/* The cases are those of the history, whose walk is the way of every call: no trap is set. */
ParameterizedTestParameters(pe_frames, a_history_finds_what_steps_find)
{
	return cr_make_param_array(char[20], walks, sizeof(walks) / sizeof(walks[0]));
}

static __attribute__((noinline)) void PE_CALL touch_and_step(struct walk *w)
{
	struct step_frame f;

	(void)w;
	touches++;
	step_begin(&f, &pages);
	step_out(&f);
	if (!unwind_take(&history, __builtin_frame_address(0)))
		return;
	walked++;
	for (const struct unwind_frame *h = history.last; h > unwind_root(&history) && h->pc; h--) {
		differences += h->pc != f.pc;
		step_out(&f);
	}
}

ParameterizedTest(char name[20], pe_frames, a_history_finds_what_steps_find, .timeout = 120)
{
	enum { MANY = 20000 };
	struct walk w = {
		.random = 2, .calls = MANY, .depth = 12, .touch = touch_and_step, .through = through
	};

	load(name);
	run_traced((walker *)pe_load_find(&dll, "walk_all"), &w, 0);
	cr_expect_eq(differences, 0, "%s: %lu", name, differences);
	cr_expect_gt(walked, MANY / 3, "%s: %lu of %lu", name, walked, touches);
	cr_expect_gt(mixed, MANY / 50, "%s: %lu", name, mixed);
}

/* By libunwind, and by steps where it cannot go. */
static __attribute__((noinline)) void PE_CALL touch_and_ask(struct walk *w)
{
	static uint64_t pc[2 * FRAMES_MOST];
	struct step_frame f;
	uint32_t found = 0, i = 0;

	(void)w;
	touches++;
	cr_assert(libunwind_take(pc, 2 * FRAMES_MOST, &found));
	step_begin(&f, &pages);
	step_out(&f);
	while (i < found && pc[i] != f.pc)
		i++;
	differences += i == found;
	for (; i < found; i++) {
		differences += pc[i] != f.pc;
		walked += step_out(&f);
	}
}

ParameterizedTestParameters(pe_frames, libunwind_is_helped_over_them)
{
	return cr_make_param_array(char[20], walks, sizeof(walks) / sizeof(walks[0]));
}

ParameterizedTest(char name[20], pe_frames, libunwind_is_helped_over_them, .timeout = 120)
{
	struct walk w = {
		.random = 3, .calls = 500, .depth = 12, .touch = touch_and_ask, .through = through
	};

	load(name);
	real_init();
	cr_assert(libunwind_init());
	run_traced((walker *)pe_load_find(&dll, "walk_all"), &w, 0);
	cr_expect_eq(differences, 0, "%s: %lu of %lu", name, differences, touches);
	cr_expect_gt(walked, touches * 10, "%s: %lu frames", name, walked);
}

/* The caller's frame is one of the image; what lies behind it is 0. */
static uint64_t stack[512];

static uint32_t take_node(uint64_t pc)
{
	stack[1] = pc;
	cr_assert(unwind_take(&history, stack));
	cr_assert_eq(history.last->pc, pc);
	return history.last->node;
}

static int64_t cfa_offset(uint64_t pc)
{
	struct cfi_rule rule = cfi_find(pc, cfi_salt(images_epoch()));

	cr_expect_eq(cfi_kind(rule), CFI_RSP);
	return cfi_cfa_offset(rule);
}

static void unmap(void)
{
	images_unload_begins();
	images_unload_ends(images_unmap_pe(image.base, image.base + image.bytes));
}

Test(pe_frames, nothing_is_believed_of_an_image_that_was_unmapped)
{
	uint32_t node;
	uint64_t pc;

	load("gcc-O2");
	pc = (uint64_t)(uintptr_t)pe_load_find(&dll, "walk_all") + 16;
	node = take_node(pc);
	cr_expect_neq(node, 0);
	cr_expect_eq(take_node(pc), node);
	cr_expect_gt(cfa_offset(pc), 8);
	unmap();
	image.functions.bytes =
		0; /* another one in the same place, in which all functions are leaves */
	cr_assert(images_map_pe(&image));
	cr_expect_eq(cfa_offset(pc), 8);
	cr_expect_neq(take_node(pc), node);
}

Test(pe_frames, tables_that_cannot_be_read_are_left_alone)
{
	uint64_t pc;

	load("gcc-O2");
	pc = (uint64_t)(uintptr_t)pe_load_find(&dll, "walk_all") + 16;
	cr_assert_eq(mprotect(dll.base, dll.bytes, PROT_NONE), 0);
	cr_expect_eq(cfi_kind(cfi_find(pc, CFI_NO_CACHE)), CFI_UNKNOWN);
}
