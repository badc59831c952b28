/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "preload/base/kernel.h"
#include "preload/file/clock.h"
#include "preload/reach/memory.h"

#include "preload/base/poison.h"

enum { FEW_BYTES = 1 << 16 }; /* so few are read without a question */

/* The two upper bits of an entry of the pagemap: the page is in memory, or swapped out. */
#define PAGEMAP_IS_THERE (3ull << 62)

static ssize_t copy_words(struct memory *m, uint64_t from, uint64_t bytes)
{
	struct iovec to = { m->room->buffer, bytes };
	struct iovec source = { (void *)(uintptr_t)from, bytes };

	return kernel_call(SYS_process_vm_readv, getpid(), &to, 1ul, &source, 1ul, 0ul);
}

static void read_run(struct memory *m, uint64_t start, uint64_t end, memory_visit *visit,
		     void *context)
{
	while (start < end && !m->is_late) {
		uint64_t left = end - start;
		ssize_t got = copy_words(m, start,
					 left < MEMORY_BUFFER_BYTES ? left : MEMORY_BUFFER_BYTES);
		size_t words = got > 0 ? (size_t)got / sizeof(uint64_t) : 0;

		for (size_t i = 0; i < words; i++)
			if (m->room->buffer[i] - m->low < m->high - m->low)
				visit(m->room->buffer[i], context);
		m->has_unread |= words == 0;
		start = words ? start + words * sizeof(uint64_t)
			      : (start / m->page_bytes + 1) * m->page_bytes;
		m->is_late = clock_monotonic_ns() > m->deadline_ns;
	}
}

static const struct maps_area *find_area(const struct memory *m, uint64_t address)
{
	size_t low = 0, high = m->areas;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (m->area[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->areas && m->area[low].start <= address ? &m->area[low] : NULL;
}

/* Finds out which of `pages` pages are there, as far as is known: others may be as well. */
static void ask(struct memory *m, const struct maps_area *area, uint64_t at, size_t pages)
{
	unsigned char *is_resident = m->room->is_resident;
	size_t bytes = pages * sizeof(uint64_t);

	memset(is_resident, 1, pages);
	if (area && area->is_shared) {
		mincore((void *)(uintptr_t)at, pages * m->page_bytes, is_resident);
	} else if (area && m->pagemap >= 0 &&
		   kernel_pread(m->pagemap, m->room->pagemap, bytes,
				(off_t)(at / m->page_bytes * sizeof(uint64_t))) == (ssize_t)bytes) {
		for (size_t i = 0; i < pages; i++)
			is_resident[i] = (m->room->pagemap[i] & PAGEMAP_IS_THERE) != 0;
	}
}

/* Of a few pages of one area. */
static void read_resident(struct memory *m, const struct maps_area *area, uint64_t start,
			  uint64_t end, memory_visit *visit, void *context)
{
	uint64_t first = start / m->page_bytes * m->page_bytes;
	size_t pages = (end - first + m->page_bytes - 1) / m->page_bytes;

	ask(m, area, first, pages);
	for (size_t i = 0, next; i < pages; i = next) {
		uint64_t from = first + i * m->page_bytes, to;

		for (next = i + 1; next < pages && !(m->room->is_resident[next] & 1) ==
							   !(m->room->is_resident[i] & 1);)
			next++;
		to = first + next * m->page_bytes;
		if (m->room->is_resident[i] & 1)
			read_run(m, from > start ? from : start, to < end ? to : end, visit,
				 context);
	}
	m->is_late = clock_monotonic_ns() > m->deadline_ns;
}

void memory_scan(struct memory *m, uint64_t start, uint64_t end, memory_visit *visit, void *context)
{
	start = (start + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1);
	end &= ~(sizeof(uint64_t) - 1);
	if (start < end && end - start <= FEW_BYTES) {
		read_run(m, start, end, visit, context);
		return;
	}
	while (start < end && !m->is_late) {
		const struct maps_area *area = find_area(m, start);
		uint64_t to = (start / m->page_bytes + MEMORY_PAGES) * m->page_bytes;

		if (area && to > area->end)
			to = area->end;
		if (to > end)
			to = end;
		read_resident(m, area, start, to, visit, context);
		start = to;
	}
}
