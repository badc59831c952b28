/* SPDX-License-Identifier: MIT */
/*
 * The lock of one arena. The thread that took it last owns it: the owner takes and releases it by
 * plain stores, which spares half of what a small block costs. Another thread that comes ends the
 * owner's right, makes every thread of the process pass a barrier by membarrier(2), waits until the
 * owner is out, and is the next owner. After LOCK_OWNERS of them the lock is everybody's, for good, and
 * taken by an atomic operation; so it is from the beginning where there is no membarrier().
 *
 * It is held for tens of nanoseconds, so it is spun for, and then waited for as reentry.h waits. Who
 * cannot get it within about a second goes without, as if there were no room: it may be held by a
 * thread that is not in this forked child, or that a longjmp() took away. A signal handler that came
 * upon its own thread under a lock goes without at once.
 */
#ifndef LSATRACE_PRELOAD_SHAREDMEM_BIASED_LOCK_H
#define LSATRACE_PRELOAD_SHAREDMEM_BIASED_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/base/compiler.h"

enum { LOCK_OWNERS = 16 };

/* Starts zeroed. An owner that has just lost its right may still store to its own `inside`, which is
 * why each has one. */
struct biased_lock {
	uintptr_t owner; /* address of its biased_lock_held, and its number; 0: there was none; ~0: everybody's */
	uint32_t taken; /* 1: a thread has it as any thread takes it, or decides on the next owner */
	union {
		uint8_t inside[LOCK_OWNERS]; /* 1: this owner has it */
		uint64_t insides[LOCK_OWNERS / 8];
	};
};

/* How a thread has a lock: as any thread, or, with its number added, as an owner. */
enum { LOCK_NOT_HELD, LOCK_HELD_BY_ANY, LOCK_HELD_BY_OWNER };

/* How this thread has the lock that it is under. */
extern __thread uint32_t biased_lock_held __attribute__((aligned(LOCK_OWNERS)));

/* Takes a lock that the thread does not own. */
uint32_t biased_lock_acquire_slowly(struct biased_lock *lock);

/* For a thread that is under another lock already. */
static inline uint32_t biased_lock_acquire(struct biased_lock *lock)
{
	uintptr_t owner = __atomic_load_n(&lock->owner, __ATOMIC_RELAXED);
	uintptr_t number = owner - (uintptr_t)&biased_lock_held;

	if (unlikely(number >= LOCK_OWNERS))
		return biased_lock_acquire_slowly(lock);
	__atomic_store_n(&lock->inside[number], 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* membarrier() makes more of it when it matters */
	if (likely(__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == owner))
		return LOCK_HELD_BY_OWNER + (uint32_t)number;
	__atomic_store_n(&lock->inside[number], 0, __ATOMIC_RELEASE);
	return biased_lock_acquire_slowly(lock);
}

static inline void biased_lock_let_go(struct biased_lock *lock, uint32_t how)
{
	if (likely(how >= LOCK_HELD_BY_OWNER))
		__atomic_store_n(&lock->inside[how - LOCK_HELD_BY_OWNER], 0, __ATOMIC_RELEASE);
	else if (how == LOCK_HELD_BY_ANY)
		__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}

/*
 * After a fork() for which the lock was taken. In the child it begins anew: an owner that had just lost
 * its right may have been about to store that it is not inside, and is not there to do so.
 */
static inline void biased_lock_forked(struct biased_lock *lock, uint32_t how, bool is_child)
{
	if (is_child && how != LOCK_NOT_HELD)
		*lock = (struct biased_lock){ 0 };
	else
		biased_lock_let_go(lock, how);
}

/* False: this thread is under a lock, or did not get this one in time. */
static inline bool biased_lock_take(struct biased_lock *lock)
{
	if (unlikely(biased_lock_held))
		return false;
	biased_lock_held = LOCK_HELD_BY_ANY; /* a signal may come at any moment */
	biased_lock_held = biased_lock_acquire(lock);
	return biased_lock_held != LOCK_NOT_HELD;
}

static inline void biased_lock_release(struct biased_lock *lock)
{
	biased_lock_let_go(lock, biased_lock_held);
	biased_lock_held = LOCK_NOT_HELD;
}

#endif
