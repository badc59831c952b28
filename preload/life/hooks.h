/* SPDX-License-Identifier: MIT */
/*
 * What the library does when the process forks, exits or executes another program: the one place that
 * knows which modules are concerned, and in which order.
 */
#ifndef LSATRACE_PRELOAD_LIFE_HOOKS_H
#define LSATRACE_PRELOAD_LIFE_HOOKS_H

#include "include/trace_format.h"

/* Registers with the C library what runs around fork() and at exit(). Once, with the first trace of a
 * process; its forked children inherit it. */
void hooks_register(void);

/* Before the process ends in a given way: looks for damage around the guarded blocks, then notes the
 * end in the trace. The status is that of an exit, else 0. Async-signal-safe. */
void hooks_end(enum trace_end end, int status);

/* The same for an exit, which then happens, by `real`: _exit() or quick_exit(). */
__attribute__((noreturn)) void hooks_exit(int status, void (*real)(int status));

#endif
