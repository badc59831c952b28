/* SPDX-License-Identifier: MIT */
/* Hints for the compiler, each used where a measurement asked for it; and words that threads share. */
#ifndef LSATRACE_PRELOAD_BASE_COMPILER_H
#define LSATRACE_PRELOAD_BASE_COMPILER_H

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Keeps a function out of its callers. What most calls do stays in one piece of code with a
 * small stack frame; what few calls do is elsewhere. */
#define APART __attribute__((noinline))

/* Reads or writes a word that another thread may write or read at this moment. Orders nothing. */
#define peek(word) __atomic_load_n(&(word), __ATOMIC_RELAXED)
#define poke(word, value) __atomic_store_n(&(word), (value), __ATOMIC_RELAXED)

#endif
