/* SPDX-License-Identifier: MIT */
/*
 * What an entry point's name stands for where a caller looks for it, as if the tracer were not
 * there.
 *
 * The C library answers RTLD_DEFAULT and RTLD_NEXT by the library that asks. When the tracer asks
 * in the name of a caller, it gets an answer for itself, so the answer for the caller is put
 * together here:
 *
 * 	the caller is ...                   RTLD_DEFAULT                  RTLD_NEXT
 * 	the executable, the tracer itself   the tracer's own answer       the tracer's own RTLD_NEXT
 * 	a library from the start            the same, then what it        the first library behind it
 * 	                                    needs itself                  that defines the name
 * 	a library that came later           the same                      what it needs itself
 * 	in another namespace                what that namespace began     what it needs itself
 * 	                                    with, then what it needs
 *
 * The tracer exports each of these names itself (linked.h). Where its own symbol is found, the next
 * one behind it is meant.
 *
 * Any thread. Takes the loader's lock, as dlsym() does.
 */
#ifndef LSATRACE_PRELOAD_WAYS_IN_SCOPE_H
#define LSATRACE_PRELOAD_WAYS_IN_SCOPE_H

#include <stdbool.h>

#include "preload/ways_in/entry_points.h"

/* What dlsym() or dlvsym() is asked, and by whom. */
struct question {
	const struct entry_point *entry; /* NULL: another name */
	void *handle;                    /* or RTLD_DEFAULT, RTLD_NEXT */
	const char *name;
	const char *version; /* NULL: dlsym() is asked, or the default version is meant */
	const void *caller;  /* a return address */
};

/* Notes which libraries the program began with. At start-up. */
void scope_init(void);

/* Asks the C library's function. */
void *scope_ask(const struct question *q, void *handle);

/* The symbol of an entry point that the caller would find; NULL: none. */
void *scope_find(const struct question *q);

/* The one function of that name in all libraries behind the tracer; NULL: there is none, or more
 * than one. */
void *scope_find_anywhere(const struct question *q);

/* Is a caller in another namespace than the tracer's? */
bool scope_is_elsewhere(const void *caller);

/* Is a caller in a library that the program loaded before the tracer's? Asks nobody, so that it can
 * be used before malloc() works. */
bool scope_is_before_us(const void *caller);

#endif
