/* SPDX-License-Identifier: MIT */
/* The values of keys. Any thread. */
#ifndef LSATRACE_HOST_SCENARIO_KEYS_H
#define LSATRACE_HOST_SCENARIO_KEYS_H

#include "include/secpkg.h"
#include "viewer/host/package/authenticate.h"

/* Returns NULL if a value is right, or what it must be, in words for "expected %s". A verb's row says which keys it has. */
const char *key_check(const char *verb, const char *key, const char *value, const char *scenario);

/* Values that were checked. */
SECURITY_LOGON_TYPE key_logon_type(const char *value);
enum logon_entry key_logon_entry(const char *value);
enum call_entry key_call_entry(const char *value);
ULONG key_credential_use(const char *value);

#endif
