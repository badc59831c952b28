/* SPDX-License-Identifier: MIT */
/* What a host asks of the tracer by include/lsatrace.h, which describes it. life/exported.c exports
 * these functions under the names that lsatrace.h looks up. errno stays as it is. */
#ifndef LSATRACE_PRELOAD_WAYS_IN_CLIENT_H
#define LSATRACE_PRELOAD_WAYS_IN_CLIENT_H

#include <stddef.h>

/* Those names begin so. dlsym() answers them to every caller, from any namespace. */
#define CLIENT_PREFIX "lsatrace_client_"

/* `bytes` is the length of the table as the caller's header has it. */
void client_hook_table(void *table, size_t bytes);
void client_checkpoint(const char *name);
size_t client_leaks_since(const char *checkpoint);
void client_ignore(const void *memory);

#endif
