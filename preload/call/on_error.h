/* SPDX-License-Identifier: MIT */
/*
 * --on-error: stops the process on the very call that is wrong, once it is recorded and, for a free,
 * before the host's function is called.
 */
#ifndef LSATRACE_PRELOAD_CALL_ON_ERROR_H
#define LSATRACE_PRELOAD_CALL_ON_ERROR_H

struct call;

/* Says what is wrong with the call in one line and traps or aborts, if that was asked for and it is
 * an error. */
void on_error(const struct call *c);

#endif
