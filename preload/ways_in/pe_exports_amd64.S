/* SPDX-License-Identifier: MIT */
/*
 * Where the stubs of pe_exports.c lead to at first: asks exported_pe_target() for the function of the number
 * in eax, and jumps there. That function may have any prototype of Microsoft's calling convention: it finds
 * registers and stack as its caller left them. exported_pe_target() has that convention as well, and so
 * keeps those registers that a caller of Windows code expects to be kept.
 */
#include "preload/host/registers.h"

	.text
	.globl pe_exports_entry
	.hidden pe_exports_entry
	.type pe_exports_entry, @function
pe_exports_entry:
	.cfi_startproc
	endbr64
	save %rcx, %rdx, %r8, %r9
	subq $104, %rsp
	.cfi_adjust_cfa_offset 104
	movups %xmm0, 32(%rsp)
	movups %xmm1, 48(%rsp)
	movups %xmm2, 64(%rsp)
	movups %xmm3, 80(%rsp)
	movl %eax, %ecx
	call exported_pe_target
	movups 32(%rsp), %xmm0
	movups 48(%rsp), %xmm1
	movups 64(%rsp), %xmm2
	movups 80(%rsp), %xmm3
	addq $104, %rsp
	.cfi_adjust_cfa_offset -104
	restore %r9, %r8, %rdx, %rcx
	jmp *%rax
	.cfi_endproc
	.size pe_exports_entry, . - pe_exports_entry

	notes
