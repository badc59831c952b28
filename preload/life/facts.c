/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "include/options.h"
#include "include/program.h"
#include "include/slots.h"
#include "preload/base/config.h"
#include "preload/base/kernel.h"
#include "preload/base/text.h"
#include "preload/call/fail.h"
#include "preload/file/clock.h"
#include "preload/file/log.h"
#include "preload/file/name.h"
#include "preload/file/session_file.h"
#include "preload/file/trace.h"
#include "preload/life/facts.h"

#include "preload/base/poison.h"

#if defined(__x86_64__)
#define THIS_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define THIS_MACHINE EM_AARCH64
#endif

enum { COMMAND_LINE_BYTES = 64 * 1024 }; /* longer ones are cut off */

/* Field 22 of /proc/self/stat. Field 2, the name in parentheses, may itself hold blanks and
 * parentheses. */
static uint64_t read_pid_start(void)
{
	char stat[1024];
	size_t bytes = kernel_read_file("/proc/self/stat", stat, sizeof(stat));
	const char *at = bytes ? memrchr(stat, ')', bytes) : NULL, *end = stat + bytes;
	int field = 2;

	for (; at && at < end && field < 22; at++)
		field += *at == ' ';
	return at ? text_read_number(&at, end) : 0;
}

static void read_boot_id(uint8_t id[16])
{
	char text[64];
	size_t bytes = kernel_read_file("/proc/sys/kernel/random/boot_id", text, sizeof(text)),
	       n = 0;

	for (size_t i = 0; i < bytes && n < 32; i++) {
		int value = text_hex_value(text[i]);

		if (value < 0)
			continue;
		id[n / 2] = (uint8_t)(id[n / 2] << 4 | value);
		n++;
	}
}

static void fill_session(char session[8])
{
	const char *path = session_file_path();
	size_t bytes = strlen(path);

	if (bytes >= 8)
		memcpy(session, path + bytes - 8, 8);
}

void facts_fill_header(struct trace_header *h, uint64_t start_time_ns, uint64_t start_ticks,
		       bool is_inherited)
{
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
	h->pid_start = read_pid_start();
	read_boot_id(h->boot_id);
	h->start_time_ns = start_time_ns;
	h->start_ticks = start_ticks;
	h->depth = config->depth;
	h->inherited = is_inherited;
	h->clock_first = *clock_first();
	h->clock_last[0] = clock_now();
	fill_session(h->session);
	h->first_era = h->last_era = trace_era();
	h->search = config->leak_check ? TRACE_SEARCH_ASKED : TRACE_SEARCH_NONE;
}

/* A command line as /proc has it: arguments that each end in a NUL. Texts longer than the longest
 * record take several. */
static void define_arguments(const char *arguments, size_t bytes)
{
	const char *at = arguments, *end = arguments + bytes;

	for (uint32_t position = 0; at < end; position++) {
		size_t left = strlen(at), part;

		do {
			part = left < TRACE_TEXT_MAX ? left : TRACE_TEXT_MAX;
			log_text(TRACE_RECORD_ARGUMENT, position, at, part);
			at += part;
			left -= part;
		} while (left > 0);
		at++;
	}
}

static void define_command(void)
{
	char path[NAME_BYTES_MOST];
	ssize_t path_bytes = readlink("/proc/self/exe", path, sizeof(path));
	/* Mapped, for stacks may be small; zeroed, so that the last argument ends. */
	char *arguments = mmap(NULL, COMMAND_LINE_BYTES, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t bytes;

	if (path_bytes > 0)
		log_text(TRACE_RECORD_EXE, 0, path, (size_t)path_bytes);
	if (arguments == MAP_FAILED)
		return;
	bytes = kernel_read_file("/proc/self/cmdline", arguments, COMMAND_LINE_BYTES - 1);
	/* Wine takes its own name off, and leaves zeroes at the end. */
	if (path_bytes > 0 && program_is_wine(path, (size_t)path_bytes))
		while (bytes > 1 && !arguments[bytes - 1] && !arguments[bytes - 2])
			bytes--;
	define_arguments(arguments, bytes);
	munmap(arguments, COMMAND_LINE_BYTES);
}

#define DEFINE_FAMILY(constant, text) \
	log_text(TRACE_RECORD_FAMILY, FAMILY_##constant, text, sizeof(text) - 1);
#define DEFINE_FUNCTION(table, name, family, role, shim) \
	log_text(TRACE_RECORD_FUNCTION, \
		 SLOT_##name | (uint32_t)FAMILY_##family << 8 | (uint32_t)TRACE_ROLE_##role << 16, \
		 #name, sizeof(#name) - 1);
#define DEFINE_PARAMETER(argument, text, ...) \
	log_text(TRACE_RECORD_PARAMETER, function | ++parameter << 8, text, sizeof(text) - 1);
#define DEFINE_TRANSFER(name, member, text, ...) \
	function = TRANSFER_##name, parameter = 0; \
	log_text(TRACE_RECORD_FUNCTION, function | (uint32_t)TRACE_ROLE_TRANSFER << 16, text, \
		 sizeof(text) - 1); \
	OWNED_##name(DEFINE_PARAMETER)

#define DEFINE_UNTRACED(table, name, returns, status) \
	if (fail_names(UNTRACED_##name)) \
		log_text(TRACE_RECORD_FUNCTION, \
			 UNTRACED_##name | (uint32_t)TRACE_ROLE_##returns << 16, #name, \
			 sizeof(#name) - 1);

void facts_define(void)
{
	uint32_t function, parameter;

	TRACED_FAMILIES(DEFINE_FAMILY)
	TRACED_SLOTS(DEFINE_FUNCTION)
	TRACED_TRANSFERS(DEFINE_TRANSFER)
	UNTRACED_FAILURES(DEFINE_UNTRACED)
	define_command();
}
