/* SPDX-License-Identifier: MIT */
/* What the target finds in our place of the C library's and the packages' names. */
#ifndef LSATRACE_PRELOAD_WAYS_IN_ENTRY_H
#define LSATRACE_PRELOAD_WAYS_IN_ENTRY_H

#include "preload/ways_in/got_hooks.h"

/* Returned in two registers: see entry_amd64.S. */
struct entry_answer {
	void *go_on; /* the function that is to answer; NULL: `symbol` is the answer */
	void *symbol;
};

/* dlsym() and dlvsym() as they are exported, by names that nobody can get in front of. */
extern const char entry_dlsym[], entry_dlvsym[];

/* Notes what is loaded. At start-up. */
void entry_init(void);

/* Puts shims into the tables that the user has named. From now on they are looked at. */
void entry_start(void);

/* What dlsym(), or dlvsym() with its version, is to answer to `caller`, a return address. */
struct entry_answer entry_answer(void *handle, const char *name, const char *version,
				 const void *caller, enum loader_function asked);

/* Where our own symbol of an entry point leads to for `caller`, a return address; see
 * linked_amd64.S. Never NULL. */
void *entry_linked(uint32_t number, const void *caller);

#endif
