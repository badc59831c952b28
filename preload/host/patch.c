/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "preload/base/lock.h"
#include "preload/host/maps.h"
#include "preload/host/patch.h"

#include "preload/base/poison.h"

static void *page_of(const void *place)
{
	return (void *)((uintptr_t)place & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1));
}

/* Makes the page of an address writable. Returns how it was protected, or -1 if it cannot be done. */
static int make_writable(const void *place)
{
	int protection = maps_protection(place);

	if (protection >= 0 && !(protection & PROT_WRITE) &&
	    mprotect(page_of(place), (size_t)sysconf(_SC_PAGESIZE), protection | PROT_WRITE) != 0)
		return -1;
	return protection;
}

static void protect_again(const void *place, int protection)
{
	if (!(protection & PROT_WRITE))
		mprotect(page_of(place), (size_t)sysconf(_SC_PAGESIZE), protection);
}

/* Under LOCK_MEMORY. */
static bool write_pointer(void **place, void *value)
{
	int protection = make_writable(place);

	if (protection < 0)
		return false;
	__atomic_store_n(place, value, __ATOMIC_RELEASE);
	protect_again(place, protection);
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

/* It may lie on two pages. */
bool patch_word(void *place, uint32_t value)
{
	void *last = (char *)place + sizeof(value) - 1;
	int protection = make_writable(place), protection_of_last;

	if (protection < 0)
		return false;
	protection_of_last = make_writable(last);
	if (protection_of_last >= 0) {
		memcpy(place, &value, sizeof(value));
		protect_again(last, protection_of_last);
	}
	protect_again(place, protection);
	return protection_of_last >= 0;
}
