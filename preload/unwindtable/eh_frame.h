/* SPDX-License-Identifier: MIT */
/*
 * Reads .eh_frame, the call frame information of loaded ELF images, which compilers write for
 * exceptions: for an address in code, the *row* that tells where the registers of the caller are.
 *
 * All 16 integer registers and the return address, by every instruction that DWARF and GNU define.
 * The section is trusted to lie in memory as its lengths say, for exceptions are unwound by it as
 * well; apart from that no byte of an entry makes it fault or loop. No lock, no allocation, no
 * system call; async-signal-safe.
 *
 * Source of the facts: the DWARF standard, section "Call Frame Information", and the Linux Standard
 * Base, "Exception Frames", for .eh_frame and .eh_frame_hdr.
 */
#ifndef LSATRACE_PRELOAD_UNWINDTABLE_EH_FRAME_H
#define LSATRACE_PRELOAD_UNWINDTABLE_EH_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Registers by their numbers in DWARF, and the column of the return address. */
enum {
	EH_RBX = 3,
	EH_RBP = 6,
	EH_RSP = 7,
	EH_R12 = 12,
	EH_RETURN = 16,
	EH_COLUMNS = 17,
};

/* Where the caller's value of a register is. */
enum eh_where {
	EH_SAME,          /* it was not changed; rsp: it is the CFA */
	EH_UNDEFINED,     /* lost; the return address: nothing called the function */
	EH_AT_CFA,        /* in memory, at the CFA plus the value of the column */
	EH_CFA_PLUS,      /* it is the CFA plus the value */
	EH_REGISTER,      /* in the register whose number is the value */
	EH_AT_EXPRESSION, /* in memory, where an expression says: the value is the block's address */
	EH_EXPRESSION,    /* it is what an expression says */
};

/* The CFA (canonical frame address) is the stack pointer before the call: a register plus an offset,
 * or what an expression says. */
struct eh_row {
	bool is_signal;            /* what the frame returns to was interrupted, and is no call */
	uint8_t where[EH_COLUMNS]; /* enum eh_where */
	int64_t value[EH_COLUMNS];
	const uint8_t *cfa_expression; /* NULL: none */
	uint64_t cfa_register;
	int64_t cfa_offset;
};

/* Finds the row for an instruction. `header` is the .eh_frame_hdr of the image that holds it; NULL
 * is allowed. Returns false if there is none, or if it cannot be read. */
bool eh_frame_find(const uint8_t *header, uint64_t instruction, struct eh_row *row);

/* Bytes that are being read. Reads past the end give zeros, and `failed`. */
struct eh_reader {
	const uint8_t *at, *end;
	bool failed;
};

/* A little-endian number of at most 8 bytes. */
uint64_t eh_read_bytes(struct eh_reader *r, size_t bytes);

/* A LEB128 number. */
uint64_t eh_read_uleb(struct eh_reader *r);
int64_t eh_read_sleb(struct eh_reader *r);

#endif
