/* SPDX-License-Identifier: MIT */
/* Whether a thread that is inside the tracer still is, or was left there by longjmp(). */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "preload/base/process.h"
#include "preload/base/reentry.h"

#define NOINLINE __attribute__((noinline))

enum { STACK_BYTES = 65536 };

/* Asks from a frame of its own, as a call of the table does. */
static NOINLINE bool was_left(void)
{
	struct reentry_mark own;

	__asm__ volatile("" : : "r"(&own) : "memory");
	return reentry_was_left(&own + 1);
}

/* Uses the stack below the caller's frame. Without the gaps that the address sanitizer leaves between
 * variables: what is looked for may lie in one. */
static NOINLINE __attribute__((no_sanitize("address"))) void overwrite(void)
{
	char room[8192];

	memset(room, 0, sizeof(room));
	__asm__ volatile("" : : "r"(room) : "memory");
}

static jmp_buf way_out;

/* The tracer, in the midst of which something happens. */
static NOINLINE void be_inside(void (*interruption)(void))
{
	struct reentry_mark mark;

	reentry_enter(&mark);
	interruption();
	reentry_leave();
}

static bool answer;

static void ask(void)
{
	answer = was_left();
}

static void leave(void)
{
	longjmp(way_out, 1);
}

static NOINLINE void get_left_inside(void)
{
	if (setjmp(way_out) == 0)
		be_inside(leave);
	cr_assert_neq(reentry_inside, 0);
}

Test(reentry, who_is_interrupted_is_not_left)
{
	answer = true;
	be_inside(ask);
	cr_expect_not(answer);
	cr_expect_eq(reentry_inside, 0);
}

Test(reentry, who_has_no_frame_any_more_was_left)
{
	get_left_inside();
	overwrite();
	cr_expect(was_left());
}

/* The frame is that of an earlier call, to the byte. */
Test(reentry, who_entered_where_the_caller_is_now_was_left)
{
	struct reentry_mark mark;

	reentry_enter(&mark);
	cr_expect(reentry_was_left(&mark + 1));
}

Test(reentry, who_left_no_mark_is_believed_to_be_inside)
{
	reentry_inside = true;
	overwrite();
	cr_expect_not(was_left());
}

static void ask_in_handler(int signal)
{
	(void)signal;
	overwrite();
	answer = was_left();
}

static void interrupt(void)
{
	raise(SIGUSR1);
}

static void handle_on(void *stack)
{
	struct sigaction action = { .sa_handler = ask_in_handler };
	stack_t alternative = { .ss_sp = stack, .ss_size = STACK_BYTES };

	if (stack) {
		action.sa_flags = SA_ONSTACK;
		cr_assert_eq(sigaltstack(&alternative, NULL), 0);
	}
	sigaction(SIGUSR1, &action, NULL);
	answer = true;
}

Test(reentry, a_handler_on_the_same_stack_does_not_mistake_an_interruption)
{
	handle_on(NULL);
	be_inside(interrupt);
	cr_expect_not(answer);
}

/* Above and below the frame that was interrupted. */
Test(reentry, a_handler_on_a_stack_of_its_own_does_not_mistake_an_interruption)
{
	char *below = malloc(STACK_BYTES), above[STACK_BYTES];

	cr_assert_not_null(below);
	handle_on(below);
	be_inside(interrupt);
	cr_expect_not(answer);
	handle_on(above);
	be_inside(interrupt);
	cr_expect_not(answer);
}

static ucontext_t trunk, branch;

static void ask_on_branch(void)
{
	overwrite();
	answer = was_left();
}

static void visit_branch(void)
{
	swapcontext(&trunk, &branch);
}

static void prepare_branch(char *stack)
{
	getcontext(&branch);
	branch.uc_stack.ss_sp = stack;
	branch.uc_stack.ss_size = STACK_BYTES;
	branch.uc_link = &trunk;
	makecontext(&branch, ask_on_branch, 0);
	answer = true;
}

Test(reentry, a_coroutine_does_not_mistake_an_interruption)
{
	char *below = malloc(STACK_BYTES), above[STACK_BYTES];

	cr_assert_not_null(below);
	prepare_branch(below);
	be_inside(visit_branch);
	cr_expect_not(answer);
	prepare_branch(above);
	be_inside(visit_branch);
	cr_expect_not(answer);
}

/* A stack that is gone is not read. */
static void expect_left_on_stack_that(void (*goes)(void *stack))
{
	char *stack =
		mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	cr_assert_neq(stack, MAP_FAILED);
	reentry_enter((struct reentry_mark *)stack);
	cr_expect_not(was_left());
	goes(stack);
	cr_expect(was_left());
}

static void unmap(void *stack)
{
	munmap(stack, STACK_BYTES);
}

static void protect(void *stack)
{
	mprotect(stack, STACK_BYTES, PROT_NONE);
}

Test(reentry, who_entered_on_a_stack_that_is_gone_was_left)
{
	expect_left_on_stack_that(unmap);
	expect_left_on_stack_that(protect);
}

/* Whether a stack is gone cannot be found out then. */
Test(reentry, under_a_filter_that_kills_nobody_is_asked)
{
	get_left_inside();
	overwrite();
	process_is_confined = true;
	cr_expect_not(was_left());
}
