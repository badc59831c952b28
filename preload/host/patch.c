/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/host/maps.h"
#include "preload/host/patch.h"

#include "preload/base/poison.h"

bool patch_pointer(void **place, void *value)
{
	size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
	void *page = (void *)((uintptr_t)place & ~(bytes - 1));
	int protection = maps_protection(place);
	bool writable = protection > 0 && protection & PROT_WRITE;

	/* One that is not aligned may lie on two pages. */
	if (protection < 0 || (uintptr_t)place % sizeof(*place) != 0)
		return false;
	if (!writable && mprotect(page, bytes, protection | PROT_WRITE) != 0)
		return false;
	__atomic_store_n(place, value, __ATOMIC_RELEASE);
	if (!writable)
		mprotect(page, bytes, protection);
	return true;
}
