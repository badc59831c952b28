/* SPDX-License-Identifier: MIT */
/* Whether the programs that this process executes are traced as well: they are, while the library
 * stands in LD_PRELOAD. */
#ifndef LSATRACE_PRELOAD_LIFE_FOLLOW_H
#define LSATRACE_PRELOAD_LIFE_FOLLOW_H

/*
 * Takes the library out of LD_PRELOAD, and its options out of the environment, so that programs
 * that this process executes from now on are not traced. Other preloaded libraries stay. Changes
 * the host's environment in place, as unsetenv() does, so no other thread should use it at this
 * moment.
 */
void follow_no_more(void);

#endif
