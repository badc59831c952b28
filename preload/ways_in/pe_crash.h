/* SPDX-License-Identifier: MIT */
/*
 * Exceptions that nobody in a program for Windows handles: they end it, and Wine makes an exit of that, like
 * any other. The last one to be asked about an exception is the filter that kernelbase.dll has given to
 * ntdll.dll, by RtlSetUnhandledExceptionFilter(). All that it calls, such as the program's own filter and a
 * debugger, comes after the search for handlers, and before any frame is unwound. The tracer puts itself in
 * front: it notes where the exception was raised, asks that filter, and does as it says.
 *
 * Where the stack is so full that the exception does not fit on it, nobody is asked: Wine's handler of SIGSEGV,
 * which has a stack of its own, ends the process.
 */
#ifndef LSATRACE_PRELOAD_WAYS_IN_PE_CRASH_H
#define LSATRACE_PRELOAD_WAYS_IN_PE_CRASH_H

#include <stdint.h>

#include "preload/host/pe_image.h"

/* Looks for these two functions in an image that Wine maps. Takes no lock. */
void pe_crash_look(const struct pe_image *image);

/* From now on exceptions are noted. In a thread that runs code of Windows; does nothing the second time. */
void pe_crash_watch(void);

/* Before Wine ends the process by _exit(). If a handler of SIGSEGV does so, which blocks that signal, it is a stack
 * overflow. Async-signal-safe. */
void pe_crash_end(int status);

/* The code of the last exception that nobody has handled; 0: there was none. */
uint32_t pe_crash_exception(void);

#endif
