/* SPDX-License-Identifier: MIT */
/*
 * Macros for the assembler (*_amd64.S of other folders): functions that ask another function
 * where to go, and go there with the registers and the stack that their caller left; and tables of
 * functions.
 */
#ifndef LSATRACE_PRELOAD_HOST_REGISTERS_H
#define LSATRACE_PRELOAD_HOST_REGISTERS_H

#ifdef __ASSEMBLER__

/* Each of them pushes and pops registers, and says so to unwinders. restore takes them in the
 * opposite order. */
.macro save registers:vararg
	.irp register, \registers
	pushq \register
	.cfi_adjust_cfa_offset 8
	.endr
	.endm

	.macro restore registers:vararg
	.irp register, \registers
	popq \register
	.cfi_adjust_cfa_offset -8
	.endr
	.endm

/* Begins a table that never changes; 0b is its start. */
	.macro begin_table name
	.section .rodata
	.globl \name
	.hidden \name
	.type \name, @object
	.balign 64
\name:
0:
	.endm

/* At the end of a file: the stack is not executable, and functions begin with endbr64 (IBT,
 * SHSTK). */
	.macro notes
	.section .note.GNU-stack, "", @progbits
	.section .note.gnu.property, "a"
	.align 8
	.long 4, 16, 5
	.asciz "GNU"
	.long 0xc0000002, 4, 3, 0
	.endm

#endif
#endif
