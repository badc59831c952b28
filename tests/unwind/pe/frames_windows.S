/* SPDX-License-Identifier: MIT */
/* Frames of the kinds that compilers seldom make: each function calls its first argument with the second
 * one. */
	.text

	.macro function name
	.globl \name
	.def \name; .scl 2; .type 32; .endef
	.balign 16
\name:
	.endm

	.macro visit
	movq %rcx, %rax
	movq %rdx, %rcx
	callq *%rax
	nop
	.endm

/* Each register that is kept; locals in two steps. */
	function frame_pushes
	.seh_proc frame_pushes
	pushq %r15
	.seh_pushreg %r15
	pushq %rsi
	.seh_pushreg %rsi
	pushq %rbp
	.seh_pushreg %rbp
	subq $0x20, %rsp
	.seh_stackalloc 0x20
	pushq %rbx
	.seh_pushreg %rbx
	pushq %rdi
	.seh_pushreg %rdi
	subq $0x20, %rsp
	.seh_stackalloc 0x20
	.seh_endprologue
	xorl %ebp, %ebp
	movl $15, %r15d
	visit
	addq $0x20, %rsp
	popq %rdi
	popq %rbx
	addq $0x20, %rsp
	popq %rbp
	popq %rsi
	popq %r15
	ret
	.seh_endproc

/* A frame register that is not rbp, and locals of any size below it. */
	function frame_by_rbx
	.seh_proc frame_by_rbx
	pushq %rbp
	.seh_pushreg %rbp
	pushq %rbx
	.seh_pushreg %rbx
	subq $0x48, %rsp
	.seh_stackalloc 0x48
	leaq 0x30(%rsp), %rbx
	.seh_setframe %rbx, 0x30
	.seh_endprologue
	subq $0x120, %rsp
	xorl %ebp, %ebp
	visit
	leaq 0x18(%rbx), %rsp
	popq %rbx
	popq %rbp
	ret
	.seh_endproc

	function frame_by_r13
	.seh_proc frame_by_r13
	subq $0x68, %rsp
	.seh_stackalloc 0x68
	movq %r13, 0x60(%rsp)
	.seh_savereg %r13, 0x60
	movq %rbp, 0x58(%rsp)
	.seh_savereg %rbp, 0x58
	movq %rsp, %r13
	.seh_setframe %r13, 0
	movq %rsi, 0x50(%rsp)
	.seh_savereg %rsi, 0x50
	.seh_endprologue
	subq $0x1000, %rsp
	leaq 1(%rsp), %rbp
	visit
	movq 0x50(%r13), %rsi
	movq 0x58(%r13), %rbp
	movq %r13, %rax
	movq 0x60(%r13), %r13
	leaq 0x68(%rax), %rsp
	ret
	.seh_endproc

/* Registers that are stored, not pushed; some of the caller's room. */
	function frame_saves
	.seh_proc frame_saves
	movq %rbp, 0x10(%rsp)
	subq $0x58, %rsp
	.seh_stackalloc 0x58
	.seh_savereg %rbp, 0x68
	movq %rdi, 0x40(%rsp)
	.seh_savereg %rdi, 0x40
	movaps %xmm6, 0x30(%rsp)
	.seh_savexmm %xmm6, 0x30
	.seh_endprologue
	movl $1, %ebp
	movl $2, %edi
	visit
	movaps 0x30(%rsp), %xmm6
	movq 0x40(%rsp), %rdi
	movq 0x68(%rsp), %rbp
	addq $0x58, %rsp
	ret
	.seh_endproc

/* A part of the function keeps more registers, and has an entry of its own, chained to the first one:
 * assemblers have no words for it. The part lies behind the function. */
	function frame_chained
.Lchained:
	pushq %rbx
.Lchained_pushed:
	subq $0x40, %rsp
.Lchained_grown:
	xorl %ebx, %ebx
	jmp .Lpart
.Lchained_back:
	addq $0x40, %rsp
	popq %rbx
	ret
.Lchained_end:
	.balign 16
.Lpart:
	movq %rbp, 0x38(%rsp)
.Lpart_saved:
	movl $3, %ebp
	visit
	movq 0x38(%rsp), %rbp
	jmp .Lchained_back
.Lpart_end:

	.section .xdata
	.balign 4
.Lchained_info:
	.byte 1, .Lchained_grown - .Lchained, 2, 0
	.byte .Lchained_grown - .Lchained, 0x72 /* allocates 8 words */
	.byte .Lchained_pushed - .Lchained, 0x30 /* pushes rbx */
.Lpart_info:
	.byte 0x21, .Lpart_saved - .Lpart, 2, 0
	.byte .Lpart_saved - .Lpart, 0x54 /* saves rbp */
	.short 7
	.rva .Lchained, .Lchained_end, .Lchained_info
	.section .pdata
	.balign 4
	.rva .Lchained, .Lchained_end, .Lchained_info
	.rva .Lpart, .Lpart_end, .Lpart_info
	.text

/* Saved far away. */
	function frame_far
	.seh_proc frame_far
	subq $0x90008, %rsp
	.seh_stackalloc 0x90008
	movq %rbp, 0x90000(%rsp)
	.seh_savereg %rbp, 0x90000
	.seh_endprologue
	movl $5, %ebp
	visit
	movq 0x90000(%rsp), %rbp
	addq $0x90008, %rsp
	ret
	.seh_endproc

/* rbp leads to what looks like a frame, and is none. */
	function frame_decoy
	.seh_proc frame_decoy
	pushq %rbp
	.seh_pushreg %rbp
	subq $0x40, %rsp
	.seh_stackalloc 0x40
	.seh_endprologue
	leaq 0x20(%rsp), %rbp
	movq %rbp, 0x20(%rsp)
	leaq frame_decoy(%rip), %rax
	movq %rax, 0x28(%rsp)
	visit
	addq $0x40, %rsp
	popq %rbp
	ret
	.seh_endproc

/* No entry. */
	function leaf_of_assembly
	leal 1(%rcx), %eax
	xorl $5, %eax
	ret

/* There is no C library, nor one of the compiler. */
	function memcpy
	.seh_proc memcpy
	pushq %rsi
	.seh_pushreg %rsi
	pushq %rdi
	.seh_pushreg %rdi
	.seh_endprologue
	movq %rcx, %rax
	movq %rcx, %rdi
	movq %rdx, %rsi
	movq %r8, %rcx
	rep movsb
	popq %rdi
	popq %rsi
	ret
	.seh_endproc

	function memset
	.seh_proc memset
	pushq %rdi
	.seh_pushreg %rdi
	.seh_endprologue
	movq %rcx, %r9
	movq %rcx, %rdi
	movl %edx, %eax
	movq %r8, %rcx
	rep stosb
	movq %r9, %rax
	popq %rdi
	ret
	.seh_endproc

/* Reaches each page of a large frame of rax bytes. That of libgcc has no unwind information. */
	function ___chkstk_ms
	.seh_proc ___chkstk_ms
	pushq %rcx
	.seh_pushreg %rcx
	pushq %rax
	.seh_pushreg %rax
	.seh_endprologue
	leaq 0x18(%rsp), %rcx
1:	cmpq $0x1000, %rax
	jb 2f
	subq $0x1000, %rcx
	orq $0, (%rcx)
	subq $0x1000, %rax
	jmp 1b
2:	subq %rax, %rcx
	orq $0, (%rcx)
	popq %rax
	popq %rcx
	ret
	.seh_endproc
