/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_RUN_H
#define SUPPORT_RUN_H

/*
 * Runs programs and keeps their output; makes temporary folders. If the system refuses something,
 * such as memory or a process, the calling test ends by abort().
 */

#include <stddef.h>

struct run {
	int status; /* exit status; 128 + N if signal N ended it; 127 if it was not found */
	char *out;  /* standard output, NUL-terminated */
	char *err;
};

/* Runs a program, which is searched in PATH, and waits for its end. argv ends with NULL. */
struct run run_command(const char *const argv[]);
void run_release(struct run *run);

/* How often to do something: `few` times in `make check`, `many` times in `make torture`. */
long run_count(long few, long many);

/* A list of arguments that can grow. It starts as zeroes. After the first addition, `all` ends
 * with NULL. */
struct arguments {
	char **all;
	size_t count;
};

/* Adds one argument, formatted as by printf(). */
__attribute__((format(printf, 2, 3))) void arguments_add(struct arguments *arguments,
							 const char *format, ...);
void arguments_add_all(struct arguments *arguments, const char *const list[]);
void arguments_release(struct arguments *arguments);

/* Makes an empty folder and returns its path, to be passed to temporary_folder_remove(). */
char *temporary_folder_new(void);
void temporary_folder_remove(char *path);

/* Adds the paths of those files in a folder whose names end with `suffix`, sorted by name. */
void folder_list(struct arguments *paths, const char *folder, const char *suffix);

#endif
