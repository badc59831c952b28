/* SPDX-License-Identifier: MIT */
#ifndef HOST_SECTIONS_H
#define HOST_SECTIONS_H

/*
 * The host's shared memory. Each section is a memfd, mapped shared, with an allocator.
 *
 * Clients can write to a section, so the allocator keeps its data, such as the sizes of blocks,
 * elsewhere. Handles and addresses are looked up, not dereferenced, so that wrong ones do no harm.
 * Any thread may call these functions.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sizes in bytes. Returns the section's handle, or NULL with errno set. */
void *sections_create(uint32_t max_size, uint32_t initial_size);

/* Returns a block aligned to 16 bytes, or NULL if the handle is unknown or the section is full. */
void *sections_allocate(void *handle, uint32_t size);

/* Returns whether `memory` was a block of that section. If it was not, nothing changes. */
bool sections_free(void *handle, void *memory);

/* Deletes a section with its blocks. Returns whether there was such a section. */
bool sections_delete(void *handle);

/* Lets the next `count` deletions of live sections fail. */
void sections_refuse_deletes(unsigned int count);

#endif
