/* SPDX-License-Identifier: MIT */
/*
 * dl_iterate_phdr() for libunwind, without the loader's lock.
 *
 * libunwind asks for the module of an address while it holds a lock of its own. A thread in a callback
 * of dl_iterate_phdr() has the loader's; if it unwinds, each waits for the other. No thread of the
 * host may have to wait for the tracer, nor the tracer for a callback of the host's.
 *
 * What libunwind hands to its callback begins with the address that it looks for, which is nowhere
 * promised: it is found out from the first answers, and until then, or if it is not so, the loader's
 * own function serves. That it serves a libunwind that the host uses as well does no harm: the answer
 * is the same.
 */
#ifndef LSATRACE_PRELOAD_HOST_OBJECTS_H
#define LSATRACE_PRELOAD_HOST_OBJECTS_H

#include <link.h>
#include <stddef.h>

typedef int objects_visitor(struct dl_phdr_info *info, size_t size, void *data);

/* In place of dl_iterate_phdr(), for a visitor that looks for one module. */
int objects_visit(objects_visitor *visit, void *data);

/* Has a library that was loaded call objects_visit() where it calls dl_iterate_phdr(). */
void objects_redirect(void *library);

#endif
