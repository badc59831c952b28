/* SPDX-License-Identifier: MIT */
/*
 * Wine, as it maps and unmaps Windows programs and DLLs (PE images).
 *
 * Wine's loader opens ntdll.so, which does all mapping, and then asks dlsym() for its `__wine_main`. No PE
 * image is mapped yet at that time. The tracer puts its own functions into ntdll.so's global offset table,
 * in place of mmap(), munmap(), mprotect() and others; nobody else's calls of these go through the tracer. Wine
 * maps an image like this, in one thread:
 *
 *	mmap(base, SizeOfImage, ..., MAP_FIXED_NOREPLACE | MAP_ANONYMOUS, -1, 0)     reserves the room
 *	mmap(base, its headers, ..., MAP_PRIVATE | MAP_FIXED, file, 0)               a candidate
 *	mmap(base + ..., ..., MAP_FIXED, file, ...)                                  its sections
 *	mprotect(base, its headers, PROT_READ)                                       it is whole, and relocated
 *
 * and then protects the sections. At that mprotect(), before it, the image is noted (images.h), and what
 * it exports is replaced (pe_exports.h). A program may map a file's first page by itself, or change the
 * protection of headers: that is no image, because no such candidate went before it in this thread.
 *
 * From a file system without the right to execute, and from CDs, Wine does not map, but reads: the headers, and
 * the sections into memory that it maps at their places. A program that lays out an image by itself can read
 * headers as well, but it cannot map anything at a place in a room that it has reserved.
 *
 * An image is gone when the page of its headers is unmapped, or something else is mapped there.
 *
 * These functions run under a lock of Wine's, which Wine also takes where a thread has touched a page of its
 * program's that it watches. So they take no lock of the tracer's, under which a thread might touch such a
 * page. What else is to be done is done by libraries.h, later.
 */
#ifndef LSATRACE_PRELOAD_WAYS_IN_NTDLL_H
#define LSATRACE_PRELOAD_WAYS_IN_NTDLL_H

#include <stdbool.h>

/* Is that what Wine's loader asks for? */
bool ntdll_is_asked_for(const char *name);

/* Replaces the functions in the library that was opened as `handle`. Once it has done so it does nothing
 * more. */
void ntdll_hook(void *handle);

/* At the end of a process without a trace: notes in the session file what was mapped, if Wine has run a program
 * that is none of its own. errno stays as it is. */
void ntdll_tell_untraced(void);

/* Was an image unmapped since the last time this was asked? */
bool ntdll_has_unmapped(void);

/* Has Wine ended a thread by its SIGQUIT? So it does with all others when a program ends, and what was in their
 * registers is lost. */
bool ntdll_has_killed(void);

#endif
