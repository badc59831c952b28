/* SPDX-License-Identifier: MIT */
/*
 * What host_windows.c finds of its stacks by Windows' own unwinder, for compare.c, which compares it with
 * the trace: a head, then a mark for each two calls of table functions, one that allocates and one that
 * frees.
 *
 * The mark of a stack is one number for the return addresses in PE images, innermost first. The frame that
 * makes the call is not part of it, as Windows' unwinder has to be called from another place of the same
 * function; nor is where in via() a frame is, for the same reason.
 */
#ifndef UNWIND_PE_LOG_H
#define UNWIND_PE_LOG_H

#include <stdint.h>

struct log_range {
	uint64_t begin, end; /* addresses of a function */
};

struct log_head {
	struct log_range touch, via;
};

struct log_mark {
	uint64_t mark;
	uint32_t frames, crossings; /* of these: how often the stack went through other code */
};

static inline uint64_t log_add(const struct log_head *head, uint64_t mark, uint64_t pc)
{
	if (pc - head->via.begin <= head->via.end - head->via.begin)
		pc = head->via.begin;
	return (mark ^ pc) * 0x9e3779b97f4a7c15u;
}

#endif
