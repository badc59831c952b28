/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "preload/base/mask.h"
#include "preload/base/reentry.h"

#include "preload/base/poison.h"

struct guard_page *guard;
__thread uintptr_t reentry_inside;

static uint64_t blocked_before; /* by the owner of the cold lock */

bool reentry_init(void)
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

/* Asks the kernel, which looks at a set of signals before it looks at what is to be done with it. */
static bool is_readable(uintptr_t address)
{
	return syscall(SYS_rt_sigprocmask, -1, address, NULL, sizeof(uint64_t)) == 0 ||
	       errno != EFAULT;
}

bool reentry_was_left(const void *end)
{
	uintptr_t mark = reentry_inside;

	if (mark == 1)
		return false;
	if (mark >= (uintptr_t)__builtin_frame_address(0) && mark < (uintptr_t)end)
		return true;
	return !is_readable(mark) ||
	       ((const struct reentry_mark *)mark)->check != reentry_check(mark);
}

bool reentry_pause(unsigned turn)
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
	do {
		uint64_t before = mask_block(MASK_SENT);

		if (!__atomic_exchange_n(&guard->cold_lock, 1, __ATOMIC_ACQUIRE)) {
			blocked_before = before;
			return true;
		}
		mask_restore(before);
	} while (reentry_pause(turn++));
	return false;
}

void cold_unlock(void)
{
	uint64_t before = blocked_before;

	__atomic_store_n(&guard->cold_lock, 0, __ATOMIC_RELEASE);
	mask_restore(before);
}
