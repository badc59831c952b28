/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/base/mask.h"
#include "preload/base/reentry.h"
#include "preload/base/vm.h"
#include "preload/guardpage/guarded_lock.h"

#include "preload/base/poison.h"

/* Cleared by the kernel in a forked child. */
static struct lock_page {
	uint32_t taken;
	uint32_t owner; /* 1: `guarded_epoch` is this process's */
} * page;

uint32_t guarded_epoch;

bool guarded_lock(struct guarded_hold *hold)
{
	unsigned turn = 0;

	if (!page)
		return false;
	hold->error = errno;
	hold->signals = mask_block(MASK_SENT);
	while (__atomic_exchange_n(&page->taken, 1, __ATOMIC_ACQUIRE))
		if (!reentry_pause(turn++)) {
			mask_restore(hold->signals);
			return false;
		}
	if (!page->owner) {
		page->owner = 1;
		guarded_epoch++;
	}
	return true;
}

void guarded_unlock(const struct guarded_hold *hold)
{
	__atomic_store_n(&page->taken, 0, __ATOMIC_RELEASE);
	mask_restore(hold->signals);
	errno = hold->error;
}

static struct guarded_hold forking;
static bool is_held;

static void before_fork(void)
{
	is_held = guarded_lock(&forking);
}

static void after_fork(void)
{
	if (is_held)
		guarded_unlock(&forking);
}

bool guarded_lock_init(void)
{
	size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
	struct lock_page *made = vm_reserve(bytes);

	if (!made)
		return false;
	if (madvise(made, bytes, MADV_WIPEONFORK) != 0) {
		munmap(made, bytes);
		return false;
	}
	page = made;
	pthread_atfork(before_fork, after_fork, after_fork);
	return true;
}
