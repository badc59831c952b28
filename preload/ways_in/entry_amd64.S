/* SPDX-License-Identifier: MIT */
/*
 * void *dlsym(void *handle, const char *name)
 * void *dlvsym(void *handle, const char *name, const char *version)
 *
 * The C library tells by the return address who asks, for RTLD_NEXT and RTLD_DEFAULT. So what is not
 * ours to answer is jumped to, not called: it finds the stack as its caller left it. Which of the two
 * it is, exported_dlsym() learns as enum loader_function has it.
 */
	.macro asker name, function
	.text
	.globl \name, entry_\name
	.hidden entry_\name
	.type \name, @function
	.type entry_\name, @function
\name:
entry_\name:
	.cfi_startproc
	endbr64
	pushq %rdi
	.cfi_adjust_cfa_offset 8
	pushq %rsi
	.cfi_adjust_cfa_offset 8
	pushq %rdx
	.cfi_adjust_cfa_offset 8
	movq 24(%rsp), %rcx
	movl $\function, %r8d
	call exported_dlsym
	testq %rax, %rax
	jz 1f
	popq %rdx
	.cfi_adjust_cfa_offset -8
	popq %rsi
	.cfi_adjust_cfa_offset -8
	popq %rdi
	.cfi_adjust_cfa_offset -8
	jmp *%rax
	.cfi_adjust_cfa_offset 24
1:	movq %rdx, %rax
	addq $24, %rsp
	.cfi_adjust_cfa_offset -24
	ret
	.cfi_endproc
	.size \name, . - \name
	.size entry_\name, . - entry_\name
	.endm

	asker dlsym, 0
	asker dlvsym, 1

	.section .note.GNU-stack, "", @progbits
	.section .note.gnu.property, "a"
	.align 8
	.long 4, 16, 5
	.asciz "GNU"
	.long 0xc0000002, 4, 3, 0
