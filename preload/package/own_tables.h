/* SPDX-License-Identifier: MIT */
/*
 * The packages' own tables. A library returns them as an array of structures, one for each package,
 * without saying how long each of them is. The host gets a copy of the array, in which wrappers
 * stand in the wrapped slots that hold code. The library's array is only read.
 *
 *	       ┌─────────┬─────────┬─────────┐            ┌─────────┬─────────┬─────────┬──────┐
 *	array  │ table 0 │ table 1 │ table 2 │ - -  copy  │ table 0 │ table 1 │ table 2 │ more │
 *	       └─────────┴─────────┴─────────┘            └─────────┴─────────┴─────────┴──────┘
 *	        ◀─stride─▶
 *
 * The last table of the copy is longer than the longest table known, because the host may know more
 * slots than its version says, or than lsatrace knows.
 *
 * Under the cold lock, where nothing else is said.
 */
#ifndef LSATRACE_PRELOAD_PACKAGE_OWN_TABLES_H
#define LSATRACE_PRELOAD_PACKAGE_OWN_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/secpkg.h"
#include "preload/call/convention.h"

/* Tables of SpLsaModeInitialize (SECPKG_FUNCTION_TABLE), and of SpUserModeInitialize
 * (SECPKG_USER_FUNCTION_TABLE). */
enum library_mode { LIBRARY_LSA, LIBRARY_USER };

/* The arrays of one library. Starts zeroed. */
struct own_tables {
	enum library_mode mode;
	enum convention convention;
	bool is_for_wine;  /* the host calls functions that a package may lack (wine_host.h) */
	const void *code;  /* an address in the library: its entry point */
	const char *array; /* that it returned last; NULL: none */
	uint32_t count;
	size_t stride;
	char *copy; /* for the host */
	size_t copy_bytes;
};

/*
 * `behind` returns the function that a slot really stands for: the function itself, except that it
 * may be an export of lsatrace's, which the linker found for a name of the library. `code` is an
 * address in that library. At start-up.
 */
void own_tables_init(void *(*behind)(void *function, const void *code));

/*
 * Makes the host's copy of an array of `count` tables, `tables->copy`, and gives a number to each
 * package. `version` is what the library says that its tables are of. Copies the same array again
 * if it is the one of last time. Returns false if there is no memory, or no stride at which the
 * array makes sense.
 */
bool own_tables_take(struct own_tables *tables, const void *array, uint32_t count, ULONG version);

/* Copies the table of the package with that number again: the package may have completed it only in
 * its Initialize. Any thread, without a lock; errno stays as it is. */
void own_tables_refresh(uint32_t number);

#endif
