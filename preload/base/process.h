/* SPDX-License-Identifier: MIT */
/*
 * One page of memory that is valid in this process only. The kernel clears it in a forked child
 * (MADV_WIPEONFORK), whether the child was made by fork(), by clone() or by a raw system call. So a
 * child finds all locks free, and knows that it has no trace of its own yet.
 *
 * A child of vfork() borrows the memory of its parent, and sees the parent's page.
 */
#ifndef LSATRACE_PRELOAD_BASE_PROCESS_H
#define LSATRACE_PRELOAD_BASE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

enum { PROCESS_LOCKS = 6, PROCESS_BELLS = 128 };

/* The words of one lock: see lock.h, which alone uses them. */
struct process_lock {
	uint32_t state;    /* odd: held; changes whenever the lock is taken or released */
	uint32_t next;     /* the ticket for the next thread that wants the lock */
	uint32_t turn;     /* the lowest ticket that may take the lock when it is free */
	uint32_t given_up; /* `state` while it was held for so long that a thread gave up */
	bool has_epoch;    /* lock_epoch() counts this process */
	uintptr_t holder;  /* the thread that holds it; 0: nobody, or nobody has said so yet */
	/* A thread sleeps on the bell of its ticket, which changes when the ticket's turn comes. */
	uint32_t bell[PROCESS_BELLS];
};

struct process_page {
	uint32_t trace; /* the number of this process's trace; 0: it has none. See trace.h */
	int32_t pid;    /* of this process; 0: not noted yet */
	struct process_lock lock[PROCESS_LOCKS];
};

/* NULL until process_init(), or if that failed. */
extern struct process_page *process_page;

/*
 * True from the moment when the process installs a seccomp filter that ends whoever makes a system
 * call that it does not allow (life/confinement.h). From then on the tracer makes none on the way of a
 * call: it goes on with the memory, the file and the lanes that it has.
 */
extern bool process_is_confined;

/* Maps the page. Called once, at start-up. Returns false if there is no memory, or the kernel is
 * older than 4.14. */
bool process_init(void);

/* Is this the process whose memory this is? Not so in a child of vfork(), unless the process is confined.
 * Async-signal-safe. */
bool process_is_own(void);

#endif
