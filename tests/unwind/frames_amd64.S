/* SPDX-License-Identifier: MIT */
/* Frames that compilers do not make, or not on demand. Each is called with (visit, w) and calls
 * visit(w). */

	.macro begin name
	.globl \name
	.type \name, @function
	.balign 16
\name:
	.cfi_startproc
	endbr64
	.endm

	.macro finish name
	.cfi_endproc
	.size \name, . - \name
	.endm

	.text

/* Pushes rbp, then sets it to any number. */
	begin frame_push_rbp
	pushq %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_offset %rbp, -16
	movl $42, %ebp
	movq %rdi, %rax
	movq %rsi, %rdi
	call *%rax
	popq %rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	ret
	finish frame_push_rbp

/* Stores rbp in the middle of a frame that it does not write otherwise, then sets it to an
 * address there. */
	begin frame_store_rbp
	subq $104, %rsp
	.cfi_adjust_cfa_offset 104
	movq %rbp, 40(%rsp)
	.cfi_offset %rbp, -72
	leaq 64(%rsp), %rbp
	movq %rdi, %rax
	movq %rsi, %rdi
	call *%rax
	movq 40(%rsp), %rbp
	.cfi_restore %rbp
	addq $104, %rsp
	.cfi_adjust_cfa_offset -104
	ret
	finish frame_store_rbp

/* Leaves rbp as the caller set it. */
	begin frame_keep_rbp
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	movq %rdi, %rax
	movq %rsi, %rdi
	call *%rax
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	ret
	finish frame_keep_rbp

/* Has the same size as frame_store_rbp. */
	begin frame_hole
	subq $104, %rsp
	.cfi_adjust_cfa_offset 104
	movq %rdi, %rax
	movq %rsi, %rdi
	call *%rax
	addq $104, %rsp
	.cfi_adjust_cfa_offset -104
	ret
	finish frame_hole

/* rbp points to something that looks like a frame, but is none. */
	begin frame_decoy
	pushq %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_offset %rbp, -16
	leaq frame_hole(%rip), %rax
	pushq %rax
	.cfi_adjust_cfa_offset 8
	pushq %rbp
	.cfi_adjust_cfa_offset 8
	movq %rsp, %rbp
	movq %rdi, %rax
	movq %rsi, %rdi
	subq $16, %rsp
	.cfi_adjust_cfa_offset 16
	call *%rax
	addq $32, %rsp
	.cfi_adjust_cfa_offset -32
	popq %rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	ret
	finish frame_decoy

	begin frame_pointer
	pushq %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_offset %rbp, -16
	movq %rsp, %rbp
	.cfi_def_cfa_register %rbp
	subq $32, %rsp
	movq %rdi, %rax
	movq %rsi, %rdi
	call *%rax
	leave
	.cfi_def_cfa %rsp, 8
	.cfi_restore %rbp
	ret
	finish frame_pointer

/* Calls before rbp is saved, while it is saved, and after that: in this order in time, but not
 * in memory. */
	begin frame_late
	subq $40, %rsp
	.cfi_adjust_cfa_offset 40
	movq %rdi, 8(%rsp)
	movq %rsi, 16(%rsp)
	movq %rsi, %rdi
	call *8(%rsp)
	.cfi_remember_state
	movq %rbp, 24(%rsp)
	.cfi_offset %rbp, -24
	movq $-1, %rbp
	movq 16(%rsp), %rdi
	call *8(%rsp)
	movq 24(%rsp), %rbp
	.cfi_restore %rbp
	jmp 2f
1:	addq $40, %rsp
	.cfi_adjust_cfa_offset -40
	ret
	.cfi_restore_state
2:	movq 16(%rsp), %rdi
	call *8(%rsp)
	jmp 1b
	finish frame_late

/* So large that no rule fits into one word: lsatrace's unwinder steps with all registers. */
	begin frame_large
	subq $40000, %rsp
	.cfi_adjust_cfa_offset 40000
	movq %rbp, 8(%rsp)
	.cfi_offset %rbp, -40000
	movl $1, %ebp
	movq %rdi, %rax
	movq %rsi, %rdi
	subq $8, %rsp
	.cfi_adjust_cfa_offset 8
	call *%rax
	addq $8, %rsp
	.cfi_adjust_cfa_offset -8
	movq 8(%rsp), %rbp
	.cfi_restore %rbp
	addq $40000, %rsp
	.cfi_adjust_cfa_offset -40000
	ret
	finish frame_large

/* The CFA is saved in the frame: DW_CFA_def_cfa_expression(rsp + 40, deref). */
	begin frame_copied
	leaq 8(%rsp), %rax
	pushq %rbx
	.cfi_adjust_cfa_offset 8
	.cfi_offset %rbx, -16
	subq $48, %rsp
	.cfi_adjust_cfa_offset 48
	movq %rax, 40(%rsp)
	.cfi_def_cfa_offset 16
	.cfi_escape 0x0f, 0x03, 0x77, 0x28, 0x06
	movq %rdi, %rax
	movq %rsi, %rdi
	call *%rax
	addq $48, %rsp
	.cfi_def_cfa %rsp, 16
	popq %rbx
	.cfi_def_cfa %rsp, 8
	.cfi_restore %rbx
	ret
	finish frame_copied

/* The call is the last instruction. If it returned, it would return to the next function's first
 * one. */
	begin frame_no_return
	subq $104, %rsp
	.cfi_adjust_cfa_offset 104
	movq %rdi, %rax
	movq %rsi, %rdi
	call *%rax
	finish frame_no_return
	.globl frame_not_returned_to
	.type frame_not_returned_to, @function
frame_not_returned_to:
	.cfi_startproc
	ud2
	finish frame_not_returned_to

	begin frame_switch
	pushq %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_offset %rbp, -16
	movq %rsp, %rbp
	.cfi_def_cfa_register %rbp
	movq %rdx, %rsp
	movq %rdi, %rax
	movq %rsi, %rdi
	call *%rax
	leave
	.cfi_def_cfa %rsp, 8
	.cfi_restore %rbp
	ret
	finish frame_switch

/*
 * The return address is copied to the new stack, and rsp is saved below it. The CFA is on the new
 * stack. The old rsp is the value at CFA - 16, plus 8: DW_CFA_val_expression(rsp, CFA - 16, deref,
 * + 8).
 */
	begin frame_switch_saved
	movq (%rsp), %rax
	movq %rax, -8(%rdx)
	movq %rsp, -16(%rdx)
	movq %rdx, %rcx
	leaq -16(%rcx), %rsp
	.cfi_def_cfa_offset 16
	.cfi_escape 0x16, 0x07, 0x05, 0x40, 0x1c, 0x06, 0x23, 0x08
	movq %rdi, %rax
	movq %rsi, %rdi
	call *%rax
	movq (%rsp), %rsp
	.cfi_def_cfa_offset 8
	.cfi_same_value %rsp
	ret
	finish frame_switch_saved

	begin fiber_switch
	pushq %rbx
	.cfi_adjust_cfa_offset 8
	.cfi_offset %rbx, -16
	pushq %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_offset %rbp, -24
	pushq %r12
	.cfi_adjust_cfa_offset 8
	.cfi_offset %r12, -32
	pushq %r13
	.cfi_adjust_cfa_offset 8
	.cfi_offset %r13, -40
	pushq %r14
	.cfi_adjust_cfa_offset 8
	.cfi_offset %r14, -48
	pushq %r15
	.cfi_adjust_cfa_offset 8
	.cfi_offset %r15, -56
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	.cfi_adjust_cfa_offset -8
	popq %r14
	.cfi_adjust_cfa_offset -8
	popq %r13
	.cfi_adjust_cfa_offset -8
	popq %r12
	.cfi_adjust_cfa_offset -8
	popq %rbp
	.cfi_adjust_cfa_offset -8
	popq %rbx
	.cfi_adjust_cfa_offset -8
	ret
	finish fiber_switch

/* Nothing called it, but its frame is like others, with a place for a return address. */
	begin fiber_ended
	nop
	ud2
	finish fiber_ended

/* Without unwind information. In the first one, rbp is 0, which means that there is no frame:
 * libunwind 1.6.2 takes any other value for a frame pointer, and reads memory there without a
 * check. */
	.globl frame_bare
	.type frame_bare, @function
	.balign 16
frame_bare:
	endbr64
	pushq %rbp
	xorl %ebp, %ebp
	movq %rdi, %rax
	movq %rsi, %rdi
	call *%rax
	popq %rbp
	ret
	.size frame_bare, . - frame_bare

	.globl frame_bare_rbp
	.type frame_bare_rbp, @function
	.balign 16
frame_bare_rbp:
	endbr64
	pushq %rbp
	movq %rsp, %rbp
	movq %rdi, %rax
	movq %rsi, %rdi
	call *%rax
	popq %rbp
	ret
	.size frame_bare_rbp, . - frame_bare_rbp

	.section .note.GNU-stack, "", @progbits
	.section .note.gnu.property, "a"
	.align 8
	.long 4, 16, 5
	.asciz "GNU"
	.long 0xc0000002, 4, 3, 0
