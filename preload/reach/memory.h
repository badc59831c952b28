/* SPDX-License-Identifier: MIT */
/*
 * Reads the memory of this process, word by word, for somebody who looks for addresses. Nobody
 * changes it any more (reach.h).
 *
 * The kernel does the reading: what cannot be read is an error then, and no signal. Pages that were
 * never touched are not read. They hold no address, there may be terabytes of them, and in shared memory
 * to read them would be to allocate them.
 */
#ifndef LSATRACE_PRELOAD_REACH_MEMORY_H
#define LSATRACE_PRELOAD_REACH_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "preload/host/maps.h"

enum {
	MEMORY_BUFFER_BYTES = 1 << 18,
	MEMORY_PAGES = 512, /* about which the kernel is asked at once */
};

struct memory_room {
	uint64_t buffer[MEMORY_BUFFER_BYTES / sizeof(uint64_t)];
	uint64_t pagemap[MEMORY_PAGES];
	unsigned char is_resident[MEMORY_PAGES];
};

struct memory {
	const struct maps_area *area; /* from the lowest on */
	size_t areas;
	struct memory_room *room;
	uint64_t page_bytes;
	int pagemap;          /* descriptor of /proc/self/pagemap, or -1 */
	uint64_t low, high;   /* words below `low`, or from `high` on, are not visited */
	uint64_t deadline_ns; /* by CLOCK_MONOTONIC */
	bool is_late;         /* it has passed: nothing is read any more */
	bool has_unread;      /* something could not be read */
};

/* Is done with each word, and where it does not matter. */
typedef void memory_visit(uint64_t word, void *context);

/* Visits the aligned words from `start` to `end`. */
void memory_scan(struct memory *m, uint64_t start, uint64_t end, memory_visit *visit, void *context);

#endif
