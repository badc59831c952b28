/* SPDX-License-Identifier: MIT */
/* What the target finds in our place of the C library's and the packages' names. */
#ifndef LSATRACE_ENTRY_H
#define LSATRACE_ENTRY_H

#include <stdint.h>

/* Returned in two registers: see entry_amd64.S. */
struct entry_answer {
	uint64_t is_ours; /* 0: the C library is to answer */
	void *symbol;
};

/* Notes what is loaded. At start-up. */
void entry_init(void);

/* What dlsym() is to answer to `caller`, a return address. */
struct entry_answer entry_answer(void *handle, const char *name, const void *caller);

/* Where our own symbol of an entry point leads to for `caller`, a return address; see
 * linked_amd64.S. Never NULL. */
void *entry_linked(uint32_t number, const void *caller);

#endif
