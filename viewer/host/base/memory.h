/* SPDX-License-Identifier: MIT */
/* Memory for the host's own data. Ends the process if there is none. Any thread. */
#ifndef LSATRACE_HOST_BASE_MEMORY_H
#define LSATRACE_HOST_BASE_MEMORY_H

#include <stddef.h>
#include <stdio.h>

/* Returns zeroed memory, to be freed by free(). */
void *memory_new(size_t bytes);

/* Changes the size of memory of memory_new(), or of NULL. What is added is not zeroed. */
void *memory_resize(void *memory, size_t bytes);

/* Returns a copy, to be freed. */
void *memory_copy(const void *from, size_t bytes);
char *memory_text(const char *text);

/* Reads all of a file, of at most MEMORY_FILE_MOST bytes. Returns them, with a zero behind, to be freed; or NULL, and sets
 * *wrong. */
enum { MEMORY_FILE_MOST = 1 << 24 };
char *memory_read(FILE *file, size_t *bytes, const char **wrong);

#endif
