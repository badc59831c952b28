/* SPDX-License-Identifier: MIT */
/*
 * Logon sessions, and the credentials that packages keep in them. Every session exists, as if another package had made
 * it, unless it was deleted; but a package can create it only once, and delete what was created. Any thread.
 */
#ifndef LSATRACE_HOST_LSA_SESSIONS_H
#define LSATRACE_HOST_LSA_SESSIONS_H

#include <stdbool.h>

#include "include/secpkg.h"

/* Makes a session with a new LUID. */
LUID session_new(void);

/* Ends the session of a logon that was terminated, if there is one. */
void session_end(const LUID *id);

/* These are slots of the table. */
LSA_CREATE_LOGON_SESSION session_create;
LSA_DELETE_LOGON_SESSION session_delete;
LSA_ADD_CREDENTIAL session_add_credential;
LSA_GET_CREDENTIALS session_get_credentials;
LSA_DELETE_CREDENTIAL session_delete_credential;
LSA_OPEN_TOKEN_BY_LOGON_ID session_open_token;

#endif
