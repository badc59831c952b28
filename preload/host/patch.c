/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/base/lock.h"
#include "preload/host/maps.h"
#include "preload/host/patch.h"

#include "preload/base/poison.h"

/* Under LOCK_MEMORY. */
static bool write_pointer(void **place, void *value)
{
	size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
	void *page = (void *)((uintptr_t)place & ~(bytes - 1));
	int protection = maps_protection(place);
	bool writable = protection > 0 && protection & PROT_WRITE;

	if (protection < 0)
		return false;
	if (!writable && mprotect(page, bytes, protection | PROT_WRITE) != 0)
		return false;
	__atomic_store_n(place, value, __ATOMIC_RELEASE);
	if (!writable)
		mprotect(page, bytes, protection);
	return true;
}

bool patch_pointer(void **place, void *value)
{
	bool is_written;

	/* One that is not aligned may lie on two pages. */
	if ((uintptr_t)place % sizeof(*place) != 0 || !lock_take(LOCK_MEMORY))
		return false;
	is_written = write_pointer(place, value);
	lock_release(LOCK_MEMORY);
	return is_written;
}
