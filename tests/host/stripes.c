/* SPDX-License-Identifier: MIT */
#include "stripes.h"

#include <pthread.h>

static pthread_mutex_t locks[STRIPE_COUNT];

static void lock_all(void)
{
	for (unsigned int i = 0; i < STRIPE_COUNT; i++)
		pthread_mutex_lock(&locks[i]);
}

static void unlock_all(void)
{
	for (unsigned int i = 0; i < STRIPE_COUNT; i++)
		pthread_mutex_unlock(&locks[i]);
}

void stripes_init(void)
{
	for (unsigned int i = 0; i < STRIPE_COUNT; i++)
		pthread_mutex_init(&locks[i], NULL);
	pthread_atfork(lock_all, unlock_all, unlock_all);
}

/* Fibonacci hashing, because neither the page bits of sections nor the low bits of blocks vary
 * enough. */
static unsigned int stripe_of(uintptr_t address)
{
	return (uint64_t)address * UINT64_C(0x9e3779b97f4a7c15) >> 58;
}

unsigned int stripe_lock(uintptr_t address)
{
	unsigned int stripe = stripe_of(address);

	pthread_mutex_lock(&locks[stripe]);
	return stripe;
}

void stripe_unlock(unsigned int stripe)
{
	pthread_mutex_unlock(&locks[stripe]);
}
