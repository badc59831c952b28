/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "guard.h"

#include "poison.h"

struct guard_page *guard;
__thread bool guard_inside;

bool guard_init(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *at = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return false;
	if (madvise(at, page, MADV_WIPEONFORK) != 0) {
		munmap(at, page);
		return false;
	}
	guard = at;
	return true;
}

bool guard_pause(unsigned turn)
{
	/* Longer and longer: hundreds of threads that keep asking keep the owner from its work. */
	struct timespec nap = { .tv_nsec = 100000 + turn * 6000 };

	if (turn < 64)
		sched_yield();
	else
		nanosleep(&nap, NULL);
	return turn < 64 + 500;
}

bool cold_lock(void)
{
	unsigned turn = 0;

	if (!guard)
		return false;
	while (__atomic_exchange_n(&guard->cold_lock, 1, __ATOMIC_ACQUIRE))
		if (!guard_pause(turn++))
			return false;
	return true;
}

void cold_unlock(void)
{
	__atomic_store_n(&guard->cold_lock, 0, __ATOMIC_RELEASE);
}
