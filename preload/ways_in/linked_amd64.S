/* SPDX-License-Identifier: MIT */
/*
 * The tracer's symbols of the entry points' names (linked.h). Each calls exported_target() with its
 * number and the return address, and jumps to the function that it gets. That function may have any
 * prototype: it finds registers and stack as its caller left them.
 */
#include "preload/ways_in/entry_points.h"
#include "preload/host/registers.h"

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

#define LINKED(name, ...) linked name;
	ENTRY_POINTS(LINKED)

	.type linked, @function
linked:
	.cfi_startproc
	save %rdi, %rsi, %rdx, %rcx, %r8, %r9
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	movl %eax, %edi
	movq 56(%rsp), %rsi
	call exported_target
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	restore %r9, %r8, %rcx, %rdx, %rsi, %rdi
	jmp *%rax
	.cfi_endproc
	.size linked, . - linked

	notes
