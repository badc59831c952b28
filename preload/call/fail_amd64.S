/* SPDX-License-Identifier: MIT */
/*
 * The stubs of fail.h: FAIL_STUBS for each package, STUB_BYTES apart. Each asks fail_answer() with its
 * number. Then it returns the result; or it jumps to the host's function, which may have any prototype:
 * that finds registers and stack as its caller left them. The answer may change the vector registers, so
 * the parts of them in which arguments are passed are kept as well.
 */
#include "preload/host/registers.h"

#define PACKAGES 65
#define FAIL_STUBS 64
#define STUB_BYTES 16

	.text
	.globl fail_stubs
	.hidden fail_stubs
	.type fail_stubs, @function
	.balign STUB_BYTES
fail_stubs:
	.cfi_startproc
	.set number, 0
	.rept PACKAGES * FAIL_STUBS
	.balign STUB_BYTES
	endbr64
	movl $number, %r11d
	jmp ask
	.set number, number + 1
	.endr
	.cfi_endproc
	.size fail_stubs, . - fail_stubs

	.type ask, @function
ask:
	.cfi_startproc
	save %rdi, %rsi, %rdx, %rcx, %r8, %r9, %rax, %r10
	subq $136, %rsp
	.cfi_adjust_cfa_offset 136
	movups %xmm0, (%rsp)
	movups %xmm1, 16(%rsp)
	movups %xmm2, 32(%rsp)
	movups %xmm3, 48(%rsp)
	movups %xmm4, 64(%rsp)
	movups %xmm5, 80(%rsp)
	movups %xmm6, 96(%rsp)
	movups %xmm7, 112(%rsp)
	movl %r11d, %edi
	call fail_answer
	movups (%rsp), %xmm0
	movups 16(%rsp), %xmm1
	movups 32(%rsp), %xmm2
	movups 48(%rsp), %xmm3
	movups 64(%rsp), %xmm4
	movups 80(%rsp), %xmm5
	movups 96(%rsp), %xmm6
	movups 112(%rsp), %xmm7
	addq $136, %rsp
	.cfi_adjust_cfa_offset -136
	movq %rax, %r11
	testq %rax, %rax
	jz 1f
	restore %r10, %rax, %r9, %r8, %rcx, %rdx, %rsi, %rdi
	jmp *%r11
	.cfi_adjust_cfa_offset 64
1:	movq %rdx, %rax
	addq $64, %rsp
	.cfi_adjust_cfa_offset -64
	ret
	.cfi_endproc
	.size ask, . - ask

	notes
