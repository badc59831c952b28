/* SPDX-License-Identifier: MIT */
/*
 * Function tables that the user has named (--table): global variables of the executable or of a
 * library. They are found by their symbols, at the start and when something has been loaded. Their
 * slots get shims whenever dlsym() is called, because a host may fill its table as late as in
 * main().
 *
 * A table in a library is read and changed under the loader's lock only: another thread may be
 * about to unload the library.
 */
#ifndef LSATRACE_PRELOAD_WAYS_IN_TABLE_SYMBOLS_H
#define LSATRACE_PRELOAD_WAYS_IN_TABLE_SYMBOLS_H

#include "preload/ways_in/link_maps.h"

/* Reads the names from the options. At start-up. */
void table_symbols_init(void);

/* For link_maps_look(): finds the tables that lie in an image, if they were not found in another
 * one. Returns false if one of them lies there. */
link_maps_looker table_symbols_find;

/* Puts shims into the tables that have been found. Makes a trace if there is none and a slot needs
 * a shim. */
void table_symbols_hook(void);

#endif
