/* SPDX-License-Identifier: MIT */
/*
 * Tables that the user has named (--table): global variables of the executable or of a library, found by
 * their symbols when the program starts and when something has been loaded, and looked at again
 * whenever something is asked of our dlsym(), for a host may fill its table in main().
 */
#ifndef LSATRACE_NAMED_H
#define LSATRACE_NAMED_H

#include "loaded.h"

/* Takes the names from the options. */
void named_init(void);

/* For loaded_look(). */
loaded_looker named_find;

/* Puts shims into what has been found. Costs next to nothing when nothing has changed. */
void named_hook(void);

/* After a dlclose(). */
void named_unloaded(void);

#endif
