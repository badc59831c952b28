/* SPDX-License-Identifier: MIT */
/* A library in two variants (VARIANT is 0 or 1), with the same layout and different frames. */
#include "stress.h"

#ifndef VARIANT
#define VARIANT 0
#endif

/* The larger frame has, where the smaller one has its return address, something that looks like
 * a return address: one in fiber_ended(), which nothing called. */
#if VARIANT
#define FRAME_BYTES "0x58"
#define DECOY "0x18"
#define DECOY_END "0x20"
#define NAME "module_one"
#else
#define FRAME_BYTES "0x18"
#define DECOY "0x8"
#define DECOY_END "0x10"
#define NAME "module_zero"
#endif

void module_compiled(place *visit, struct walk *w);

__asm__(".text\n"
	".globl " NAME "\n"
	".balign 64\n"
	".type " NAME ", @function\n" NAME ":\n"
	".cfi_startproc\n"
	"subq $" FRAME_BYTES ", %rsp\n"
	".cfi_adjust_cfa_offset " FRAME_BYTES "\n"
	"movq fiber_ended@GOTPCREL(%rip), %rax\n"
	"addq $1, %rax\n"
	"movq %rax, " DECOY "(%rsp)\n"
	"movq $0, " DECOY_END "(%rsp)\n"
	"movq %rdi, %rax\n"
	"movq %rsi, %rdi\n"
	"call *%rax\n"
	"addq $" FRAME_BYTES ", %rsp\n"
	".cfi_adjust_cfa_offset -" FRAME_BYTES "\n"
	"ret\n"
	".cfi_endproc\n"
	".size " NAME ", . - " NAME "\n"
	".balign 64\n");

NOINLINE void module_compiled(place *visit, struct walk *w)
{
	char room[64 + 64 * VARIANT], *at = room;

	BLUR(at);
	visit(w);
	BLUR(at);
}
