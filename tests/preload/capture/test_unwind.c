/* SPDX-License-Identifier: MIT */
/*
 * Stacks that are made up: arrays, in which return addresses lie where the rules of the code that they
 * lead into say. So it is known which frames there are, whatever another unwinder would find.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "preload/base/process.h"
#include "preload/capture/cfi.h"
#include "preload/capture/tree.h"
#include "preload/capture/unwind.h"
#include "preload/host/images.h"

/* A function by its rule; `name` is a return address in it. */
#define CODE(name, rule) \
	".balign 16\n" #name "_start: .cfi_startproc\n" rule "nop\n" #name ": nop\n.cfi_endproc\n"

__asm__(".text\n"
	/* Its frame is two words: a local one, and the return address. */
	CODE(two_words, ".cfi_def_cfa_offset 16\n")
		CODE(other_two_words, ".cfi_def_cfa_offset 16\n")
			CODE(frame_pointer, ".cfi_def_cfa %rbp, 16\n.cfi_offset %rbp, -16\n")
				CODE(outermost, ".cfi_undefined %rip\n")
					CODE(on_rbx, ".cfi_def_cfa %rbx, 16\n")
	/* As the C library writes them: CFA = [rsp + 160], rbp at rsp + 120, pc at rsp + 168. */
	CODE(signal_return, ".cfi_signal_frame\n.cfi_escape 0x0f, 4, 0x77, 0xa0, 1, 6\n"
			    ".cfi_escape 0x10, 6, 3, 0x77, 0xf8, 0\n"
			    ".cfi_escape 0x10, 7, 3, 0x77, 0xa0, 1\n"
			    ".cfi_escape 0x10, 16, 3, 0x77, 0xa8, 1\n")
	/* As gcc writes them: CFA = [rbp - 16], rbp at rbp. */
	CODE(realigned, ".cfi_escape 0x0f, 3, 0x76, 0x70, 6\n.cfi_escape 0x10, 6, 2, 0x76, 0\n"));

extern const char two_words[], other_two_words[], frame_pointer[], outermost[], on_rbx[],
	signal_return[], realigned[];

enum { WORDS = 64 };

/* stack[0] and [1] are the frame of the tracer's function: rbp, and who called it. */
static uint64_t stack[WORDS];
static struct unwind_history history;

static uint64_t at(const char *code)
{
	return (uint64_t)(uintptr_t)code;
}

static void set_up(void)
{
	cr_assert(process_init() && tree_init() && cfi_init());
}

TestSuite(unwind, .init = set_up);

static bool take(void)
{
	return unwind_take(&history, stack);
}

/* The frames that are found, innermost first; a 0 ends them. */
static void expect(const char *const *frames)
{
	uint32_t count = 0, outer = unwind_frames(&history);

	while (frames[count])
		count++;
	/* The end of a stack is kept as well. */
	while (outer > count && unwind_root(&history)[unwind_frames(&history) - outer + 1].pc == 0)
		outer--;
	cr_assert_eq(outer, count, "%u frames, not %u", outer, count);
	for (uint32_t i = 0; i < count; i++)
		cr_expect_eq(history.last[-(int)i].pc, at(frames[i]), "frame %u", i);
}

#define EXPECT(...) expect((const char *const[]){ __VA_ARGS__, NULL })

/* Frames of two words each; the word behind them is 0. */
static void fill(uint32_t frames)
{
	memset(stack, 0, sizeof(stack));
	for (uint32_t i = 0; i < frames; i++)
		stack[1 + 2 * i] = at(two_words);
}

Test(unwind, a_stack_ends_at_a_return_address_of_nothing)
{
	fill(3);
	cr_assert(take());
	EXPECT(two_words, two_words, two_words);
}

Test(unwind, a_stack_that_goes_on_where_it_ended_is_longer)
{
	fill(3);
	cr_assert(take());
	stack[1 + 2 * 3] = at(other_two_words);
	cr_assert(take());
	EXPECT(two_words, two_words, two_words, other_two_words);
}

Test(unwind, a_stack_that_ends_where_it_went_on_is_shorter)
{
	fill(4);
	cr_assert(take());
	stack[1 + 2 * 2] = 0;
	cr_assert(take());
	EXPECT(two_words, two_words);
}

Test(unwind, a_change_in_any_frame_is_seen)
{
	for (uint32_t changed = 0; changed < 12; changed++) {
		fill(12);
		cr_assert(take());
		stack[1 + 2 * changed] = at(outermost);
		cr_assert(take());
		cr_assert_eq(unwind_frames(&history), changed + 1);
		cr_assert_eq(unwind_root(&history)[1].pc, at(outermost));
	}
}

Test(unwind, a_frame_that_nothing_called_is_the_last)
{
	fill(3);
	stack[3] = at(outermost);
	cr_assert(take());
	EXPECT(two_words, outermost);
}

/* The frame at [4] is that of a frame pointer; frames inside of it leave rbp alone. */
static void fill_with_pointer(uint32_t rbp_at)
{
	fill(2);
	stack[0] = at((const char *)&stack[rbp_at]);
	stack[3] = at(frame_pointer);
	stack[20] = stack[30] = 0;
	stack[21] = at(two_words);
	stack[31] = at(other_two_words);
}

Test(unwind, where_rbp_leads_is_found_again_though_nothing_between_changed)
{
	fill_with_pointer(20);
	cr_assert(take());
	EXPECT(two_words, frame_pointer, two_words);
	stack[0] = at((const char *)&stack[30]);
	cr_assert(take());
	EXPECT(two_words, frame_pointer, other_two_words);
}

/* Two frames with frame pointers: the first one's cell, at [20], says where the second one leads. */
Test(unwind, a_change_of_a_saved_rbp_alone_is_seen)
{
	fill_with_pointer(20);
	stack[20] = at((const char *)&stack[30]);
	stack[21] = at(frame_pointer);
	stack[40] = stack[41] = 0;
	for (int i = 0; i < 2; i++) {
		cr_assert(take());
		EXPECT(two_words, frame_pointer, frame_pointer, other_two_words);
		cr_assert(unwind_is_unchanged(&history, stack));
	}
	stack[20] = at((const char *)&stack[40]);
	cr_assert_not(unwind_is_unchanged(&history, stack));
	cr_assert(take());
	EXPECT(two_words, frame_pointer, frame_pointer);
}

Test(unwind, what_has_no_rule_is_not_guessed)
{
	fill(3);
	stack[5] = at(on_rbx);
	cr_assert_not(take());
	cr_assert_eq(unwind_frames(&history), 0);
	stack[5] = 0x1234;
	cr_assert_not(take());
}

/* Behind the frame at [2] lies the context of a signal: [4] and on. What it interrupted is on the stack
 * from [40] on. */
enum { CONTEXT = 4, RBP = CONTEXT + 15, RSP = CONTEXT + 20, PC = CONTEXT + 21 };

static void fill_with_signal(void)
{
	fill(2);
	stack[3] = at(signal_return);
	stack[RBP] = 0;
	stack[RSP] = at((const char *)&stack[40]);
	stack[PC] = at(two_words) - 1;
	stack[41] = at(other_two_words);
	stack[43] = 0;
}

Test(unwind, what_a_signal_interrupted_is_a_frame)
{
	fill_with_signal();
	for (int i = 0; i < 2; i++) {
		cr_assert(take());
		EXPECT(two_words, signal_return, two_words, other_two_words);
	}
}

Test(unwind, a_change_in_what_a_signal_interrupted_is_seen)
{
	fill_with_signal();
	cr_assert(take());
	stack[PC] = at(other_two_words) - 1;
	cr_assert(take());
	EXPECT(two_words, signal_return, other_two_words, other_two_words);
	stack[RSP] += 16;
	stack[43] = at(two_words);
	stack[45] = 0;
	cr_assert(take());
	EXPECT(two_words, signal_return, other_two_words, two_words);
	stack[PC] = at(frame_pointer) - 1;
	stack[RBP] = at((const char *)&stack[50]);
	stack[51] = at(two_words);
	stack[53] = 0;
	cr_assert(take());
	EXPECT(two_words, signal_return, frame_pointer, two_words);
	stack[RBP] += 8;
	stack[52] = at(other_two_words);
	stack[54] = 0;
	cr_assert(take());
	EXPECT(two_words, signal_return, frame_pointer, other_two_words);
}

/* The interrupted stack may be above the handler's, or below it. */
Test(unwind, a_signal_leads_to_another_stack)
{
	static uint64_t below[8], above[8];
	uint64_t *const stacks[] = { below, above };

	fill_with_signal();
	for (int i = 0; i < 4; i++) {
		uint64_t *other = stacks[i % 2];

		stack[RSP] = at((const char *)&other[2]);
		other[3] = at(frame_pointer);
		other[5] = 0;
		stack[RBP] = at((const char *)&other[4]);
		cr_assert(take());
		EXPECT(two_words, signal_return, two_words, frame_pointer);
	}
	stack[RSP] = 8;
	cr_assert_not(take());
}

/* rbp leads to [20], where the caller's lies, and below it the CFA: behind the return address. */
Test(unwind, a_realigned_stack_is_found_again)
{
	fill(2);
	stack[0] = at((const char *)&stack[20]);
	stack[3] = at(realigned);
	stack[18] = at((const char *)&stack[30]);
	stack[29] = at(two_words);
	stack[31] = at(other_two_words);
	for (int i = 0; i < 2; i++) {
		cr_assert(take());
		EXPECT(two_words, realigned, two_words, other_two_words);
	}
	/* Nothing but the CFA changes. */
	stack[18] = at((const char *)&stack[32]);
	cr_assert(take());
	EXPECT(two_words, realigned, other_two_words);
	stack[18] = at((const char *)&stack[10]);
	cr_assert_not(take());
}

/* Where it was interrupted, no return address lies: the word there is another one. */
Test(unwind, an_interrupted_realigned_frame_stands_where_an_outer_one_changes)
{
	fill_with_signal();
	stack[PC] = at(realigned) - 1;
	stack[RBP] = at((const char *)&stack[46]);
	stack[39] = at(other_two_words);
	stack[44] = at((const char *)&stack[52]);
	stack[51] = at(two_words);
	for (int i = 0; i < 4; i++) {
		const char *outer = i % 2 ? two_words : other_two_words;

		stack[53] = at(outer);
		cr_assert(take());
		EXPECT(two_words, signal_return, realigned, two_words, outer);
	}
}

/* Each stack has a node of its own, whose parents are its frames. */
Test(unwind, nodes_are_those_of_all_frames)
{
	uint32_t nodes[16];

	for (unsigned turn = 0; turn < 64; turn++) {
		unsigned which = turn % 16;
		uint32_t node;

		fill(6);
		for (unsigned i = 0; i < 4; i++)
			if (which >> i & 1)
				stack[1 + 2 * i] = at(other_two_words);
		if (turn == 32)
			tree_reset();
		cr_assert(take());
		node = history.last->node;
		if (turn % 32 >= 16)
			cr_expect_eq(node, nodes[which]);
		nodes[which] = node;
		for (uint32_t i = unwind_frames(&history); i > 0; i--) {
			cr_assert(tree_is_at(node, unwind_root(&history)[i].pc));
			node = tree_parent(node);
		}
		cr_expect_eq(node, tree_root(images_epoch()));
	}
}

/* Frames that stand between some that change tell stacks apart as well. Otherwise the tree remembers too
 * few of them, and threads that find that out write to the same memory all the time. */
Test(unwind, a_stack_is_remembered_by_what_stands_between_changes)
{
	uint32_t unknown = 0;

	fill(8);
	for (unsigned turn = 0; turn < 48; turn++) {
		for (unsigned i = 0; i < 3; i++)
			stack[3 + 2 * i] = at(turn >> 1 >> i & 1 ? two_words : other_two_words);
		stack[1] = stack[9] = at(turn & 1 ? two_words : other_two_words);
		if (turn == 32)
			unknown = history.unknown;
		cr_assert(take());
	}
	cr_assert_gt(unknown, 0);
	cr_expect_eq(history.unknown, unknown);
}

Test(unwind, a_stack_of_another_time_is_no_longer_believed)
{
	fill(3);
	cr_assert(take());
	images_new_epoch();
	cr_assert(take());
	EXPECT(two_words, two_words, two_words);
	cr_assert_eq(unwind_root(&history)->node, tree_root(images_epoch()));
}

/* Another image may lie where one of the stack's return addresses leads by an old rule. */
Test(unwind, while_something_is_unloaded_nothing_remembered_is_used)
{
	fill(3);
	cr_assert(take());
	images_unload_begins();
	for (int i = 0; i < 2; i++) {
		cr_assert(take());
		EXPECT(two_words, two_words, two_words);
		cr_assert_eq(history.last->node, 0, "no node is known");
		cr_assert_eq(history.epoch, 0);
	}
	images_unload_ends(false);
	cr_assert(take());
	EXPECT(two_words, two_words, two_words);
	cr_assert_neq(history.last->node, 0);
}

/* Frames by rules that are wrong lead out of it. */
Test(unwind, a_stack_is_not_left)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), words = 2 * page / sizeof(uint64_t);
	uint64_t *pages =
		mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(pages, MAP_FAILED);
	cr_assert_eq(mprotect(&pages[words], page, PROT_NONE), 0);
	for (size_t i = 1; i < words; i += 2)
		pages[i] = at(two_words);
	/* From one page into the next, and up to its end. */
	cr_assert_not(unwind_take(&history, &pages[words - 600]));
	cr_assert_eq(unwind_frames(&history), 0);
	pages[words - 1] = at(outermost);
	cr_assert(unwind_take(&history, &pages[words - 600]));
	cr_assert_eq(unwind_frames(&history), 300);
}
