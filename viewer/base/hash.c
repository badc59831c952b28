/* SPDX-License-Identifier: MIT */
#include "viewer/base/hash.h"

#include <string.h>
#include <sys/auxv.h>

/* The product's halves depend on all bits of both factors. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t key[2];

/* Before there are threads. */
static __attribute__((constructor)) void read_key(void)
{
	memcpy(key, (const void *)getauxval(AT_RANDOM), sizeof(key)); /* 16 bytes */
}

uint64_t hash_bytes(const void *bytes, size_t count)
{
	const char *at = bytes;
	uint64_t hash, word;

	hash = key[1] ^ count;
	for (; count >= sizeof(word); at += sizeof(word), count -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		hash = mix(hash ^ word, key[0] | 1);
	}
	if (!count)
		return hash;
	word = 0;
	memcpy(&word, at, count);
	return mix(hash ^ word, key[0] | 1);
}
