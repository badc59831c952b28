/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>

#include "preload/file/trace.h"
#include "preload/ledger/checkpoints.h"
#include "preload/ledger/ledger.h"
#include "preload/package/inplace.h"
#include "preload/ways_in/client.h"

#include "preload/base/poison.h"

void client_hook_table(void *table, size_t bytes)
{
	inplace_hook_anew(table, bytes / sizeof(void *), CONVENTION_SYSV, "table");
}

void client_checkpoint(const char *name)
{
	int saved_errno = errno;

	if (name)
		checkpoints_set(name);
	errno = saved_errno;
}

size_t client_leaks_since(const char *checkpoint)
{
	int saved_errno = errno;
	size_t count = 0;

	if (process_page && trace_is_mine())
		count = checkpoints_count_since(checkpoint ? checkpoints_find(checkpoint) : 0);
	errno = saved_errno;
	return count;
}

void client_ignore(const void *memory)
{
	int saved_errno = errno;

	if (memory && process_page && trace_is_mine())
		ledger_ignore((uint64_t)(uintptr_t)memory);
	errno = saved_errno;
}
