/* SPDX-License-Identifier: MIT */
/*
 * Stored credentials and passwords. There is one for each target and account, which is made up; what is written is not kept.
 * Any thread.
 */
#ifndef LSATRACE_HOST_LSA_CREDENTIALS_H
#define LSATRACE_HOST_LSA_CREDENTIALS_H

#include "include/secpkg.h"

/* These are slots of the table. */
CredReadFn credential_read;
CredReadDomainCredentialsFn credential_read_domain;
CredFreeCredentialsFn credential_free;
CredWriteFn credential_write;
CrediUnmarshalandDecodeStringFn credential_decode;
LSA_GET_SERVICE_ACCOUNT_PASSWORD credential_get_password;

#endif
