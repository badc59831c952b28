/* SPDX-License-Identifier: MIT */
/*
 * Call frame information: for an address in code, where its caller's return address and rbp are.
 * Read from the .eh_frame of what is loaded, as the compiler wrote it for exceptions.
 *
 * Only *plain* frames are told: those whose canonical frame address (CFA, the stack pointer before
 * the call) is rsp or rbp plus a constant, with the return address right below it. That is what
 * compilers make of nearly every function; signal frames, realigned stacks and expressions are left
 * to libunwind. No lock, no allocation; safe in a signal handler and after a fork.
 */
#ifndef LSATRACE_CFI_H
#define LSATRACE_CFI_H

#include <stdbool.h>
#include <stdint.h>

enum cfi_kind {
	CFI_OUTERMOST, /* nothing called it */
	CFI_UNKNOWN,   /* not plain: ask libunwind */
	CFI_RSP,       /* CFA = rsp + cfa_offset */
	CFI_RBP,       /* CFA = rbp + cfa_offset */
};

struct cfi_rule {
	int32_t cfa_offset;
	int16_t rbp_offset; /* the caller's rbp is at CFA + rbp_offset; 0: rbp is unchanged */
	uint8_t kind;
};

/* The rule at a return address, from the cache if it is there. At 0, where many stacks end, it is
 * CFI_OUTERMOST. */
struct cfi_rule cfi_find(uint64_t return_address);

/* Drops the cache: code may have gone, and other code come to its place. */
void cfi_forget(void);

#endif
