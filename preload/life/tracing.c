/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "preload/base/config.h"
#include "preload/base/lock.h"
#include "preload/base/process.h"
#include "preload/base/text.h"
#include "preload/capture/backtrace.h"
#include "preload/capture/modules.h"
#include "preload/capture/stacks.h"
#include "preload/capture/tree.h"
#include "preload/file/chunks.h"
#include "preload/file/clock.h"
#include "preload/file/findings.h"
#include "preload/file/lanes.h"
#include "preload/file/log.h"
#include "preload/file/session.h"
#include "preload/file/trace.h"
#include "preload/file/trace_file.h"
#include "preload/ledger/ledger.h"
#include "preload/life/follow.h"
#include "preload/life/hooks.h"
#include "preload/life/inherit.h"
#include "preload/life/tracing.h"

#include "preload/base/poison.h"

#if defined(__x86_64__)
#define THIS_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define THIS_MACHINE EM_AARCH64
#endif

enum { ARGUMENTS_BYTES = 64 * 1024 };

static char start_folder[NAME_BYTES_MOST];
static char trace_path[NAME_BYTES_MOST + 1];
static uint32_t traces;  /* made by this process and its ancestors */
static bool has_failed;  /* said so, and is not tried again */
static bool is_prepared; /* what is made once in a process and its children */

static bool refuse(const char *what, size_t what_bytes, const char *why)
{
	char line[TEXT_LINE_BYTES];
	struct text t = TEXT_IN(line);

	text_add(&t, "not tracing: ");
	text_add_bytes(&t, what, what_bytes);
	if (what_bytes)
		text_add(&t, ": ");
	text_add(&t, why);
	text_say(&t);
	session_tell("!", t.at, t.bytes);
	has_failed = true;
	return false;
}

static bool refuse_errno(const struct name *name, int error)
{
	const char *why = strerrordesc_np(error);

	return refuse(name->text, name->bytes, why ? why : "it cannot be written");
}

static size_t read_file(const char *path, char *to, size_t bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, to, bytes);

	if (fd >= 0)
		close(fd);
	return got > 0 ? (size_t)got : 0;
}

/* Field 22 of /proc/self/stat; the second one may hold spaces and brackets. */
static uint64_t pid_start(void)
{
	char stat[1024];
	size_t bytes = read_file("/proc/self/stat", stat, sizeof(stat));
	const char *at = bytes ? memrchr(stat, ')', bytes) : NULL, *end = stat + bytes;
	int field = 2;

	for (; at && at < end && field < 22; at++)
		field += *at == ' ';
	return at ? text_read_number(&at, end) : 0;
}

static void read_boot_id(uint8_t id[16])
{
	char text[64];
	size_t bytes = read_file("/proc/sys/kernel/random/boot_id", text, sizeof(text)), n = 0;

	for (size_t i = 0; i < bytes && n < 32; i++) {
		int value = text_hex_value(text[i]);

		if (value < 0)
			continue;
		id[n / 2] = (uint8_t)(id[n / 2] << 4 | value);
		n++;
	}
}

static void fill_header(uint64_t start_time_ns, bool inherited)
{
	struct trace_header *h = trace_header;

	h->version = TRACE_VERSION;
	h->byte_order = TRACE_BYTE_ORDER;
	h->chunk_bytes = TRACE_CHUNK_BYTES;
	h->mode = config->mode;
	h->max_chunks = config->mode == TRACE_MODE_RING
				? (uint32_t)(config->ring_bytes / TRACE_CHUNK_BYTES)
				: 0;
	h->machine = THIS_MACHINE;
	h->pid = getpid();
	h->ppid = getppid();
	h->pid_start = pid_start();
	read_boot_id(h->boot_id);
	h->start_time_ns = start_time_ns;
	h->depth = config->depth;
	h->inherited = inherited;
	h->clock_first = *clock_first();
	h->clock_last[0] = clock_now();
}

#define DEFINE_FAMILY(constant, text) \
	log_text(TRACE_RECORD_FAMILY, FAMILY_##constant, text, sizeof(text) - 1);
#define DEFINE_FUNCTION(table, name, family, role, shim) \
	log_text(TRACE_RECORD_FUNCTION, \
		 SLOT_##name | (uint32_t)FAMILY_##family << 8 | (uint32_t)TRACE_ROLE_##role << 16, \
		 #name, sizeof(#name) - 1);

#define DEFINE_TRANSFER(name, text) \
	log_text(TRACE_RECORD_FUNCTION, TRANSFER_##name | (uint32_t)TRACE_ROLE_TRANSFER << 16, \
		 text, sizeof(text) - 1);

static void define_executable(void)
{
	char path[NAME_BYTES_MOST];
	ssize_t bytes = readlink("/proc/self/exe", path, sizeof(path));

	if (bytes > 0)
		log_text(TRACE_RECORD_EXE, 0, path, (size_t)bytes);
}

static void define_argument(uint32_t position, const char *text, size_t bytes)
{
	do {
		size_t part = bytes < TRACE_TEXT_MAX ? bytes : TRACE_TEXT_MAX;

		log_text(TRACE_RECORD_ARGUMENT, position, text, part);
		text += part;
		bytes -= part;
	} while (bytes > 0);
}

/* The command line, as long as it may be: past 64 KiB it is cut off. */
static void define_arguments(void)
{
	char *arguments = mmap(NULL, ARGUMENTS_BYTES, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t bytes, at = 0;

	if (arguments == MAP_FAILED)
		return;
	bytes = read_file("/proc/self/cmdline", arguments, ARGUMENTS_BYTES - 1);
	for (uint32_t position = 0; at < bytes; position++) {
		size_t length = strlen(arguments + at);

		define_argument(position, arguments + at, length);
		at += length + 1;
	}
	munmap(arguments, ARGUMENTS_BYTES);
}

static void define_process(void)
{
	TRACED_FAMILIES(DEFINE_FAMILY)
	TRACED_SLOTS(DEFINE_FUNCTION)
	TRACED_TRANSFERS(DEFINE_TRANSFER)
	define_executable();
	define_arguments();
}

static bool prepare_once(void)
{
	const char *why = "no memory";

	if (is_prepared)
		return true;
	if (!modules_init() || !lanes_init() || !ledger_init() || !tree_init())
		return refuse("", 0, why);
	if (!backtrace_init(&why))
		return refuse("", 0, why);
	hooks_register();
	is_prepared = true;
	return true;
}

/* A new file, mapped, with its header, and everything that belonged to another one forgotten. */
static bool open_new(struct trace_file *file, bool inherited)
{
	uint64_t bytes = config->mode == TRACE_MODE_RING ? config->ring_bytes : 0;
	struct trace_header *header;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (!trace_file_create(file, start_folder, (uint64_t)now.tv_sec))
		return refuse_errno(&file->name, errno);
	header = chunks_open(file->fd, bytes);
	if (!header) {
		int error = errno;

		trace_file_abandon(file);
		return refuse_errno(&file->name, error);
	}
	trace_header = header;
	trace_count_earlier();
	fill_header((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec, inherited);
	lanes_reset();
	log_reset();
	stacks_reset();
	tree_reset();
	findings_reset();
	return true;
}

/* From here on the file is a trace, and this process's. */
static bool publish(struct trace_file *file)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(trace_header->magic, TRACE_MAGIC, sizeof(trace_header->magic));
	if (!trace_file_publish(file)) {
		trace_header = NULL; /* what is mapped stays so: nothing refers to it */
		return refuse_errno(&file->name, errno);
	}
	memcpy(trace_path, file->name.text, sizeof(trace_path));
	chunks_set_path(trace_path);
	__atomic_store_n(&process_page->trace, ++traces, __ATOMIC_RELEASE);
	session_tell("", file->name.text, file->name.bytes);
	return true;
}

/* Under the cold lock. */
static bool make(void)
{
	static struct trace_file file; /* under the cold lock, and stacks may be small */

	if (!prepare_once() || !open_new(&file, false))
		return false;
	define_process();
	if (!publish(&file))
		return false;
	if (!config->follow)
		follow_no_more();
	return true;
}

/* Under the cold lock, in a child. */
static bool make_inherited(void)
{
	struct inheritance inheritance;
	static struct trace_file file; /* under the cold lock, and stacks may be small */
	bool made;

	inherit_begin(&inheritance);
	backtrace_inherit();
	trace_header = NULL;
	made = open_new(&file, true);
	if (made) {
		inherit_all(&inheritance);
		made = publish(&file);
	}
	inherit_end(&inheritance);
	return made;
}

static bool renew_trace(void)
{
	uintptr_t was_inside = reentry_inside;
	bool made;

	if (has_failed || !trace_header || !lock_take(LOCK_COLD))
		return false;
	if (!config->follow)
		has_failed = true;
	reentry_inside = true;
	made = trace_is_mine() || (!has_failed && make_inherited());
	reentry_inside = was_inside;
	lock_release(LOCK_COLD);
	return made;
}

static bool begin_trace(void)
{
	bool made;

	if (!process_page || has_failed)
		return false;
	if (trace_is_mine())
		return true;
	if (trace_header)
		return renew_trace();
	if (!lock_take(LOCK_COLD))
		return false;
	reentry_inside = true;
	made = trace_is_mine() || (!has_failed && make());
	reentry_inside = false;
	lock_release(LOCK_COLD);
	return made;
}

void tracing_init(void)
{
	if (!getcwd(start_folder, sizeof(start_folder)))
		start_folder[0] = '\0';
	trace_begin = begin_trace;
	trace_renew = renew_trace;
}
