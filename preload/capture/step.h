/* SPDX-License-Identifier: MIT */
/*
 * Steps from any frame to the one that called it, with all registers: for stacks of which unwind.h
 * has no rule, and for code that a fault has interrupted.
 *
 * Frames of ELF and PE images may follow each other in any order (cfi.h).
 *
 * Where a frame has no call frame information (code made at run time, hand-written assembly), the
 * caller is guessed, as libunwind does it: rbp is taken for a frame pointer if it points a little
 * way up the stack.
 *
 * No lock, no allocation, no system call once the pages are known that are read. Reads only what can
 * be read. Async-signal-safe.
 */
#ifndef LSATRACE_PRELOAD_CAPTURE_STEP_H
#define LSATRACE_PRELOAD_CAPTURE_STEP_H

#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

#include "preload/capture/stack_pages.h"
#include "preload/unwindtable/eh_frame.h"

/* The registers of a frame, as they are when what it called has returned. */
struct step_frame {
	uint64_t registers[EH_RETURN]; /* by their numbers in DWARF */
	uint32_t known;                /* a bit for each whose value is known */
	bool is_interrupted;           /* it called nothing: a signal came */
	bool has_other_rsp; /* of a frame on the way, rsp was not the CFA of the one it called */
	uint64_t pc;        /* the return address; of what was interrupted, its instruction + 1 */
	struct stack_pages *pages;
};

/* The registers that a function leaves as they are, and rsp. */
#define STEP_SAVED (1u << EH_RBX | 1u << EH_RBP | 1u << EH_RSP | 0xfu << EH_R12)

/* The frame of the function that calls this one, which is part of it. */
static inline __attribute__((always_inline)) void step_begin(struct step_frame *f,
							     struct stack_pages *pages)
{
	*f = (struct step_frame){ .known = STEP_SAVED, .pages = pages };
	__asm__ volatile("movq %%rbx, 24(%0)\n\t"
			 "movq %%rbp, 48(%0)\n\t"
			 "movq %%rsp, 56(%0)\n\t"
			 "movq %%r12, 96(%0)\n\t"
			 "movq %%r13, 104(%0)\n\t"
			 "movq %%r14, 112(%0)\n\t"
			 "movq %%r15, 120(%0)\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "movq %%rax, %1\n"
			 "1:"
			 :
			 : "r"(f->registers), "m"(f->pc)
			 : "rax", "memory");
}

/* The frame that a signal interrupted, from the context that its handler was given. */
struct step_frame step_interrupted(const ucontext_t *context, struct stack_pages *pages);

/* The opposite: sets the registers of a context, and no more. What is not known becomes 0. */
void step_write_context(const struct step_frame *f, ucontext_t *context);

/* Steps to the caller, `f` to `f`. Returns false if nothing called it, or if that is not known;
 * then of `f` only has_other_rsp is defined. */
bool step_out(struct step_frame *f);

#endif
