/* SPDX-License-Identifier: MIT */
/*
 * From a library's entry point to its packages' tables. The host gets, in place of the library's
 * SpLsaModeInitialize or SpUserModeInitialize, one of ours that calls it; in place of the array of
 * tables that it returns, a copy in which some slots are ours (wrapped.h); and so the package gets, in
 * place of the host's table, its copy of it. The library's own tables are only read.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_LSA_MODE_H
#define LSATRACE_PRELOAD_PACKAGE_LSA_MODE_H

#include <stdint.h>

#include "preload/package/wrapped.h"

enum library_mode { LIBRARY_LSA, LIBRARY_USER };

/* `behind` tells what a function that a table holds stands for, to code of the library: itself, unless
 * it is one of our exports. At start-up. */
void lsa_mode_init(void *(*behind)(void *function, const void *code));

/* The entry point that stands for `real`, a library's own. The same one for the same library; `real`
 * itself when there are too many libraries. */
void *lsa_mode_entry_for(void *real, enum library_mode mode);

/* Forgets the libraries that were unloaded, and their packages, those of lsa_ap.h as well. Under the cold
 * lock. */
void lsa_mode_forget_unloaded(void);

/* Copies the own table of the package of a number again: it may have been completed only now. Keeps
 * errno. */
void lsa_mode_refresh(uint32_t number);

#endif
