/* SPDX-License-Identifier: MIT */
/*
 * A stack of the tracer's own, for what it does where the host's has no room: an alternate stack may be as
 * small as the kernel allows, and an exception may come from a stack that has overflowed.
 */
#ifndef LSATRACE_PRELOAD_CAPTURE_FAULT_STACK_H
#define LSATRACE_PRELOAD_CAPTURE_FAULT_STACK_H

#include <stdbool.h>

/* Reserves it. Returns false if there is no memory. Any thread; may be called again. */
bool fault_stack_init(void);

/* Calls a function on it, of one thread at a time, with all signals blocked that others send: it must not
 * fault. Returns false, without a call, if the stack cannot be had within a second. Async-signal-safe. */
bool fault_stack_call(void (*function)(void *), void *argument);

#endif
