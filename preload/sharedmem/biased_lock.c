/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "preload/base/lock.h"
#include "preload/sharedmem/biased_lock.h"

#include "preload/base/poison.h"

enum { SPINS = 200 };

#define EVERYBODYS (~(uintptr_t)0)

__thread uint32_t biased_lock_held __attribute__((aligned(LOCK_OWNERS)));

static bool membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0) == 0;
}

/* False: it was not in time. */
static bool wait_until(bool (*is_done)(struct biased_lock *), struct biased_lock *lock)
{
	bool waits = true;

	for (int i = 0; i < SPINS; i++) {
		if (is_done(lock))
			return true;
		__builtin_ia32_pause();
	}
	for (unsigned turn = 0; waits && !is_done(lock); turn++)
		waits = lock_pause(turn);
	return waits;
}

static bool try_to_take(struct biased_lock *lock)
{
	return __atomic_load_n(&lock->taken, __ATOMIC_RELAXED) == 0 &&
	       __atomic_exchange_n(&lock->taken, 1, __ATOMIC_ACQUIRE) == 0;
}

static bool is_no_owner_inside(struct biased_lock *lock)
{
	uint64_t inside = 0;

	for (int i = 0; i < LOCK_OWNERS / 8; i++)
		inside |= __atomic_load_n(&lock->insides[i], __ATOMIC_ACQUIRE);
	return inside == 0;
}

/* A thread that cannot be made to pass a barrier is not to be an owner. Known once for all: a forked
 * child inherits it. */
static bool can_own(uint32_t number)
{
	return number < LOCK_OWNERS &&
	       (number > 0 || membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED));
}

/* Under `taken`, as the next one. */
static uint32_t become_owner(struct biased_lock *lock, uint32_t number)
{
	if (!can_own(number)) {
		__atomic_store_n(&lock->owner, EVERYBODYS, __ATOMIC_RELAXED);
		return LOCK_HELD_BY_ANY;
	}
	__atomic_store_n(&lock->inside[number], 1, __ATOMIC_RELAXED);
	__atomic_store_n(&lock->owner, (uintptr_t)&biased_lock_held + number, __ATOMIC_RELAXED);
	__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
	return LOCK_HELD_BY_OWNER + number;
}

/* After the barrier, an owner that is not seen inside has seen that it is none. */
static bool end_ownership(struct biased_lock *lock, uintptr_t owner)
{
	__atomic_store_n(&lock->owner, EVERYBODYS, __ATOMIC_RELAXED);
	if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
		return true;
	__atomic_store_n(&lock->owner, owner, __ATOMIC_RELAXED);
	return false;
}

/* Under `taken`, which is kept if the lock is everybody's, and let go otherwise. */
static uint32_t follow(struct biased_lock *lock, uintptr_t owner)
{
	bool is_everybodys = owner == EVERYBODYS;

	if ((is_everybodys || end_ownership(lock, owner)) && wait_until(is_no_owner_inside, lock))
		return is_everybodys ? LOCK_HELD_BY_ANY
				     : become_owner(lock, owner % LOCK_OWNERS + 1);
	__atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
	return LOCK_NOT_HELD;
}

static uint32_t acquire(struct biased_lock *lock)
{
	uintptr_t owner;

	if (!wait_until(try_to_take, lock))
		return LOCK_NOT_HELD;
	owner = lock->owner;
	if (owner - owner % LOCK_OWNERS == (uintptr_t)&biased_lock_held)
		return become_owner(lock, owner % LOCK_OWNERS);
	return owner ? follow(lock, owner) : become_owner(lock, 0);
}

uint32_t biased_lock_acquire_slowly(struct biased_lock *lock)
{
	int saved_errno = errno;
	uint32_t how = acquire(lock);

	errno = saved_errno;
	return how;
}
