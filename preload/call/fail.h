/* SPDX-License-Identifier: MIT */
/*
 * The option --fail: calls that fail without the host's function being called (include/failures.h).
 *
 * A slot that the option names gets a *stub*. It stands behind the shim of a slot that is traced, and
 * in the table itself for one that is not:
 *
 *	package ──▶ shim ──▶ body ──▶ stub ──▶ the host's function       traced
 *	package ────────────────────▶ stub ──▶ the host's function       not traced
 *	                               │
 *	                               └──▶ returns a failure
 *
 * So a call of a slot that is not named costs nothing, and a traced call that is made to fail is
 * judged and recorded as one in which the host's function failed. The body learns from
 * call_is_injected() which of both it was. A stub (fail_amd64.S) keeps all registers and the stack: it
 * knows no prototypes. It records the calls of slots that are not traced.
 *
 * Only what the tracer sees is failed and counted: not a call that could not be traced.
 */
#ifndef LSATRACE_PRELOAD_CALL_FAIL_H
#define LSATRACE_PRELOAD_CALL_FAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "include/failures.h"

/* Does the option name a function of the trace's numbering? After config_init(). */
bool fail_names(uint32_t function);

/* Returns the stub for a function, and a package's index, and notes that it stands for `host`; or `host`
 * itself, if the option does not name the function. Under the cold lock, like the next two. */
void *fail_stub_for(uint32_t function, uint32_t package, void *host);

/* What that stub stands for; NULL: there is none. */
void *fail_host(uint32_t function, uint32_t package);

/* The function for which a stub stands; or the one that is given, if it is no stub. */
void *fail_behind(void *function);

/* In a child: it counts its calls for itself. Under the cold lock. */
void fail_after_fork(void);

/* What a stub asks: where it shall go; NULL: it shall return `result`. `stub` is package * FAIL_STUBS +
 * number of the function among the stubs. */
struct fail_answer {
	void *function;
	uint64_t result;
};
struct fail_answer fail_answer(uint32_t stub);

#endif
