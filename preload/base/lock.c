/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "preload/base/compiler.h"
#include "preload/base/lock.h"
#include "preload/base/mask.h"
#include "preload/base/process.h"

#include "preload/base/poison.h"

_Static_assert((int)LOCK_COUNT <= (int)PROCESS_LOCKS, "struct process_page");

/* How a thread waits: first it spins, then it lets others run, then it sleeps. */
enum { SPINS = 200, YIELDS = 64, NAPS = 500 };

/* What the holder of a lock remembers. A forked child inherits it, so that it can restore its
 * signals. */
static struct hold {
	uint64_t signals; /* blocked before */
	int error;
	uint32_t state; /* of the lock, while it is held */
	uint32_t epoch;
} holds[LOCK_COUNT];

/* Raw system calls: no cancellation points. A sleeper names its ticket by a bit, so that a
 * wake-up reaches one sleeper in 32. */
static void futex_wait(uint32_t *word, uint32_t value, uint32_t ticket,
		       const struct timespec *deadline)
{
	syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value, deadline, NULL,
		1u << ticket % 32);
}

static void futex_wake(uint32_t *word, uint32_t ticket)
{
	syscall(SYS_futex, word, FUTEX_WAKE_BITSET_PRIVATE, INT32_MAX, NULL, NULL,
		1u << ticket % 32);
}

static bool is_past(const struct timespec *deadline)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > deadline->tv_sec ||
	       (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

/* Tickets before `ticket` have been served, or their holders have given up. */
static void move_turn(struct process_lock *lock, uint32_t ticket)
{
	uint32_t turn = __atomic_load_n(&lock->turn, __ATOMIC_RELAXED);

	while ((int32_t)(ticket - turn) > 0 &&
	       !__atomic_compare_exchange_n(&lock->turn, &turn, ticket, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_RELAXED))
		;
}

/* `state` is that of the lock, read before its turn: when the lock has changed since, this
 * fails. */
static bool try_to_take(struct process_lock *lock, uint32_t ticket, uint32_t state)
{
	uint32_t turn = __atomic_load_n(&lock->turn, __ATOMIC_SEQ_CST);

	if (state % 2 != 0 || (int32_t)(turn - ticket) < 0 ||
	    !__atomic_compare_exchange_n(&lock->state, &state, state + 1, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
	move_turn(lock, ticket + 1);
	return true;
}

/*
 * A thread sleeps on `state`, which changes each time the lock is taken or released: a change
 * between reading it and falling asleep is not missed. Whoever gives up lets the next one have its
 * turn. All wait equally long, so they give up in the order of their tickets.
 */
static APART bool wait_for_turn(struct process_lock *lock, uint32_t ticket)
{
	struct timespec deadline;
	uint32_t state;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec++;
	do {
		state = __atomic_load_n(&lock->state, __ATOMIC_SEQ_CST);
		if (try_to_take(lock, ticket, state))
			return true;
		for (int i = 0;
		     i < SPINS && __atomic_load_n(&lock->state, __ATOMIC_RELAXED) == state; i++)
			__builtin_ia32_pause();
		futex_wait(&lock->state, state, ticket, &deadline);
	} while (!is_past(&deadline));
	move_turn(lock, ticket + 1);
	futex_wake(&lock->state, ticket + 1);
	return false;
}

bool lock_take(enum lock_name which)
{
	struct hold *hold = &holds[which];
	int error = errno;
	struct process_lock *lock;
	uint64_t signals;
	uint32_t ticket;

	if (!process_page)
		return false;
	lock = &process_page->lock[which];
	signals = mask_block(MASK_SENT);
	ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_SEQ_CST);
	if (!try_to_take(lock, ticket, __atomic_load_n(&lock->state, __ATOMIC_RELAXED)) &&
	    !wait_for_turn(lock, ticket)) {
		mask_restore(signals);
		errno = error;
		return false;
	}
	hold->epoch += !lock->has_epoch;
	lock->has_epoch = true;
	hold->signals = signals;
	hold->error = error;
	hold->state = __atomic_load_n(&lock->state, __ATOMIC_RELAXED);
	return true;
}

void lock_release(enum lock_name which)
{
	struct process_lock *lock = &process_page->lock[which];
	struct hold hold = holds[which];
	uint32_t turn;

	/* In a forked child the state is another one, and the lock is free. */
	if (__atomic_compare_exchange_n(&lock->state, &hold.state, hold.state + 1, false,
					__ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
		turn = __atomic_load_n(&lock->turn, __ATOMIC_SEQ_CST);
		if (unlikely(__atomic_load_n(&lock->next, __ATOMIC_SEQ_CST) != turn))
			futex_wake(&lock->state, turn);
	}
	mask_restore(hold.signals);
	errno = hold.error;
}

uint32_t lock_epoch(enum lock_name which)
{
	return holds[which].epoch;
}

bool lock_pause(unsigned turn)
{
	struct timespec nap = { 0 };

	if (turn < SPINS) {
		__builtin_ia32_pause();
	} else if (turn < SPINS + YIELDS) {
		syscall(SYS_sched_yield);
	} else {
		/* Longer and longer: hundreds of threads that keep asking would keep the one
		 * they wait for from its work. Raw: nanosleep() is a cancellation point. */
		nap.tv_nsec = 100000 + (long)(turn - SPINS) * 6000;
		syscall(SYS_nanosleep, &nap, NULL);
	}
	return turn < SPINS + YIELDS + NAPS;
}
