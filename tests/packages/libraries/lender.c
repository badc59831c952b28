/* SPDX-License-Identifier: MIT */
/* Not a package, but a library that has a function table for a host. */
#include "tests/packages/libraries/lender.h"

static LSA_SECPKG_FUNCTION_TABLE whole_table __attribute__((used));

__asm__(".set lent_table, whole_table\n"
	".type lent_table, @object\n"
	".size lent_table, 88\n");

_Static_assert(sizeof(LSA_DISPATCH_TABLE) == 88, "lent_table");

PLSA_SECPKG_FUNCTION_TABLE lender_table(void)
{
	return &whole_table;
}
