/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/membarrier.h>
#include <unistd.h>

#include "preload/base/kernel.h"
#include "preload/base/lock.h"
#include "preload/base/process.h"
#include "preload/sharedmem/biased_lock.h"

#include "preload/base/poison.h"

#define EVERYBODYS (~(uintptr_t)0)

__thread uint32_t biased_lock_held __attribute__((aligned(BIASED_LOCK_OWNERS)));

static bool pass_membarrier(int command)
{
	return !process_is_confined && kernel_call(SYS_membarrier, command, 0, 0) == 0;
}

static bool wait_until(bool (*is_done)(struct biased_lock *), struct biased_lock *lock)
{
	for (unsigned turn = 0; !is_done(lock); turn++)
		if (!lock_pause(turn))
			return false;
	return true;
}

static bool try_to_take(struct biased_lock *lock)
{
	return __atomic_load_n(&lock->taken, __ATOMIC_RELAXED) == 0 &&
	       __atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE) == 0;
}

static bool is_no_owner_inside(struct biased_lock *lock)
{
	uint64_t inside = 0;

	for (int i = 0; i < BIASED_LOCK_OWNERS / 8; i++)
		inside |= __atomic_load_n(&lock->insides[i], __ATOMIC_ACQUIRE);
	return inside == 0;
}

/*
 * Makes this thread the owner of that number, and gives `taken` back. Without membarrier() its
 * ownership could not be ended, so that the lock becomes everybody's. That is asked when there is
 * the first owner; a forked child inherits the answer.
 */
static uint32_t become_owner(struct biased_lock *lock, uint32_t number)
{
	if (number == BIASED_LOCK_OWNERS ||
	    (number == 0 && !pass_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED))) {
		__atomic_store_n(&lock->owner, EVERYBODYS, __ATOMIC_RELAXED);
		return BIASED_LOCK_HELD_BY_ANY;
	}
	__atomic_store_n(&lock->inside[number], 1, __ATOMIC_RELAXED);
	__atomic_store_n(&lock->owner, (uintptr_t)&biased_lock_held + number, __ATOMIC_RELAXED);
	__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
	return BIASED_LOCK_HELD_BY_OWNER + number;
}

/* After the barrier, an owner that is not seen inside will find that it is no owner any more. */
static bool end_ownership(struct biased_lock *lock, uintptr_t owner)
{
	__atomic_store_n(&lock->owner, EVERYBODYS, __ATOMIC_RELAXED);
	if (pass_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
		return true;
	__atomic_store_n(&lock->owner, owner, __ATOMIC_RELAXED);
	return false;
}

/* Under `taken`, which stays taken if the lock is held by any thread, and is given back
 * otherwise. */
static uint32_t enter_taken(struct biased_lock *lock)
{
	uintptr_t owner = lock->owner;

	if (owner == 0)
		return become_owner(lock, 0);
	if (owner - owner % BIASED_LOCK_OWNERS == (uintptr_t)&biased_lock_held)
		return become_owner(lock,
				    owner % BIASED_LOCK_OWNERS); /* somebody was about to end it */
	if ((owner == EVERYBODYS || end_ownership(lock, owner)) &&
	    wait_until(is_no_owner_inside, lock))
		return owner == EVERYBODYS ? BIASED_LOCK_HELD_BY_ANY
					   : become_owner(lock, owner % BIASED_LOCK_OWNERS + 1);
	__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
	return BIASED_LOCK_NOT_HELD;
}

uint32_t biased_lock_enter_slowly(struct biased_lock *lock)
{
	int saved_errno = errno;
	uint32_t how = wait_until(try_to_take, lock) ? enter_taken(lock) : BIASED_LOCK_NOT_HELD;

	errno = saved_errno;
	return how;
}
