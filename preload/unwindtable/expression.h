/* SPDX-License-Identifier: MIT */
/*
 * DWARF expressions in call frame information: small programs on a stack of numbers, which compute
 * an address from registers and memory. Bounded in steps; never faults. Async-signal-safe.
 *
 * Source of the facts: the DWARF standard, section "DWARF Expressions".
 */
#ifndef LSATRACE_PRELOAD_UNWINDTABLE_EXPRESSION_H
#define LSATRACE_PRELOAD_UNWINDTABLE_EXPRESSION_H

#include <stdbool.h>
#include <stdint.h>

/* What an expression may use. */
struct expression_input {
	const uint64_t *registers; /* by number, EH_RETURN of them */
	uint32_t known;            /* a bit for each register whose value is known */
	uint64_t pc;               /* register EH_RETURN, for entries of linkage tables */
	uint64_t first;            /* what lies on the stack of numbers at first */
	/* Reads a word of memory. Returns false if that is not possible. */
	bool (*read_word)(void *reader, uint64_t address, uint64_t *word);
	void *reader;
};

/* Evaluates a block: its length, then its operations. Returns false if there is something in it
 * that is not known, not allowed, or not to be read. */
bool expression_evaluate(const uint8_t *block, const struct expression_input *input,
			 uint64_t *result);

/* Is a block just a register plus an offset, and the word at that address if `is_word`? Sets
 * `*offset`. */
bool expression_is_simple(const uint8_t *block, unsigned reg, bool is_word, int64_t *offset);

#endif
