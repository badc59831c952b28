/* SPDX-License-Identifier: MIT */
/*
 * A value for a key in two words, which any number of threads read and write without a lock.
 *
 * The second word, the seal, is the key mixed with the value. A reader that finds words of two
 * different writers, or the value for another key, sees that the seal does not fit. Whoever writes
 * last wins.
 */
#ifndef LSATRACE_PRELOAD_CAPTURE_SEALED_H
#define LSATRACE_PRELOAD_CAPTURE_SEALED_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed, it holds the value 0 for the key 0. */
struct sealed {
	uint64_t seal;
	uint64_t value;
};

static inline uint64_t sealed_mix(uint64_t key, uint64_t value)
{
	return key ^ value * 0x9e3779b97f4a7c15u;
}

static inline void sealed_write(struct sealed *s, uint64_t key, uint64_t value)
{
	__atomic_store_n(&s->value, value, __ATOMIC_RELAXED);
	__atomic_store_n(&s->seal, sealed_mix(key, value), __ATOMIC_RELAXED);
}

/* Of what other writers write meanwhile, no reader believes a mixture. */
static inline void sealed_copy(struct sealed *to, const struct sealed *from)
{
	uint64_t seal = __atomic_load_n(&from->seal, __ATOMIC_RELAXED);

	__atomic_store_n(&to->value, __atomic_load_n(&from->value, __ATOMIC_RELAXED),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&to->seal, seal, __ATOMIC_RELAXED);
}

/* Stores the value that was found in `*value`. Returns false if it is not the one for the key. */
static inline bool sealed_read(const struct sealed *s, uint64_t key, uint64_t *value)
{
	*value = __atomic_load_n(&s->value, __ATOMIC_RELAXED);
	return __atomic_load_n(&s->seal, __ATOMIC_RELAXED) == sealed_mix(key, *value);
}

#endif
