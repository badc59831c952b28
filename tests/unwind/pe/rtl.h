/* SPDX-License-Identifier: MIT */
#ifndef UNWIND_PE_RTL_H
#define UNWIND_PE_RTL_H

/* Windows' own unwinder. It is apart, because windows.h defines other types than secpkg.h. */

#include "tests/unwind/pe/log.h"

/* Where it goes on when it comes to code that is of no PE image: in the function that called this code, as
 * it was at rtl_note(). */
struct rtl_crossing {
	_Alignas(16) unsigned char context[1232];
	struct rtl_crossing *outer;
};

/* In the caller, as it is. */
void rtl_note(struct rtl_crossing *crossing, struct rtl_crossing *outer);

/* The stack outside of the caller. */
struct log_mark rtl_unwind(const struct log_head *head, const struct rtl_crossing *crossing);

/* Runs the action in the handler of a fault, from which the thread then goes on: Windows puts a machine frame
 * on the stack. rtl_catch() once before. */
void rtl_catch(void);
void rtl_fault(void (*action)(void *argument), void *argument);

/* Where a function lies. */
struct log_range rtl_range(void (*function)(void));

#endif
