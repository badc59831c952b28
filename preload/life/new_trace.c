/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "preload/base/config.h"
#include "preload/base/kernel.h"
#include "preload/base/lock.h"
#include "preload/base/process.h"
#include "preload/base/text.h"
#include "preload/call/fail.h"
#include "preload/capture/backtrace.h"
#include "preload/capture/cfi.h"
#include "preload/capture/modules.h"
#include "preload/capture/stacks.h"
#include "preload/capture/tree.h"
#include "preload/capture/unwind.h"
#include "preload/file/chunks.h"
#include "preload/file/clock.h"
#include "preload/file/findings.h"
#include "preload/file/lanes.h"
#include "preload/file/log.h"
#include "preload/file/room.h"
#include "preload/file/session_file.h"
#include "preload/file/trace.h"
#include "preload/file/trace_file.h"
#include "preload/host/elf_image.h"
#include "preload/ledger/checkpoints.h"
#include "preload/ledger/ledger.h"
#include "preload/life/facts.h"
#include "preload/life/follow.h"
#include "preload/life/hooks.h"
#include "preload/life/inherit.h"
#include "preload/life/new_trace.h"

#include "preload/base/poison.h"

static char start_folder[NAME_BYTES_MOST];
static struct trace_file file; /* static, for stacks may be small */
static uint32_t traces_made;   /* by this process and its ancestors */
static bool has_failed;        /* once said, it is not tried again */
static bool is_prepared;       /* what a process makes once, and its children inherit */

static bool refuse(const char *what, size_t what_bytes, const char *why)
{
	char line[TEXT_LINE_BYTES];
	struct text t = TEXT_IN(line);

	text_add(&t, "not tracing: ");
	text_add_bytes(&t, what, what_bytes);
	if (what_bytes)
		text_add(&t, ": ");
	text_add(&t, why);
	/* `lsatrace run` and `record` print it when the host has ended. */
	if (!session_file_add_refusal(t.at, t.bytes))
		text_say(&t);
	has_failed = true;
	return false;
}

static bool refuse_file(const struct name *name, int error)
{
	const char *why = strerrordesc_np(error);

	return refuse(name->text, name->bytes, why ? why : "it cannot be written");
}

/* MemorySanitizer does not see what code writes that it has not compiled. It would take memory of
 * the tracer for uninitialised, and end the host. */
static bool has_memory_sanitizer(void)
{
	return elf_image_any_defines("__msan_init");
}

static bool prepare_once(void)
{
	if (is_prepared)
		return true;
	if (has_memory_sanitizer())
		return refuse("", 0,
			      "the program is built with MemorySanitizer, which would end it");
	if (!modules_init() || !lanes_init(&unwind_lane_history) || !ledger_init() ||
	    !tree_init() || !cfi_init())
		return refuse("", 0, "no memory");
	backtrace_init();
	hooks_register();
	is_prepared = true;
	return true;
}

/* Makes and maps a file with a filled header. All modules forget what belonged to an earlier
 * file. */
static bool open_file(bool is_inherited)
{
	uint64_t bytes = config->mode == TRACE_MODE_RING ? config->ring_bytes : 0;
	struct trace_header *header;
	struct timespec now;
	uint64_t ticks;

	kernel_call(SYS_clock_gettime, CLOCK_REALTIME, &now);
	ticks = clock_ticks();
	if (!trace_file_create(&file, start_folder, (uint64_t)now.tv_sec))
		return refuse_file(&file.name, errno);
	header = chunks_open(file.fd, bytes);
	if (!header) {
		int error = errno;

		trace_file_abandon(&file);
		return refuse_file(&file.name, error);
	}
	trace_header = header;
	facts_fill_header(header, (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec, ticks,
			  is_inherited);
	lanes_reset();
	log_reset();
	stacks_reset();
	tree_reset();
	findings_reset();
	checkpoints_show();
	return true;
}

/* From here on the file is a trace, and it is this process's. The number comes last: once it is
 * there, other threads write to the file. */
static bool publish(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(trace_header->magic, TRACE_MAGIC, sizeof(trace_header->magic));
	if (!trace_file_publish(&file)) {
		trace_header = NULL; /* it stays mapped, but nothing refers to it */
		return refuse_file(&file.name, errno);
	}
	room_set_path(file.name.text);
	__atomic_store_n(&process_page->trace, ++traces_made, __ATOMIC_RELEASE);
	trace_count_earlier();
	session_file_add_trace(file.name.text, file.name.bytes);
	return true;
}

static bool make_first(void)
{
	if (!prepare_once() || !open_file(false))
		return false;
	facts_define();
	if (!publish())
		return false;
	if (!config->follow)
		follow_no_more();
	return true;
}

static bool make_inherited(void)
{
	struct inheritance inheritance;
	bool is_made;

	inherit_begin(&inheritance);
	images_after_fork();
	fail_after_fork();
	trace_header = NULL;
	is_made = open_file(true);
	if (is_made) {
		inherit_all(&inheritance);
		is_made = publish();
	}
	inherit_end(&inheritance);
	return is_made;
}

static bool renew_trace(void)
{
	uintptr_t was_inside = reentry_inside;
	bool is_made;

	if (has_failed || !trace_header || process_is_confined || !lock_take(LOCK_COLD))
		return false;
	if (!config->follow)
		has_failed = true;
	reentry_inside = true;
	is_made = trace_is_mine() || (!has_failed && make_inherited());
	reentry_inside = was_inside;
	lock_release(LOCK_COLD);
	return is_made;
}

static bool begin_trace(void)
{
	bool is_made;

	if (!process_page || has_failed || (process_is_confined && !trace_is_mine()))
		return false;
	if (trace_is_mine())
		return true;
	if (trace_header)
		return renew_trace();
	if (!lock_take(LOCK_COLD))
		return false;
	reentry_inside = true;
	is_made = trace_is_mine() || (!has_failed && make_first());
	reentry_inside = false;
	lock_release(LOCK_COLD);
	return is_made;
}

void new_trace_init(void)
{
	if (!getcwd(start_folder, sizeof(start_folder)))
		start_folder[0] = '\0';
	trace_begin = begin_trace;
	trace_renew = renew_trace;
}
