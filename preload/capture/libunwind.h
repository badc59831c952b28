/* SPDX-License-Identifier: MIT */
/*
 * libunwind, as a second opinion: for --unwind=libunwind and --unwind=check, which compare it with
 * our own unwinder. All that knows libunwind is here. It is loaded at start-up, and only for these.
 *
 * It is used so that it harms the host as little as it can.
 *
 * - It asks the loader for the image of an address, by dl_iterate_phdr(), which takes the loader's
 *   lock. So it is made to call libunwind_visit(), which takes none. What libunwind hands to its
 *   callback begins with the address that it looks for. It promises that nowhere, so it is tried
 *   out at start-up. The host may use the same libunwind: it gets the same answers.
 * - unw_backtrace() keeps rules for each thread, which takes the host's allocator on a thread's
 *   first call, and no flush reaches them. So it is not used, but unw_step(), which is slower.
 * - It knows ELF images only. Frames of PE images (host/pe_list.h), and those of functions that are
 *   called from there, are stepped by our own unwinder, and it goes on from there.
 * - It has locks of its own, which are never free in a child that was forked while another thread
 *   held them. So a thread that uses it holds LOCK_LIBUNWIND, and fork() takes that first. Threads
 *   wait for each other there: measure nothing in these modes.
 */
#ifndef LSATRACE_PRELOAD_CAPTURE_LIBUNWIND_H
#define LSATRACE_PRELOAD_CAPTURE_LIBUNWIND_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Loads libunwind, out of sight of the host: libunwind.so.8 exports a weak backtrace(), which would
 * replace the C library's. Returns false if that is not possible. Takes the loader's lock: at
 * start-up only.
 */
bool libunwind_init(void);

/* The return addresses on the calling thread's stack, innermost first, the tracer's own included;
 * of what a signal has interrupted, the instruction's address + 1. `*found` becomes how many there
 * are, at most `most`. Returns false if other threads use it for too long. */
bool libunwind_take(uint64_t *pc, uint32_t most, uint32_t *found);

/* Before and after a fork. */
void libunwind_before_fork(void);
void libunwind_after_fork(void);

/* After something was unloaded, before the epoch ends (images.h). */
void libunwind_forget(void);

typedef int libunwind_visitor(struct dl_phdr_info *info, size_t size, void *data);

/* In place of dl_iterate_phdr(), for a visitor that looks for one image. */
int libunwind_visit(libunwind_visitor *visit, void *data);

#endif
