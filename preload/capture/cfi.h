/* SPDX-License-Identifier: MIT */
/*
 * Rules: for a return address, where its frame's caller has its return address and rbp. A rule is a
 * row of an unwind table (eh_frame.h, pdata.h), cut down to one word, and is cached.
 *
 * There are rules for the frames that nearly every stack is made of:
 * - *plain* ones: the canonical frame address (CFA, the stack pointer before the call) is rsp or
 *   rbp plus a constant, with the return address right below it;
 * - realigned ones, as gcc makes them: the CFA lies in memory, near rbp;
 * - frames of signals: the kernel has saved the registers of what was interrupted.
 * All others need a row with all registers, and step.h.
 *
 * What was interrupted has no return address. It is given one, the address of its instruction plus
 * 1, so that the instruction lies before the return address as a call would.
 *
 * Behind a call the tables of ELF and PE images say the same things, so that a rule does not tell
 * which kind of image it is of: a stack may have frames of both. No lock, no allocation; safe in a
 * signal handler and after a fork. Changes errno.
 */
#ifndef LSATRACE_PRELOAD_CAPTURE_CFI_H
#define LSATRACE_PRELOAD_CAPTURE_CFI_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/base/compiler.h"

enum cfi_kind {
	CFI_OUTERMOST, /* nothing called it */
	CFI_UNKNOWN,   /* none of these: step.h */
	CFI_SIGNAL,    /* rsp points to a struct ucontext */
	CFI_REALIGNED, /* CFA = the word at rbp + cfa_offset; rbp is saved where rbp points to */
	CFI_RSP,       /* CFA = rsp + cfa_offset, of whole words, at least one */
	CFI_RBP,       /* CFA = rbp + cfa_offset */
};

/* Where the registers lie in a struct ucontext. */
enum { CFI_CONTEXT_RBP = 120, CFI_CONTEXT_RSP = 160, CFI_CONTEXT_PC = 168 };

/* A rule is one word, so that it is copied and compared at once. */
struct cfi_rule {
	uint64_t word; /* from below: kind, 8 bits; 0, 8; rbp_offset, 16; cfa_offset, 32 */
};

static inline struct cfi_rule cfi_rule(enum cfi_kind kind, int32_t cfa_offset, int16_t rbp_offset)
{
	return (struct cfi_rule){ (uint64_t)(uint32_t)cfa_offset << 32 |
				  (uint32_t)(uint16_t)rbp_offset << 16 | kind };
}

static inline enum cfi_kind cfi_kind(struct cfi_rule rule)
{
	return (enum cfi_kind)(rule.word & 0xff);
}

/* Is the frame plain? */
static inline bool cfi_is_plain(struct cfi_rule rule)
{
	return cfi_kind(rule) >= CFI_RSP;
}

static inline int64_t cfi_cfa_offset(struct cfi_rule rule)
{
	return (int64_t)rule.word >> 32;
}

/* The caller's rbp is saved at CFA + this offset; 0: the function does not change rbp. */
static inline int16_t cfi_rbp_offset(struct cfi_rule rule)
{
	return (int16_t)(rule.word >> 16);
}

/* Is the CFA computed from rsp, and rbp not changed? */
static inline bool cfi_keeps_rbp(struct cfi_rule rule)
{
	return (uint32_t)rule.word == CFI_RSP;
}

/*
 * The *salt* of an epoch (images.h): rules that were cached in another epoch are not found with it. While
 * something is being unloaded, the salt is CFI_NO_CACHE, with which nothing is found.
 */
#define CFI_NO_CACHE (1ull << 62)
uint64_t cfi_salt(uint64_t epoch);

/* Makes the cache. Returns false if there is no memory. Once. */
bool cfi_init(void);

/* The rule at a return address, from the cache or else from the image's tables. At address 0, where many stacks
 * end, it is CFI_OUTERMOST. Reads the image that holds the address: a frame of it must be on the
 * caller's stack, so that it stays loaded. */
struct cfi_rule cfi_find(uint64_t return_address, uint64_t salt);

/*
 * The same, for one thread, from rows of its own: no row of another thread is torn here, so nothing has
 * to be checked but the key. A rule lies here only if it lay in the cache. The rows are of one epoch:
 * whoever has them forgets them when there is another one. Zeroed, they have the rule of address 0 alone,
 * which is CFI_OUTERMOST.
 */
enum { CFI_OWN_ROWS = 2048 };
struct cfi_own_row {
	uint64_t key; /* the return address; CFI_NO_KEY: none */
	struct cfi_rule rule;
};
#define CFI_NO_KEY UINT64_MAX
_Static_assert(CFI_OUTERMOST == 0, "the rule of a zeroed row");

void cfi_forget_own(struct cfi_own_row *rows);

/* Where a return address has its row, if it has one. */
static inline struct cfi_own_row *cfi_own_row(struct cfi_own_row *rows, uint64_t return_address)
{
	/* By words: the compiler goes by way of the number of the row, which takes longer. */
	enum { WORDS = sizeof(*rows) / sizeof(uint64_t) };

	return (struct cfi_own_row *)((uint64_t *)rows +
				      return_address * WORDS % (CFI_OWN_ROWS * WORDS));
}

/* As cfi_find(), and fills the row. */
struct cfi_rule cfi_fill_own(struct cfi_own_row *row, uint64_t return_address, uint64_t salt);

/* The whole row for a return address, which is not cached. `is_interrupted`: it is one that was given
 * to what a signal has interrupted. Returns false if there is none. */
struct eh_row;
bool cfi_find_row(uint64_t return_address, bool is_interrupted, struct eh_row *row);

#endif
