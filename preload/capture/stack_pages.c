/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <string.h>

#include "preload/base/compiler.h"
#include "preload/capture/stack_pages.h"
#include "preload/host/maps.h"

#include "preload/base/poison.h"

#define PAGE_BYTES 4096ull

extern void *__libc_stack_end; /* of ld.so: the stack pointer when the process began */

/*
 * Where the stack ends, at the latest, on which an address lies: above the stack of a thread lies
 * what the C library keeps of it, above that of the process what the kernel handed to it.
 * Coroutines' stacks and alternate ones of signals may lie anywhere.
 */
static uint64_t limit_of_stack(uint64_t address)
{
	uint64_t thread = (uint64_t)pthread_self();
	uint64_t process = (uint64_t)(uintptr_t)__libc_stack_end;

	if (address < thread)
		return thread;
	return address < process ? process : UINT64_MAX;
}

static void put_first(struct stack_pages *p, unsigned place, struct stack_pages_run run)
{
	memmove(&p->run[1], &p->run[0], place * sizeof(run));
	p->run[0] = run;
}

/* Makes the run that holds an address the first one. Returns false if there is none. */
static bool turn_to(struct stack_pages *p, uint64_t address)
{
	for (unsigned i = 0; i < STACK_PAGES_RUNS; i++)
		if (address - p->run[i].low < p->run[i].bytes) {
			put_first(p, i, p->run[i]);
			return true;
		}
	return false;
}

/* A page that can be read and is in no run. */
static void add(struct stack_pages *p, uint64_t page)
{
	struct stack_pages_run *first = &p->run[0];

	if (page == first->low + first->bytes) {
		first->bytes += PAGE_BYTES;
	} else if (page + PAGE_BYTES == first->low) {
		first->low = page;
		first->bytes += PAGE_BYTES;
	} else {
		put_first(p, STACK_PAGES_RUNS - 1, (struct stack_pages_run){ page, PAGE_BYTES });
	}
}

static bool has_page(struct stack_pages *p, uint64_t address)
{
	if (turn_to(p, address))
		return true;
	/* Of NULL the kernel would not say that it cannot be read. */
	if (address < PAGE_BYTES || !maps_can_read((const void *)(uintptr_t)address, 1))
		return false;
	add(p, address & -PAGE_BYTES);
	return true;
}

bool stack_pages_have(struct stack_pages *p, uint64_t address)
{
	uint64_t last = address + sizeof(uint64_t) - 1;

	return last > address && has_page(p, address) && has_page(p, last);
}

APART bool stack_pages_reach(struct stack_pages *p, uint64_t from, uint64_t to)
{
	uint64_t high;

	if (to >= limit_of_stack(from))
		return false;
	if (!turn_to(p, from))
		add(p, from & -PAGE_BYTES);
	for (high = p->run[0].low + p->run[0].bytes; to >= high; high += PAGE_BYTES) {
		if (!maps_can_read((const void *)(uintptr_t)high, 1))
			return false;
		p->run[0].bytes += PAGE_BYTES;
	}
	return true;
}
