/* SPDX-License-Identifier: MIT */
#ifndef HOST_SECTIONS_H
#define HOST_SECTIONS_H

/*
 * The host's shared memory: each section is a memfd of its own, mapped shared, with an allocator.
 *
 * Clients can write to a section, so nothing that the allocator relies on lies in it: not the
 * extents, not their sizes. A wrong handle or address is looked up, not dereferenced, and does
 * no harm. All functions may be called from any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sizes in bytes. Returns the section's handle, or NULL with errno set. */
void *sections_create(uint32_t max_size, uint32_t initial_size);

/* Returns a block aligned to 16 bytes; NULL if the handle is unknown or the section is full. */
void *sections_allocate(void *handle, uint32_t size);

/* Returns whether memory was a block of that section; if not, nothing has changed. */
bool sections_free(void *handle, void *memory);

/* Returns whether there was such a section. Its blocks go with it. */
bool sections_delete(void *handle);

/* Makes the next deletions of live sections fail, this many of them. */
void sections_refuse_deletes(unsigned int count);

#endif
