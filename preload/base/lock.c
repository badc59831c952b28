/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "preload/base/compiler.h"
#include "preload/base/kernel.h"
#include "preload/base/lock.h"
#include "preload/base/process.h"

#include "preload/base/poison.h"

_Static_assert((int)LOCK_COUNT <= (int)PROCESS_LOCKS, "struct process_page");
_Static_assert(sizeof(struct process_page) <= 4096, "one page");

/* The C library cancels threads by this signal, which it lets nobody block. */
enum { SIGNAL_OF_CANCELLATION = 32 };

#define NOT_BLOCKED UINT64_MAX /* nobody can block SIGKILL, so that this is no set of signals */

/* How a thread waits: first it spins, then it lets others run, then it sleeps. */
enum { CONFINED_SPINS = 1 << 20, SPINS = 200, YIELDS = 64, NAPS = 500 };

/* What the holder of a lock remembers. A forked child inherits it, so that it can restore its
 * signals. */
static struct hold {
	uint64_t signals; /* blocked before */
	int error;
	uint32_t state; /* of the lock, while it is held */
	uint32_t epoch;
} holds[LOCK_COUNT];

/* What tells the calling thread from the others. */
static uintptr_t own_mark(void)
{
	static __thread char mark;

	return (uintptr_t)&mark;
}

static void restore_signals(uint64_t signals)
{
	if (signals != NOT_BLOCKED && !process_is_confined)
		kernel_restore_signals(signals);
}

static uint32_t *bell_of(struct process_lock *lock, uint32_t ticket)
{
	return &lock->bell[ticket % PROCESS_BELLS];
}

/* Wakes the thread with that ticket, and a few others that sleep on the same bell. */
static void ring_bell(struct process_lock *lock, uint32_t ticket)
{
	__atomic_add_fetch(bell_of(lock, ticket), 1, __ATOMIC_SEQ_CST);
	if (process_is_confined)
		return;
	kernel_call(SYS_futex, bell_of(lock, ticket), FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

static bool is_past(const struct timespec *deadline)
{
	struct timespec now;

	kernel_call(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
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

static bool try_to_take(struct process_lock *lock, uint32_t ticket)
{
	uint32_t state = __atomic_load_n(&lock->state, __ATOMIC_SEQ_CST);
	uint32_t turn = __atomic_load_n(&lock->turn, __ATOMIC_SEQ_CST);

	if (state % 2 != 0 || (int32_t)(turn - ticket) < 0 ||
	    !__atomic_compare_exchange_n(&lock->state, &state, state + 1, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
	__atomic_store_n(&lock->holder, own_mark(), __ATOMIC_RELAXED);
	move_turn(lock, ticket + 1);
	return true;
}

/* Whether there is no use in waiting. */
static bool is_stuck(struct process_lock *lock)
{
	uint32_t state = __atomic_load_n(&lock->state, __ATOMIC_RELAXED);

	return state % 2 != 0 && (__atomic_load_n(&lock->given_up, __ATOMIC_RELAXED) == state ||
				  __atomic_load_n(&lock->holder, __ATOMIC_RELAXED) == own_mark());
}

/*
 * The bell is read before the lock is tried, so that a thread does not fall asleep when it rings
 * between trying and sleeping. Whoever gives up lets the next one have its turn; all wait equally
 * long, so they give up in the order of their tickets. The system call is raw, and so no
 * cancellation point.
 */
static APART bool wait_for_turn(struct process_lock *lock, uint32_t ticket)
{
	struct timespec deadline = { 0 };
	uint32_t *bell = bell_of(lock, ticket), before;
	unsigned turn = 0;

	if (!process_is_confined)
		kernel_call(SYS_clock_gettime, CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec++;
	do {
		before = __atomic_load_n(bell, __ATOMIC_SEQ_CST);
		if (try_to_take(lock, ticket))
			return true;
		if (process_is_confined) {
			if (lock_pause(turn++))
				continue;
			break;
		}
		for (int i = 0; i < SPINS && __atomic_load_n(bell, __ATOMIC_RELAXED) == before; i++)
			__builtin_ia32_pause();
		kernel_call(SYS_futex, bell, FUTEX_WAIT_BITSET_PRIVATE, before, &deadline, NULL,
			    FUTEX_BITSET_MATCH_ANY);
	} while (process_is_confined || !is_past(&deadline));
	__atomic_store_n(&lock->given_up, __atomic_load_n(&lock->state, __ATOMIC_RELAXED),
			 __ATOMIC_RELAXED);
	move_turn(lock, ticket + 1);
	ring_bell(lock, ticket + 1);
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
	if (unlikely(is_stuck(lock)))
		return false;
	signals = process_is_confined ? NOT_BLOCKED : kernel_block_signals(MASK_SENT);
	ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_SEQ_CST);
	if (!try_to_take(lock, ticket) && !wait_for_turn(lock, ticket)) {
		restore_signals(signals);
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

	/* First: it must never name a thread that does not hold the lock. */
	if (__atomic_load_n(&lock->holder, __ATOMIC_RELAXED) == own_mark())
		__atomic_store_n(&lock->holder, 0, __ATOMIC_RELAXED);
	/* In a forked child the state is another one, and the lock is free. */
	if (__atomic_compare_exchange_n(&lock->state, &hold.state, hold.state + 1, false,
					__ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
		turn = __atomic_load_n(&lock->turn, __ATOMIC_SEQ_CST);
		if (unlikely(__atomic_load_n(&lock->next, __ATOMIC_SEQ_CST) != turn))
			ring_bell(lock, turn);
	}
	restore_signals(hold.signals);
	errno = hold.error;
}

void lock_release_left(void)
{
	uint64_t signals;

	for (int which = LOCK_COUNT - 1; process_page && which >= 0; which--) {
		struct process_lock *lock = &process_page->lock[which];

		if (__atomic_load_n(&lock->state, __ATOMIC_RELAXED) % 2 == 0 ||
		    __atomic_load_n(&lock->holder, __ATOMIC_RELAXED) != own_mark())
			continue;
		signals = process_is_confined ? NOT_BLOCKED : kernel_block_signals(0);
		if (!(signals & MASK_OF(SIGNAL_OF_CANCELLATION)))
			holds[which].signals = signals;
		lock_release((enum lock_name)which);
	}
}

uint32_t lock_epoch(enum lock_name which)
{
	return holds[which].epoch;
}

bool lock_pause(unsigned turn)
{
	struct timespec nap = { 0 };

	if (turn < SPINS || process_is_confined) {
		__builtin_ia32_pause();
		return turn < CONFINED_SPINS;
	} else if (turn < SPINS + YIELDS) {
		kernel_call(SYS_sched_yield);
	} else {
		/* Longer and longer: hundreds of threads that keep asking would keep the one
		 * they wait for from its work. Raw: nanosleep() is a cancellation point. */
		nap.tv_nsec = 100000 + (long)(turn - SPINS) * 6000;
		kernel_call(SYS_nanosleep, &nap, NULL);
	}
	return turn < SPINS + YIELDS + NAPS;
}
