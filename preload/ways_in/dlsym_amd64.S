/* SPDX-License-Identifier: MIT */
/*
 * void *dlsym(void *handle, const char *name)
 * void *dlvsym(void *handle, const char *name, const char *version)
 *
 * For RTLD_NEXT and RTLD_DEFAULT, the C library goes by its return address to know which library
 * asks. So a question that is passed on is jumped to, not called: the C library's function finds
 * registers and stack as its caller left them.
 *
 * exported_answer() is called with the three arguments, the return address, and the function that
 * was asked, as enum loader_function numbers it. It returns struct dlsym_answer in rax and rdx.
 */
#include "preload/host/registers.h"

	.macro asker name, function
	.text
	.globl \name, exported_\name
	.hidden exported_\name
	.type \name, @function
	.type exported_\name, @function
\name:
exported_\name:
	.cfi_startproc
	endbr64
	save %rdi, %rsi, %rdx
	movq 24(%rsp), %rcx
	movl $\function, %r8d
	call exported_answer
	testq %rax, %rax
	jz 1f
	restore %rdx, %rsi, %rdi
	jmp *%rax
	.cfi_adjust_cfa_offset 24
1:	movq %rdx, %rax
	addq $24, %rsp
	.cfi_adjust_cfa_offset -24
	ret
	.cfi_endproc
	.size \name, . - \name
	.size exported_\name, . - exported_\name
	.endm

	asker dlsym, 0
	asker dlvsym, 1

	notes
