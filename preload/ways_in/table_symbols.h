/* SPDX-License-Identifier: MIT */
/*
 * Tables that the user has named (--table): global variables of the executable or of a library, found by
 * their symbols when the program starts and when something has been loaded, and looked at again
 * whenever something is asked of our dlsym(), for a host may fill its table in main().
 */
#ifndef LSATRACE_PRELOAD_WAYS_IN_TABLE_SYMBOLS_H
#define LSATRACE_PRELOAD_WAYS_IN_TABLE_SYMBOLS_H

#include "preload/ways_in/link_maps.h"

/* Takes the names from the options. */
void table_symbols_init(void);

/* For link_maps_look(). */
link_maps_looker table_symbols_find;

/* Puts shims into what has been found. Costs next to nothing when nothing has changed. */
void table_symbols_hook(void);

#endif
