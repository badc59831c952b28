/* SPDX-License-Identifier: MIT */
/*
 * What PE images export. A host that looks for an entry point of a package, by name, by ordinal, or because
 * it is linked to it, finds it by the image's table of exports; so does one who looks for a forwarder that
 * leads to it. There the tracer replaces it, before anybody has looked.
 *
 * The table holds offsets of 32 bits from the base of the image. So the function that it leads to lies
 * behind the image, within 4 GB, in a page that is mapped for it and goes with it: there, a *stub* for each
 * entry point jumps to the tracer (pe_exports_amd64.S).
 *
 *	table of exports ── stub ── the first time: pe_exports_target(), which asks for the stand-in
 *	                      └──── from then on:   the stand-in (entry_points.h)
 */
#ifndef LSATRACE_PRELOAD_WAYS_IN_PE_EXPORTS_H
#define LSATRACE_PRELOAD_WAYS_IN_PE_EXPORTS_H

#include "preload/call/convention.h"
#include "preload/host/pe_image.h"

/*
 * Replaces the entry points that an image exports. `end` is the end of the memory that is reserved for the
 * image. While Wine maps it, and before anybody uses it: takes no lock. What cannot be replaced is
 * counted. Returns false if there are none.
 */
bool pe_exports_replace(const struct pe_image *image, uint64_t end);

/* Removes the stubs of images whose base lay in a range. Takes no lock. */
void pe_exports_forget(uint64_t start, uint64_t end);

/* Where the stub of a number leads to. Any thread; takes the cold lock. errno stays as it is. */
void *pe_exports_target(uint32_t number);

#endif
