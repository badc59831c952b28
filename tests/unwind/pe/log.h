/* SPDX-License-Identifier: MIT */
/*
 * What host_windows.c finds of its stacks by Windows' own unwinder, for compare.c, which compares it with
 * the trace: a head, then a mark for each two calls of table functions, one that allocates and one that
 * frees.
 *
 * The mark of a stack is one number for the return addresses in PE images, innermost first. The frame that
 * makes the call is not part of it, as Windows' unwinder has to be called from another place of the same
 * function; nor is where in via() a frame is, for the same reason. Of what a fault has interrupted the trace has the
 * address of the instruction plus 1: where that is in rtl_fault() is not part of it, either.
 */
#ifndef UNWIND_PE_LOG_H
#define UNWIND_PE_LOG_H

#include <stdint.h>

struct log_range {
	uint64_t begin, end; /* addresses of a function */
};

struct log_head {
	struct log_range touch, via, fault;
};

struct log_mark {
	uint64_t mark;
	uint32_t frames, crossings; /* of these: how often the stack went through other code */
};

static inline int log_holds(const struct log_range *range, uint64_t pc)
{
	return pc - range->begin <= range->end - range->begin;
}

static inline uint64_t log_add(const struct log_head *head, uint64_t mark, uint64_t pc)
{
	if (log_holds(&head->via, pc))
		pc = head->via.begin;
	else if (log_holds(&head->fault, pc))
		pc = head->fault.begin;
	return (mark ^ pc) * 0x9e3779b97f4a7c15u;
}

#endif
