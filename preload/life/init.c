/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>

#include "preload/base/config.h"
#include "preload/base/process.h"
#include "preload/base/reentry.h"
#include "preload/file/clock.h"
#include "preload/host/real.h"
#include "preload/life/init.h"
#include "preload/life/tracing.h"
#include "preload/ways_in/entry.h"
#include "preload/ways_in/table_symbols.h"

#include "preload/base/poison.h"

static void init(void)
{
	int saved_errno = errno;

	real_init();
	entry_init();
	clock_init();
	config_init();
	process_init();
	tracing_init();
	table_symbols_init();
	errno = saved_errno;
}

void init_ensure(void)
{
	static bool done;

	if (likely(done))
		return;
	done = true;
	init();
}

/* Tables are relocated by now, and libunwind may be loaded. */
static __attribute__((constructor)) void start(void)
{
	init_ensure();
	entry_start();
}
