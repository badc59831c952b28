/* SPDX-License-Identifier: MIT */
/*
 * The tracer's symbols of the entry points' names (linked.h). Each calls exported_target() with its
 * number and the return address, and jumps to the function that it gets. That function may have any
 * prototype: it finds registers and stack as its caller left them.
 */
#include "preload/ways_in/entry_points.h"

	.text
	.set number, 0

	.macro linked name
	.globl \name, linked_\name
	.hidden linked_\name
	.type \name, @function
	.type linked_\name, @function
\name:
linked_\name:
	.cfi_startproc
	endbr64
	movl $number, %eax
	jmp linked
	.cfi_endproc
	.size \name, . - \name
	.size linked_\name, . - linked_\name
	.set number, number + 1
	.endm

#define LINKED(name) linked name;
	ENTRY_POINTS(LINKED)

	.type linked, @function
linked:
	.cfi_startproc
	pushq %rdi
	.cfi_adjust_cfa_offset 8
	pushq %rsi
	.cfi_adjust_cfa_offset 8
	pushq %rdx
	.cfi_adjust_cfa_offset 8
	pushq %rcx
	.cfi_adjust_cfa_offset 8
	pushq %r8
	.cfi_adjust_cfa_offset 8
	pushq %r9
	.cfi_adjust_cfa_offset 8
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	movl %eax, %edi
	movq 56(%rsp), %rsi
	call exported_target
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	popq %r9
	.cfi_adjust_cfa_offset -8
	popq %r8
	.cfi_adjust_cfa_offset -8
	popq %rcx
	.cfi_adjust_cfa_offset -8
	popq %rdx
	.cfi_adjust_cfa_offset -8
	popq %rsi
	.cfi_adjust_cfa_offset -8
	popq %rdi
	.cfi_adjust_cfa_offset -8
	jmp *%rax
	.cfi_endproc
	.size linked, . - linked

	.section .note.GNU-stack, "", @progbits
	.section .note.gnu.property, "a"
	.align 8
	.long 4, 16, 5
	.asciz "GNU"
	.long 0xc0000002, 4, 3, 0
