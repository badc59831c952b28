/* SPDX-License-Identifier: MIT */
/* What include/lsatrace.h looks up by name in a process that is traced; described there. */
#ifndef LSATRACE_PRELOAD_WAYS_IN_CLIENT_H
#define LSATRACE_PRELOAD_WAYS_IN_CLIENT_H

#include <stddef.h>

/* All of them begin so: they are told to whoever asks, wherever it is. */
#define CLIENT_PREFIX "lsatrace_client_"

/* `bytes` is the length of the table as the caller's header has it. */
void lsatrace_client_hook_table(void *table, size_t bytes);
void lsatrace_client_checkpoint(const char *name);
size_t lsatrace_client_leaks_since(const char *checkpoint);

#endif
