/* SPDX-License-Identifier: MIT */
/* How a process ends: exit, _exit and the exec functions are noted in its trace on their way. */
#ifndef LSATRACE_PROCESS_H
#define LSATRACE_PROCESS_H

/* Finds the C library's functions. At start-up. */
void process_init(void);

/* Watches for exit() from now on. Once, when there is a trace. */
void process_watch(void);

/* Takes the library out of the environment, so that programs that this process starts are not
 * traced. */
void process_stop_following(void);

#endif
