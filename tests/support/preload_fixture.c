/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "preload_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "preload/base/config.h"
#include "preload/base/process.h"
#include "preload/base/reentry.h"
#include "preload/base/text.h"
#include "preload/capture/backtrace.h"
#include "preload/capture/cfi.h"
#include "preload/capture/modules.h"
#include "preload/capture/stacks.h"
#include "preload/capture/tree.h"
#include "preload/capture/unwind.h"
#include "preload/file/clock.h"
#include "preload/file/findings.h"
#include "preload/file/log.h"
#include "preload/file/trace.h"
#include "preload/host/maps.h"
#include "preload/host/real.h"
#include "preload/ledger/checkpoints.h"
#include "preload/ledger/ledger.h"
#include "preload/life/new_trace.h"

static int file = -1;
static pthread_barrier_t started, ended;
static pthread_t waiting[PRELOAD_LANES_MOST];
static unsigned waiting_count;

static uint32_t traces;

static void must(bool done)
{
	if (!done) {
		perror("preload_fixture");
		abort();
	}
}

void preload_init(const char *options)
{
	setenv(OPTIONS_VARIABLE, options, 1);
	real_init();
	text_start();
	clock_init();
	config_init();
	must(process_init());
	lanes_start();
	new_trace_init();
}

struct lane *preload_start_anew(uint64_t ring_bytes)
{
	struct lane *lane;

	file = memfd_create("trace", MFD_CLOEXEC);
	trace_header = chunks_open(file, ring_bytes);
	must(trace_header);
	trace_header->pid = getpid();
	lanes_reset();
	log_reset();
	stacks_reset();
	tree_reset();
	findings_reset();
	checkpoints_show();
	process_page->trace = ++traces;
	lane = lanes_mine();
	must(lane);
	return lane;
}

struct lane *preload_start(uint64_t ring_bytes)
{
	preload_init("");
	must(modules_init() && lanes_init(&unwind_lane_history) && ledger_init() && tree_init() &&
	     cfi_init());
	backtrace_init();
	return preload_start_anew(ring_bytes);
}

int preload_file(void)
{
	return file;
}

static void *wait_with_lane(void *lane)
{
	*(struct lane **)lane = lanes_mine();
	pthread_barrier_wait(&started);
	pthread_barrier_wait(&ended);
	return NULL;
}

void preload_start_threads(struct lane *lanes[], unsigned count)
{
	must(count <= PRELOAD_LANES_MOST);
	pthread_barrier_init(&started, NULL, count + 1);
	pthread_barrier_init(&ended, NULL, count + 1);
	for (unsigned i = 0; i < count; i++)
		must(pthread_create(&waiting[i], NULL, wait_with_lane, &lanes[i]) == 0);
	pthread_barrier_wait(&started);
	for (unsigned i = 0; i < count; i++)
		must(lanes[i]);
	waiting_count = count;
}

void preload_end_threads(void)
{
	pthread_barrier_wait(&ended);
	for (unsigned i = 0; i < waiting_count; i++)
		pthread_join(waiting[i], NULL);
}

static void *(*work_of_all)(void *number);

/* Without the barrier, the first thread could end before the next one begins. */
static void *work_at_once(void *number)
{
	pthread_barrier_wait(&started);
	return work_of_all(number);
}

void preload_run_threads(unsigned count, void *(*work)(void *number))
{
	pthread_t thread[PRELOAD_LANES_MOST];

	must(count <= PRELOAD_LANES_MOST);
	work_of_all = work;
	pthread_barrier_init(&started, NULL, count);
	for (uintptr_t i = 0; i < count; i++)
		must(pthread_create(&thread[i], NULL, work_at_once, (void *)i) == 0);
	for (unsigned i = 0; i < count; i++)
		pthread_join(thread[i], NULL);
}

void preload_limit_address_space(uint64_t more_bytes)
{
	uint64_t bytes = maps_bytes();
	struct rlimit limit = { bytes + more_bytes, bytes + more_bytes };

	must(bytes > 0);
	must(setrlimit(RLIMIT_AS, &limit) == 0);
}

uint64_t preload_locked_bytes(void)
{
	FILE *status = fopen("/proc/self/status", "r");
	char line[256];
	unsigned long kib;

	must(status != NULL);
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "VmLck: %lu", &kib) == 1) {
			fclose(status);
			return (uint64_t)kib << 10;
		}
	abort();
}

static struct trace_chunk *chunk_at(uint32_t number)
{
	return (struct trace_chunk *)((char *)trace_header + (size_t)number * TRACE_CHUNK_BYTES);
}

void *preload_next_item(enum trace_chunk_kind kind, size_t item_bytes, const void *after)
{
	size_t items = kind == TRACE_CHUNK_LEDGER
			       ? TRACE_LEDGER_ENTRIES
			       : (TRACE_CHUNK_BYTES - TRACE_CHUNK_HEADER_BYTES) / item_bytes;
	size_t next = 0;
	size_t offset = after ? (size_t)((const char *)after - (const char *)trace_header) : 0;
	uint32_t number = after ? (uint32_t)(offset / TRACE_CHUNK_BYTES) : 1;

	if (after)
		next = (offset % TRACE_CHUNK_BYTES - TRACE_CHUNK_HEADER_BYTES) / item_bytes + 1;
	for (; number < trace_header->chunks; number++, next = 0)
		if (chunk_at(number)->kind == kind && next < items)
			return (char *)(chunk_at(number) + 1) + next * item_bytes;
	return NULL;
}

struct trace_record *preload_next_record(const struct trace_record *after)
{
	size_t offset = after ? (size_t)((const char *)after - (const char *)trace_header) : 0;
	uint32_t number = after ? (uint32_t)(offset / TRACE_CHUNK_BYTES) : 1;
	size_t at = after ? offset % TRACE_CHUNK_BYTES + after->bytes : TRACE_CHUNK_HEADER_BYTES;

	for (; number < trace_header->chunks; number++, at = TRACE_CHUNK_HEADER_BYTES) {
		while (chunk_at(number)->kind == TRACE_CHUNK_LOG && at < TRACE_CHUNK_BYTES) {
			struct trace_record *record =
				(struct trace_record *)((char *)chunk_at(number) + at);

			if (record->committed)
				return record;
			at += record->bytes ? record->bytes : TRACE_GRANULE;
		}
	}
	return NULL;
}

uint32_t preload_chunks(enum trace_chunk_kind kind)
{
	uint32_t count = 0;

	for (uint32_t number = 1; number < trace_header->chunks; number++)
		count += chunk_at(number)->kind == kind;
	return count;
}
