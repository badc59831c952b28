/* SPDX-License-Identifier: MIT */
/*
 * Whether the programs that this process executes are traced as well: they are, while the library
 * stands in LD_PRELOAD. It does not stay there for a program whose loader could not load it.
 */
#ifndef LSATRACE_PRELOAD_LIFE_FOLLOW_H
#define LSATRACE_PRELOAD_LIFE_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "include/program.h"

/*
 * Takes the library out of LD_PRELOAD, and its options out of the environment, so that programs
 * that this process executes from now on are not traced. Other preloaded libraries stay. Changes
 * the host's environment in place, as unsetenv() does, so no other thread should use it at this
 * moment.
 */
void follow_no_more(void);

/*
 * The same for the environment of one program. follow_bytes() returns how much room its copy needs;
 * 0 if the library is not in it. follow_without() makes the copy there, and returns it; strings that
 * stay the same are not copied. Async-signal-safe.
 */
size_t follow_bytes(char *const envp[]);
char *const *follow_without(char *const envp[], void *room);

/* The same with a sanitizer put before the library, unless there is one. Async-signal-safe. */
char *const *follow_behind(char *const envp[], const char *sanitizer, void *room);

/* At start-up. Takes the sanitizer that was put so before this library, by its name alone, out of
 * LD_PRELOAD, in place: it was meant for this program, and not for others that it executes. */
void follow_start(void);

/* Was the library in LD_PRELOAD at start-up, to stay there? Then it is missing from the environment of a
 * program that does not have it. */
bool follow_is_expected(void);

/* Tells `lsatrace run` or `record` that such a program is executed, and why it is not traced. `program` is
 * NULL if its environment does not have the library. */
void follow_note_untraced(const char *name, const struct program *program);

#endif
