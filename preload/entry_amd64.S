/* SPDX-License-Identifier: MIT */
/*
 * void *dlsym(void *handle, const char *name)
 *
 * The C library tells by the return address who asks, for RTLD_NEXT and RTLD_DEFAULT. So what is not
 * ours to answer is jumped to, not called: it finds the stack as its caller left it.
 */
	.text
	.globl dlsym
	.type dlsym, @function
dlsym:
	.cfi_startproc
	endbr64
	pushq %rdi
	.cfi_adjust_cfa_offset 8
	pushq %rsi
	.cfi_adjust_cfa_offset 8
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	movq 24(%rsp), %rdx
	call entry_answer
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	popq %rsi
	.cfi_adjust_cfa_offset -8
	popq %rdi
	.cfi_adjust_cfa_offset -8
	testq %rax, %rax
	jnz 1f
	jmp *real_dlsym(%rip)
1:	movq %rdx, %rax
	ret
	.cfi_endproc
	.size dlsym, . - dlsym

	.section .note.GNU-stack, "", @progbits
	.section .note.gnu.property, "a"
	.align 8
	.long 4, 16, 5
	.asciz "GNU"
	.long 0xc0000002, 4, 3, 0
