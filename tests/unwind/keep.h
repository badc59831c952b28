/* SPDX-License-Identifier: MIT */
/* What keeps a compiler from changing the frames that a test wants, on Linux and for Windows. */
#ifndef UNWIND_KEEP_H
#define UNWIND_KEEP_H

/* Neither inlined nor cloned, because a test needs its name or its frame. */
#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noipa))
#endif

/* Write it after a call that must not become a tail call. */
#define STAY() __asm__ volatile("" ::: "memory")
/* Hides from the compiler what it knows of a value, or of what a pointer points to. */
#define BLUR(value) __asm__ volatile("" : "+r"(value) : : "memory")

#endif
