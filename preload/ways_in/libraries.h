/* SPDX-License-Identifier: MIT */
/*
 * Libraries that come and go. What has come is noticed when dlsym() is called, since a host that
 * has loaded a library asks for something in it. What goes is noticed in dlclose(); what Wine unmaps
 * (ntdll.h), when next a package is asked for, or at the end.
 */
#ifndef LSATRACE_PRELOAD_WAYS_IN_LIBRARIES_H
#define LSATRACE_PRELOAD_WAYS_IN_LIBRARIES_H

#include <stdbool.h>

/* dlsym(), dlvsym() and dlclose() as the tracer exports them (dlsym_amd64.S, life/exported.c), by
 * hidden names: no other library's function is found instead. */
extern const char exported_dlsym[], exported_dlvsym[];
int exported_dlclose(void *handle);

/* At start-up, as soon as the C library's functions are known. */
void libraries_init(void);

/* At start-up, when all is ready and the tables of the program and its libraries are relocated:
 * puts shims into the tables that the user has named. */
void libraries_start(void);
bool libraries_have_started(void);

/* Looks at what has come, before dlsym() is asked for something in `handle`: replaces the functions
 * for loading that it found (got_hooks.h), and looks for the tables that the user has named
 * (table_symbols.h). */
void libraries_look(const void *handle);

/* Calls the dlclose() that `caller`, a return address, would have reached without the tracer, and
 * forgets what was unloaded. Result and errno are those of that dlclose(). */
int libraries_close(void *handle, const void *caller);

/* Forgets what Wine has unmapped. Takes the cold lock if there is anything. errno stays as it is. */
void libraries_settle(void);

/* The same at the end of the process. If that has no trace, says in the session file what Wine has mapped. Returns
 * true if Wine has ended threads wherever they were. */
bool libraries_end(void);

#endif
