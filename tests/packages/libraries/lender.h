/* SPDX-License-Identifier: MIT */
#ifndef LENDER_H
#define LENDER_H

#include "include/secpkg.h"

#define LENDER_TABLE_NAME "lender_table"

/* Returns the library's table. It is empty when the library is loaded. Its symbol, lent_table,
 * is not exported, and its size is that of a dispatch table only. */
PLSA_SECPKG_FUNCTION_TABLE lender_table(void);

typedef __typeof__(lender_table) lender_table_function;

#endif
