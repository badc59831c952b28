/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lock.h"

#include "../poison.h"

enum { SPINS = 200 };

__thread enum lock_hold lock_held;

static const enum lock_hold everybodys;

static bool membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0) == 0;
}

/* False: it was not in time. */
static bool wait_until(bool (*is_done)(struct lock *), struct lock *lock)
{
	bool waits = true;

	for (int i = 0; i < SPINS; i++) {
		if (is_done(lock))
			return true;
		__builtin_ia32_pause();
	}
	for (unsigned turn = 0; waits && !is_done(lock); turn++)
		waits = guard_pause(turn);
	return waits;
}

static bool try_to_take(struct lock *lock)
{
	return __atomic_load_n(&lock->taken, __ATOMIC_RELAXED) == 0 &&
	       __atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE) == 0;
}

static bool is_owner_outside(struct lock *lock)
{
	return __atomic_load_n(&lock->owner_inside, __ATOMIC_ACQUIRE) == 0;
}

/* Under `taken`, as the next one. A thread that cannot be made to pass a barrier is not to be one. */
static enum lock_hold become_owner(struct lock *lock)
{
	if (!membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)) {
		__atomic_store_n(&lock->owner, &everybodys, __ATOMIC_RELEASE);
		return LOCK_HELD_BY_ANY;
	}
	__atomic_store_n(&lock->owner_inside, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&lock->owner, &lock_held, __ATOMIC_RELAXED);
	__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
	return LOCK_HELD_BY_OWNER;
}

/* After the barrier, an owner that is not seen inside has seen that it is none. */
static bool end_ownership(struct lock *lock)
{
	const enum lock_hold *owner = lock->owner;

	if (owner == &everybodys)
		return true;
	__atomic_store_n(&lock->owner, &everybodys, __ATOMIC_RELAXED);
	if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
		return true;
	__atomic_store_n(&lock->owner, owner, __ATOMIC_RELAXED);
	return false;
}

static enum lock_hold acquire(struct lock *lock)
{
	if (!wait_until(try_to_take, lock))
		return LOCK_NOT_HELD;
	if (!lock->owner || lock->owner == &lock_held)
		return become_owner(lock);
	if (end_ownership(lock) && wait_until(is_owner_outside, lock))
		return LOCK_HELD_BY_ANY;
	__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
	return LOCK_NOT_HELD;
}

enum lock_hold lock_acquire_slowly(struct lock *lock)
{
	int saved_errno = errno;
	enum lock_hold how = acquire(lock);

	errno = saved_errno;
	return how;
}
