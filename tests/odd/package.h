/* SPDX-License-Identifier: MIT */
#ifndef ODD_PACKAGE_H
#define ODD_PACKAGE_H

/*
 * The package's side: the program exports SpLsaModeInitialize, which returns the first
 * package_count of package_tables. A scenario may change both before it is called.
 */

#include "include/secpkg.h"

#define NOINLINE __attribute__((noinline))

enum { PACKAGES_MOST = 140 };

extern SECPKG_FUNCTION_TABLE package_tables[PACKAGES_MOST];
extern ULONG package_count;

/* The table that Initialize got last, and the tables by package id. */
extern PLSA_SECPKG_FUNCTION_TABLE lsa;
extern PLSA_SECPKG_FUNCTION_TABLE package_lsa[PACKAGES_MOST + 1];

SpInitializeFn package_initialize;

/* Allocates a block of the LSA heap and frees it, so many `times`. */
void churn(long rounds);

/* The same with the private heap, which counts (host.h). */
void churn_private(long rounds);

/* Defect: leaks a block of the LSA heap. */
void leak(ULONG size);

#endif
