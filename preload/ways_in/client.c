/* SPDX-License-Identifier: MIT */
/* What include/lsatrace.h finds when the process is traced. */
#include <errno.h>
#include <stddef.h>

#include "preload/file/trace.h"
#include "preload/ledger/checkpoints.h"
#include "preload/ledger/ledger.h"
#include "preload/life/init.h"
#include "preload/package/inplace.h"
#include "preload/ways_in/client.h"

#include "preload/base/poison.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void lsatrace_client_hook_table(void *table, size_t bytes)
{
	init_ensure();
	inplace_hook_anew(table, bytes / sizeof(void *), "table");
}

EXPORT void lsatrace_client_checkpoint(const char *name)
{
	int saved_errno = errno;

	init_ensure();
	if (name)
		checkpoints_set(name);
	errno = saved_errno;
}

EXPORT size_t lsatrace_client_leaks_since(const char *checkpoint)
{
	int saved_errno = errno;
	size_t count = 0;

	init_ensure();
	if (process_page && trace_is_mine())
		count = ledger_count_since(checkpoint ? checkpoints_find(checkpoint) : 0);
	errno = saved_errno;
	return count;
}
