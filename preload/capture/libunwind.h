/* SPDX-License-Identifier: MIT */
/*
 * libunwind: for frames that are not plain (cfi.h), for backtraces from signal handlers, and as a
 * second opinion (--unwind=libunwind, --unwind=check). All that knows libunwind is here.
 *
 * Two things about it have to be worked around.
 *
 * It asks the loader for the image of an address, by dl_iterate_phdr(), while it holds a lock of
 * its own. A thread in a callback of dl_iterate_phdr() has the loader's lock; if it unwinds, each
 * waits for the other. No thread of the host may have to wait for the tracer, nor the tracer for a
 * callback of the host. So libunwind is made to call libunwind_visit(), which takes no lock. What
 * libunwind hands to its callback begins with the address that it looks for. It promises that
 * nowhere, so it is found out from the first answers; until then, or if it is not so, the loader's
 * own function serves. The host may use the same libunwind: it gets the same answers.
 *
 * unw_backtrace() keeps a thread's rules for good, where unw_flush_cache() does not reach them. So
 * a thread that used it before something was unloaded uses unw_step() from then on, which is
 * slower.
 */
#ifndef LSATRACE_PRELOAD_CAPTURE_LIBUNWIND_H
#define LSATRACE_PRELOAD_CAPTURE_LIBUNWIND_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

/*
 * Loads libunwind, out of sight of the host: libunwind.so.8 exports a weak backtrace(), which would
 * replace the C library's. Returns false if that is not possible; then `*why` says why. Takes the
 * loader's lock: at start-up only.
 */
bool libunwind_init(const char **why);

/* The return addresses on the calling thread's stack, innermost first, the tracer's own included.
 * Returns how many there are, at most `most`. `*unwinding`, of the thread's lane, is 1 meanwhile: a
 * fork waits until it is 0 (lanes.h). */
uint32_t libunwind_take(uint64_t *pc, uint32_t most, uint32_t *unwinding);

/* The same from where a signal handler was told that the signal came; the first address is that of
 * the instruction that was interrupted. Returns 0 if it failed. */
uint32_t libunwind_take_at(const ucontext_t *context, uint64_t *pc, uint32_t most);

/* Before and after a fork: libunwind's locks, held by another thread, would never be free in the
 * child. Between the two, no thread is inside libunwind. */
void libunwind_before_fork(void);
void libunwind_after_fork(void);

/* After something was unloaded, before the epoch ends (images.h). */
void libunwind_forget(void);

typedef int libunwind_visitor(struct dl_phdr_info *info, size_t size, void *data);

/* In place of dl_iterate_phdr(), for a visitor that looks for one image. */
int libunwind_visit(libunwind_visitor *visit, void *data);

#endif
