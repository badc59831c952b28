/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>

#include "preload/base/config.h"
#include "preload/base/process.h"
#include "preload/base/reentry.h"
#include "preload/base/text.h"
#include "preload/base/vm.h"
#include "preload/capture/backtrace.h"
#include "preload/file/clock.h"
#include "preload/file/lanes.h"
#include "preload/file/session_file.h"
#include "preload/host/elf_image.h"
#include "preload/host/real.h"
#include "preload/life/follow.h"
#include "preload/life/hooks.h"
#include "preload/life/init.h"
#include "preload/life/new_trace.h"
#include "preload/package/own_tables.h"
#include "preload/ways_in/libraries.h"
#include "preload/ways_in/linked.h"
#include "preload/ways_in/scope.h"
#include "preload/ways_in/table_symbols.h"

#include "preload/base/poison.h"

static void init_modules(void)
{
	int saved_errno = errno;

	/* The thread sanitizer has its own tables in the range of addresses. */
	if (elf_image_any_defines("__tsan_init"))
		vm_avoid_range();
	real_init(); /* first: all others may call functions of the C library that are replaced here */
	scope_init();
	libraries_init();
	own_tables_init(linked_behind);
	text_start();
	clock_init();
	config_init();
	session_file_init();
	process_init();
	lanes_start();
	hooks_start(libraries_end);
	new_trace_init();
	table_symbols_init(); /* last: it reads the configuration */
	errno = saved_errno;
}

void init_ensure(void)
{
	static bool is_done;

	if (likely(is_done))
		return;
	is_done = true;
	init_modules();
}

static void say_without_libunwind(void)
{
	char line[TEXT_LINE_BYTES];
	struct text t = TEXT_IN(line);

	text_add(&t, "--unwind: libunwind.so.8 cannot be used; going on without");
	text_say(&t);
}

/* By now the loader has relocated the tables of the program and its libraries, and libunwind may be
 * loaded. */
static __attribute__((constructor)) void start_library(void)
{
	uintptr_t was_inside = reentry_inside;

	init_ensure();
	reentry_inside = true;
	if (!backtrace_start())
		say_without_libunwind();
	reentry_inside = was_inside;
	follow_start();
	libraries_start();
}
