/* SPDX-License-Identifier: MIT */
#ifndef HOST_STRIPES_H
#define HOST_STRIPES_H

/*
 * The host's locks. Whatever it keeps about an address lies in the stripe of that address, so
 * that threads working on different addresses seldom meet. A thread holds one stripe at a time.
 *
 * fork() takes all of them first: the child finds every stripe consistent and unlocked.
 */

#include <stdint.h>

enum { STRIPE_COUNT = 64 };

/* To be called once, before the first thread starts. */
void stripes_init(void);

/* Locks the stripe of this address; returns its number, below STRIPE_COUNT. */
unsigned int stripe_lock(uintptr_t address);

void stripe_unlock(unsigned int stripe);

#endif
