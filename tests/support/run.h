/* SPDX-License-Identifier: MIT */
#ifndef SUPPORT_RUN_H
#define SUPPORT_RUN_H

/*
 * Spawns programs and keeps what they print; makes temporary folders. What the system refuses
 * (no memory, no processes) ends the calling test by abort().
 */

#include <stddef.h>

struct run {
	int status; /* exit status; 128 + N if signal N ended it; 127 if it was not found */
	char *out;  /* standard output, NUL-terminated */
	char *err;
};

/* Runs argv, which ends with NULL, to its end. The program is looked for in PATH. */
struct run run_command(const char *const argv[]);
void run_release(struct run *run);

/* A list of arguments that grows. Zeroes are an empty one; all is NULL-terminated once added to. */
struct arguments {
	char **all;
	size_t count;
};

/* Adds one argument, formatted as by printf. */
__attribute__((format(printf, 2, 3))) void arguments_add(struct arguments *arguments,
							 const char *format, ...);
void arguments_add_all(struct arguments *arguments, const char *const list[]);
void arguments_release(struct arguments *arguments);

/* Makes an empty folder, whose path the caller gives back to temporary_folder_remove. */
char *temporary_folder_new(void);
void temporary_folder_remove(char *path);

/* Adds the paths of the folder's files whose names end so, in the order of their names. */
void folder_list(struct arguments *paths, const char *folder, const char *suffix);

#endif
