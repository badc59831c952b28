/* SPDX-License-Identifier: MIT */
#ifndef HOST_STRIPES_H
#define HOST_STRIPES_H

/*
 * The host's locks. What the host knows of an address is in the stripe of that address, so that
 * threads that work on different addresses seldom meet. A thread holds one stripe at a time.
 *
 * fork() takes all locks first, so that the child finds each stripe consistent and unlocked.
 */

#include <stdint.h>

enum { STRIPE_COUNT = 64 };

/* Call it once, before the first thread starts. */
void stripes_init(void);

/* Locks the stripe of this address. Returns its number, below STRIPE_COUNT. */
unsigned int stripe_lock(uintptr_t address);

void stripe_unlock(unsigned int stripe);

#endif
