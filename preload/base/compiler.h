/* SPDX-License-Identifier: MIT */
/* Hints for the compiler, each used where a measurement asked for it. */
#ifndef LSATRACE_PRELOAD_BASE_COMPILER_H
#define LSATRACE_PRELOAD_BASE_COMPILER_H

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Keeps a function out of its callers. What most calls do stays in one piece of code with a
 * small stack frame; what few calls do is elsewhere. */
#define APART __attribute__((noinline))

#endif
