/* SPDX-License-Identifier: MIT */
/*
 * long syscall(long number, ...)
 *
 * Does what the C library's does, with registers and stack as that has them: a host may make a thread
 * or a child by it. What may confine or end the host goes to exported_system_call().
 */
#include <asm/unistd.h>

#include "preload/host/registers.h"

	.text
	.globl syscall
	.type syscall, @function
syscall:
	.cfi_startproc
	endbr64
	cmpq $__NR_seccomp, %rdi
	je exported_system_call
	cmpq $__NR_prctl, %rdi
	je exported_system_call
	cmpq $__NR_exit_group, %rdi
	je exported_system_call
	movq %rdi, %rax
	movq %rsi, %rdi
	movq %rdx, %rsi
	movq %rcx, %rdx
	movq %r8, %r10
	movq %r9, %r8
	movq 8(%rsp), %r9
	syscall
	cmpq $-4095, %rax
	jae 1f
	ret
1:	negl %eax
	save %rax
	call __errno_location@PLT
	restore %rdx
	movl %edx, (%rax)
	movq $-1, %rax
	ret
	.cfi_endproc
	.size syscall, . - syscall

	notes
