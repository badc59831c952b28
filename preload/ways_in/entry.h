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

/* dlsym(), dlvsym() and dlclose() as they are exported (entry_amd64.S, life/exported.c), by names that
 * nobody can get in front of. */
extern const char entry_dlsym[], entry_dlvsym[];
int entry_dlclose(void *handle);

/* Notes what is loaded. At start-up. */
void entry_init(void);

/* Puts shims into the tables that the user has named. From now on they are looked at. */
void entry_start(void);

/* False: a question by dlsym() or dlvsym() that comes before start-up and that the C library is to
 * answer, so nothing needs to be ready for it. */
bool entry_needs_init(void *handle, const char *name, const char *version, const void *caller,
		      enum loader_function asked);

/* What dlsym(), or dlvsym() with its version, is to answer to `caller`, a return address. */
struct entry_answer entry_answer(void *handle, const char *name, const char *version,
				 const void *caller, enum loader_function asked);

/* Where our own symbol of an entry point leads to for `caller`, a return address. Never NULL. */
void *entry_linked(uint32_t number, const void *caller);

#endif
