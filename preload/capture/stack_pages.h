/* SPDX-License-Identifier: MIT */
/*
 * Which pages can be read, of the stack and of what else a walk looks at. The kernel is asked about
 * each page once. The answers are kept for a few runs of pages, for a signal handler often has a
 * stack of its own. So a walk makes no system call once warm.
 *
 * Used by one thread. Changes errno.
 */
#ifndef LSATRACE_PRELOAD_CAPTURE_STACK_PAGES_H
#define LSATRACE_PRELOAD_CAPTURE_STACK_PAGES_H

#include <stdbool.h>
#include <stdint.h>

enum { STACK_PAGES_RUNS = 4 };

/* Runs of pages; the one that was used last comes first. Zeroed: nothing is known. */
struct stack_pages {
	struct stack_pages_run {
		uint64_t low, bytes;
	} run[STACK_PAGES_RUNS];
};

/* Can a word anywhere be read? */
bool stack_pages_have(struct stack_pages *pages, uint64_t address);

/*
 * May the stack be read from one word, which can be read, up to another, higher one? Not past what
 * the thread has above its stack, and not over a page that cannot be read.
 */
bool stack_pages_reach(struct stack_pages *pages, uint64_t from, uint64_t to);

#endif
