/* SPDX-License-Identifier: MIT */
/*
 * Starts tracing: when the first function table is handed out, and anew in a forked child, at its
 * first call.
 */
#ifndef LSATRACE_PRELOAD_LIFE_TRACING_H
#define LSATRACE_PRELOAD_LIFE_TRACING_H

/* Notes the current folder, in which a relative output pattern is meant, and sets trace_begin and
 * trace_renew (trace.h). At start-up. */
void tracing_init(void);

#endif
