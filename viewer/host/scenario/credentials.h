/* SPDX-License-Identifier: MIT */
/* What the verbs of credentials and of contexts share. */
#ifndef LSATRACE_HOST_SCENARIO_CREDENTIALS_H
#define LSATRACE_HOST_SCENARIO_CREDENTIALS_H

#include "viewer/host/scenario/verbs.h"

/* Acquires a credential of this name. The package must have the entry point. Returns NULL if that fails. */
struct thing *credential_acquire(const struct verb_call *call, const char *name, ULONG use);

/* Finds the handle that a key names, or gives as a number; without the key, the newest one that the package has given out.
 * Returns false if there is none, which is told if the step expects something. */
bool verb_find_handle(const struct verb_call *call, enum thing_kind kind, const char *key,
		      LSA_SEC_HANDLE *handle);

/* The data of the key "buffer" as an input of the entry that has begun. */
PSecBuffer verb_input_buffer(const struct verb_call *call, const char *otherwise, ULONG type);

#endif
