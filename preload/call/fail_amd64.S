/* SPDX-License-Identifier: MIT */
/*
 * The stubs of fail.h: FAIL_STUBS for each package, STUB_BYTES apart. Each asks fail_answer() with its
 * number. Then it returns the result; or it jumps to the host's function, which may have any prototype:
 * that finds registers and stack as its caller left them. The answer may change the vector registers. So
 * the parts of them are kept in which arguments are passed, or which a function for Windows leaves as they
 * are: a stub may stand for functions of either calling convention.
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
	subq $264, %rsp
	.cfi_adjust_cfa_offset 264
	movups %xmm0, (%rsp)
	movups %xmm1, 16(%rsp)
	movups %xmm2, 32(%rsp)
	movups %xmm3, 48(%rsp)
	movups %xmm4, 64(%rsp)
	movups %xmm5, 80(%rsp)
	movups %xmm6, 96(%rsp)
	movups %xmm7, 112(%rsp)
	movups %xmm8, 128(%rsp)
	movups %xmm9, 144(%rsp)
	movups %xmm10, 160(%rsp)
	movups %xmm11, 176(%rsp)
	movups %xmm12, 192(%rsp)
	movups %xmm13, 208(%rsp)
	movups %xmm14, 224(%rsp)
	movups %xmm15, 240(%rsp)
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
	movups 128(%rsp), %xmm8
	movups 144(%rsp), %xmm9
	movups 160(%rsp), %xmm10
	movups 176(%rsp), %xmm11
	movups 192(%rsp), %xmm12
	movups 208(%rsp), %xmm13
	movups 224(%rsp), %xmm14
	movups 240(%rsp), %xmm15
	addq $264, %rsp
	.cfi_adjust_cfa_offset -264
	movq %rax, %r11
	testq %rax, %rax
	jz 1f
	restore %r10, %rax, %r9, %r8, %rcx, %rdx, %rsi, %rdi
	jmp *%r11
	.cfi_adjust_cfa_offset 64
1:	movq %rdx, %rax
	addq $48, %rsp
	.cfi_adjust_cfa_offset -48
	restore %rsi, %rdi
	ret
	.cfi_endproc
	.size ask, . - ask

	notes
