/* SPDX-License-Identifier: MIT */
/*
 * The lock of one arena. The first thread that takes it owns it: the owner takes and releases it by
 * plain stores, which is most of what a small block costs. When another thread comes, the lock is
 * everybody's for good: that thread ends the owner's right, makes every thread of the process pass a
 * barrier by membarrier(2), and waits until the owner is out. Where there is no membarrier(), a lock
 * has no owner.
 *
 * It is held for tens of nanoseconds, so it is spun for, and then waited for as guard.h waits. Who
 * cannot get it within about a second goes without, as if there were no room: it may be held by a
 * thread that is not in this forked child, or that a longjmp() took away. A signal handler that came
 * upon its own thread under a lock goes without at once.
 */
#ifndef LSATRACE_LOCK_H
#define LSATRACE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "../guard.h"

/* How a thread has a lock. */
enum lock_hold { LOCK_NOT_HELD, LOCK_HELD_BY_OWNER, LOCK_HELD_BY_ANY };

/* Starts zeroed. */
struct lock {
	const enum lock_hold *owner; /* its lock_held; NULL: there was none yet; else everybody's */
	uint32_t owner_inside;       /* 1: the owner has it */
	uint32_t taken;              /* 1: a thread has it that takes it as any does */
};

/* How this thread has the lock that it is under. */
extern __thread enum lock_hold lock_held;

/* Takes a lock that the thread does not own. */
enum lock_hold lock_acquire_slowly(struct lock *lock);

/* For a thread that is under another lock already. */
static inline enum lock_hold lock_acquire(struct lock *lock)
{
	if (unlikely(__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) != &lock_held))
		return lock_acquire_slowly(lock);
	__atomic_store_n(&lock->owner_inside, 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* membarrier() makes more of it when it matters */
	if (likely(__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == &lock_held))
		return LOCK_HELD_BY_OWNER;
	__atomic_store_n(&lock->owner_inside, 0, __ATOMIC_RELEASE);
	return lock_acquire_slowly(lock);
}

static inline void lock_let_go(struct lock *lock, enum lock_hold how)
{
	if (likely(how == LOCK_HELD_BY_OWNER))
		__atomic_store_n(&lock->owner_inside, 0, __ATOMIC_RELEASE);
	else if (how == LOCK_HELD_BY_ANY)
		__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}

/* False: this thread is under a lock, or did not get this one in time. */
static inline bool lock_take(struct lock *lock)
{
	if (unlikely(lock_held))
		return false;
	lock_held = LOCK_HELD_BY_ANY; /* a signal may come at any moment */
	lock_held = lock_acquire(lock);
	return lock_held != LOCK_NOT_HELD;
}

static inline void lock_release(struct lock *lock)
{
	lock_let_go(lock, lock_held);
	lock_held = LOCK_NOT_HELD;
}

#endif
