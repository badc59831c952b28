/* SPDX-License-Identifier: MIT */
/* What the process has mapped: asked of the kernel before a pointer that came from outside is
 * followed. Cold: most questions read /proc/thread-self/maps. */
#ifndef LSATRACE_PRELOAD_HOST_MAPS_H
#define LSATRACE_PRELOAD_HOST_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many of the `bytes` bytes at an address may be read. */
size_t maps_readable(const void *at, size_t bytes);

/* Copies that many of them, which is returned. What is foreign may end before them, so that a host
 * with a sanitizer in it must not see them copied: memcpy() is its own. */
size_t maps_copy(void *to, const void *from, size_t bytes);

/* May so few bytes be read? Faster than maps_readable(), for it asks for each page, and no file. */
bool maps_can_read(const void *at, size_t bytes);

/* Does memory hold these bytes? Returns false as well if it cannot be read, or not any more.
 * Nothing is read here: the kernel compares, words of 4 bytes; what remains at the end, and bytes
 * that lie at no multiple of 4, it cannot compare, and these are taken for equal. */
bool maps_are_equal(const void *at, const void *bytes, size_t count);

/* How much address space is in use; 0: it is not known. */
uint64_t maps_bytes(void);

/* How much the tracer may reserve of the `bytes` bytes that it wants: all of them, or, where the
 * address space is limited (RLIMIT_AS), halved until they are at most one part in `part` of what is
 * left. */
uint64_t maps_share(uint64_t bytes, unsigned part);

/* A part of the address space. */
struct maps_area {
	uint64_t start, end;
	bool is_writable; /* and readable */
	bool is_shared;
};

/* Visits all of them, from the lowest on. Returns false if they are not known. */
bool maps_visit(void (*visit)(const struct maps_area *area, void *context), void *context);

/* How the memory at an address is protected, in bits of PROT_READ and its like; -1: it is not
 * known. */
int maps_protection(const void *at);

/* For each address, whether code may lie there. */
void maps_find_code(const uint64_t *address, bool *is_code, size_t count);

/* The path of the file that is mapped at an address, not terminated. Returns its length; 0: none
 * is, or it does not fit. */
size_t maps_path(uint64_t address, char *path, size_t bytes);

#endif
