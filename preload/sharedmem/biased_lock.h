/* SPDX-License-Identifier: MIT */
/*
 * The lock of one arena, biased towards the thread that took it last.
 *
 * That thread is the owner. It takes and releases the lock by plain stores, without an atomic
 * instruction, which halves the cost of allocating a small block. Another thread that wants the
 * lock ends the ownership: it clears `owner`, makes all threads of the process pass a barrier by
 * membarrier(2), waits until the owner is not inside, and becomes the next owner.
 *
 *	      first thread          another thread            after BIASED_LOCK_OWNERS owners,
 *	      comes                 comes                     or without membarrier()
 *	no owner ───────▶ owner 0 ───────▶ owner 1 ... ───────▶ everybody's, for good
 *
 * A lock that is everybody's is taken by an atomic exchange of `taken`.
 *
 * The lock is held for tens of nanoseconds and waited for as lock_pause() says. A thread that does
 * not get it within about a second goes on without, as if the arena had no room: the lock may be
 * held by a thread that does not exist in this forked child, or that a longjmp() took away. A
 * signal handler whose thread holds one of these locks goes on without at once.
 */
#ifndef LSATRACE_PRELOAD_SHAREDMEM_BIASED_LOCK_H
#define LSATRACE_PRELOAD_SHAREDMEM_BIASED_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "preload/base/compiler.h"

enum { BIASED_LOCK_OWNERS = 16 };

/* How a thread holds a lock: as any thread, or as owner, with its number added. */
enum { BIASED_LOCK_NOT_HELD, BIASED_LOCK_HELD_BY_ANY, BIASED_LOCK_HELD_BY_OWNER };

/* Starts zeroed. A thread that has just lost its ownership may still write to its own `inside`:
 * so each owner has one. */
struct biased_lock {
	/* 0: there was none yet; ~0: everybody's; else the address of the owner's
	 * biased_lock_held plus the owner's number */
	uintptr_t owner;
	/* 1: a thread holds the lock as any thread does, or decides who is the next owner */
	uint32_t taken;
	union {
		uint8_t inside[BIASED_LOCK_OWNERS]; /* 1: this owner holds the lock */
		uint64_t insides[BIASED_LOCK_OWNERS / 8];
	};
};

/* How this thread holds the one lock that it has taken. Aligned, so that the number of an owner
 * fits into the lower bits of its address. */
extern __thread uint32_t biased_lock_held __attribute__((aligned(BIASED_LOCK_OWNERS)));

/* biased_lock_enter() for a thread that is not the owner. */
uint32_t biased_lock_enter_slowly(struct biased_lock *lock);

/* Takes a lock, whether or not the thread holds others. Returns how it is held;
 * BIASED_LOCK_NOT_HELD after about a second. errno stays as it is. */
static inline uint32_t biased_lock_enter(struct biased_lock *lock)
{
	uintptr_t owner = __atomic_load_n(&lock->owner, __ATOMIC_RELAXED);
	uintptr_t number = owner - (uintptr_t)&biased_lock_held;

	if (unlikely(number >= BIASED_LOCK_OWNERS))
		return biased_lock_enter_slowly(lock);
	__atomic_store_n(&lock->inside[number], 1, __ATOMIC_RELAXED);
	/* Only for the compiler: where another thread ends the ownership, membarrier() does the
	 * rest. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (likely(__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) == owner))
		return BIASED_LOCK_HELD_BY_OWNER + (uint32_t)number;
	__atomic_store_n(&lock->inside[number], 0, __ATOMIC_RELEASE);
	return biased_lock_enter_slowly(lock);
}

/* Releases a lock that is held as biased_lock_enter() returned; if it is not held, does nothing. */
static inline void biased_lock_exit(struct biased_lock *lock, uint32_t how)
{
	if (likely(how >= BIASED_LOCK_HELD_BY_OWNER))
		__atomic_store_n(&lock->inside[how - BIASED_LOCK_HELD_BY_OWNER], 0,
				 __ATOMIC_RELEASE);
	else if (how == BIASED_LOCK_HELD_BY_ANY)
		__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}

/*
 * Releases a lock after a fork() before which it was entered. In the child it begins anew: an owner
 * that had just lost its ownership may have been about to clear its `inside`, and does not exist
 * there.
 */
static inline void biased_lock_exit_after_fork(struct biased_lock *lock, uint32_t how, bool is_child)
{
	if (is_child && how != BIASED_LOCK_NOT_HELD)
		*lock = (struct biased_lock){ 0 };
	else
		biased_lock_exit(lock, how);
}

/* Takes a lock, for a thread that holds no other. Returns false if it holds one, or after about
 * a second. */
static inline bool biased_lock_take(struct biased_lock *lock)
{
	if (unlikely(biased_lock_held))
		return false;
	biased_lock_held = BIASED_LOCK_HELD_BY_ANY; /* a signal may arrive at any moment */
	biased_lock_held = biased_lock_enter(lock);
	return biased_lock_held != BIASED_LOCK_NOT_HELD;
}

static inline void biased_lock_release(struct biased_lock *lock)
{
	biased_lock_exit(lock, biased_lock_held);
	biased_lock_held = BIASED_LOCK_NOT_HELD;
}

#endif
