/* SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "clock.h"
#include "config.h"
#include "entry.h"
#include "guard.h"
#include "init.h"
#include "named.h"
#include "real.h"
#include "tracing.h"

#include "poison.h"

static void init(void)
{
	real_init();
	entry_init();
	clock_init();
	config_init();
	guard_init();
	tracing_init();
	named_init();
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
