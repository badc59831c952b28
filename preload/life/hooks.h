/* SPDX-License-Identifier: MIT */
/*
 * What the library does when the process forks, exits or executes another program: the one place that
 * knows which modules are concerned, and in which order.
 */
#ifndef LSATRACE_PRELOAD_LIFE_HOOKS_H
#define LSATRACE_PRELOAD_LIFE_HOOKS_H

#include <stdbool.h>

#include "include/trace_format.h"

/* At start-up: registers with the C library what runs at the end of exit() and quick_exit(), after
 * the destructors of all libraries. `end` takes a last look at the libraries: it is called when
 * the process ends. It returns true if other threads were ended wherever they were. */
void hooks_start(bool (*end)(void));

/* Registers with the C library what runs around fork(). Once, with the first trace of a
 * process; its forked children inherit it. */
void hooks_register(void);

/* Before the process ends in a given way: looks for damage around the guarded blocks, then notes the
 * end in the trace. The status is that of an exit, else 0. Async-signal-safe; where Wine has unmapped something, it
 * waits for the cold lock, which is bounded. */
void hooks_end(enum trace_end end, int status);

/* The same for an exit, which then happens, by `real`. */
__attribute__((noreturn)) void hooks_exit(int status, void (*real)(int status));

/* Calls quick_exit(), at whose end the trace ends. */
__attribute__((noreturn)) void hooks_quick_exit(int status);

#endif
