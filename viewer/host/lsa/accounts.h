/* SPDX-License-Identifier: MIT */
/*
 * The account database, and tokens. Every user exists, but those that account_remove() names. What the LSA returns of a
 * user is made up. Any thread.
 */
#ifndef LSATRACE_HOST_LSA_ACCOUNTS_H
#define LSATRACE_HOST_LSA_ACCOUNTS_H

#include "include/secpkg.h"

/* From now on, there is no user of this name. */
void account_remove(const char *name);

/* These are slots of the table. A NULL name or handle stands for some user. */
LSA_OPEN_SAM_USER account_open;
LSA_CLOSE_SAM_USER account_close;
LSA_GET_USER_CREDENTIALS account_get_credentials;
LSA_GET_USER_AUTH_DATA account_get_data;
LSA_GET_AUTH_DATA_FOR_USER account_find_data;
LSA_EXPAND_AUTH_DATA_FOR_DOMAIN account_expand_data;
LSA_CONVERT_AUTH_DATA_TO_TOKEN account_convert_data;
LSA_CRACK_SINGLE_NAME account_crack_name;
LSA_CREATE_TOKEN account_create_token;
LSA_CREATE_TOKEN_EX account_create_token_ex;
LSA_AUDIT_LOGON account_audit_logon;
LSA_AUDIT_ACCOUNT_LOGON account_audit;

#endif
