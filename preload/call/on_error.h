/* SPDX-License-Identifier: MIT */
/*
 * The option --on-error=trap|abort: stops the process in a call that is an error. The call is recorded by
 * then, and a free has not reached the host yet.
 */
#ifndef LSATRACE_PRELOAD_CALL_ON_ERROR_H
#define LSATRACE_PRELOAD_CALL_ON_ERROR_H

#include <stdint.h>

#include "include/slots.h"
#include "include/trace_format.h"

/* What is wrong with a call. */
struct misuse {
	enum trace_kind kind;
	enum trace_reason reason;
	uint32_t function; /* as in the trace: a slot, or a transfer */
	uint32_t package;  /* index */
	uint64_t caller;   /* return address of the call */
	uint64_t address;  /* what the call was given, or has returned */
};

/* If the option is set and the misuse is of level error: writes one line to standard error, then raises
 * SIGTRAP or aborts. Returns otherwise, and after a SIGTRAP that was handled. May change errno. */
void on_error_stop(const struct misuse *m);

#endif
