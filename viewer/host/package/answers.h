/* SPDX-License-Identifier: MIT */
/*
 * What a package returns: takes it over as the LSA or the client does, and tells what these would trip over. Who
 * owns what is in include/lsatrace/ownership.md. `parameter` is the name of the parameter in the documentation. Only memory that
 * was found to be a block is looked into. Any thread, in a call of an entry point.
 */
#ifndef LSATRACE_HOST_PACKAGE_ANSWERS_H
#define LSATRACE_HOST_PACKAGE_ANSWERS_H

#include <stdbool.h>

#include "viewer/host/memory/clients.h"

/* What output parameters hold before a call: an address at which nothing can be accessed, and a number. */
PVOID answer_unset(void);
bool answer_is_unset(const void *address);
#define ANSWER_UNSET 0xccccccccu

/* A name that belongs to the LSA, whether the call succeeded or not. It is told if it is missing and `is_needed`. */
void answer_name(const char *parameter, PUNICODE_STRING name, bool is_needed);

/* The name of the package itself. Returns its text, to be freed, or NULL. */
char *answer_package_name(PLSA_STRING name);

/* Checks the lengths of a string, in characters of that many bytes. Returns whether they are right. */
bool answer_check_string(const char *parameter, const UNICODE_STRING *string,
			 size_t character_bytes);

/* A buffer of the client's, which is said to have *bytes. If the call succeeded the client reads it, and frees it. Returns
 * *bytes that it read, to be freed; or NULL, and *bytes is 0. */
unsigned char *answer_client_buffer(const char *parameter, struct client *client, NTSTATUS status,
				    PVOID address, ULONG *bytes);

/* A block of the LSA's heap, of at least that many bytes. The LSA takes it if the call succeeded. */
void answer_lsa_block(const char *parameter, NTSTATUS status, PVOID address, size_t bytes);

/* Memory of any kind, because nobody documents which. `client` may be NULL. */
void answer_any_block(const char *parameter, struct client *client, NTSTATUS status, PVOID address);

/* A structure, whose type depends on what was asked for: what its words point to is taken as by answer_any_block(), but not where
 * that is `before`, which was there before the call. */
void answer_structure(const char *parameter, struct client *client, NTSTATUS status,
		      const void *structure, size_t bytes, const void *before);

/* The information for a token, and all that it points to. */
void answer_token(NTSTATUS status, ULONG type, PVOID token);

#endif
