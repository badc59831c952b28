/* SPDX-License-Identifier: MIT */
/*
 * The locks of the tracer: fair, bounded, and free in a forked child.
 *
 * - Fair: a thread that wants a lock takes a ticket, and tickets are served in their order.
 * - Bounded: lock_take() gives up after a second. The caller then counts what it could not record,
 *   and goes on without. From then on nobody waits until this holder has released the lock: it may
 *   be gone for good.
 * - Signals that other threads or processes send are blocked while a thread waits for a lock or
 *   holds one. So no signal handler runs then, none can leave a lock held for good by longjmp(),
 *   and an asynchronous pthread_cancel() waits. Signals that an instruction raises, such as
 *   SIGSEGV, stay open.
 * - Under a seccomp filter that kills (process_is_confined) signals stay open and nobody sleeps: what
 *   interrupts a holder, and needs the lock, goes on without.
 * - Free in a child, however it was forked: the words of the locks lie in process_page.
 *
 * Lock order. A thread that holds one of these locks may take only those below it:
 *
 *	LOCK_GUARDPAGE   the records and pages of guarded blocks. Canary damage is noted under it.
 *	LOCK_FAULT       the one stack on which a fault is noted. A trace may be begun under it.
 *	LOCK_COLD        what happens once for a module, a thread, a package or a finding.
 *	                 No call takes it once it is warm.
 *	LOCK_IMAGES      the numbers of images. A moment each time; also taken under the loader's lock.
 *	LOCK_MEMORY      the length of a table (vm.h), the protection of a page (patch.h).
 *	LOCK_LIBUNWIND   libunwind, where --unwind asks for it.
 *
 * The locks of one arena each (biased_lock.h) lie beside that order: only LOCK_MEMORY is taken under them.
 * fork() takes LOCK_GUARDPAGE first, then the locks of the arenas.
 *
 * LOCK_COLD may be taken under the loader's lock, where a constructor calls the tracer, but not the
 * loader's under LOCK_COLD.
 */
#ifndef LSATRACE_PRELOAD_BASE_LOCK_H
#define LSATRACE_PRELOAD_BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

enum lock_name {
	LOCK_GUARDPAGE,
	LOCK_FAULT,
	LOCK_COLD,
	LOCK_IMAGES,
	LOCK_MEMORY,
	LOCK_LIBUNWIND,
	LOCK_COUNT
};

/* Waits until the lock is free and it is the thread's turn. Returns false after a second, if the
 * thread holds the lock, or if there is no process_page. errno stays as it is. */
bool lock_take(enum lock_name which);

/* Gives the lock back, and restores signal mask and errno as they were before lock_take(). In a
 * child that was forked meanwhile the lock is free already: only mask and errno are restored. */
void lock_release(enum lock_name which);

/* For a thread that was in the tracer and has left it, other than by returning: releases what it
 * holds, and restores the signal mask if it is still the one of lock_take(). */
void lock_release_left(void);

/* How many processes, from the first one to this one, have taken the lock. The holder asks. Two
 * processes of one line of descent that have taken the lock never get the same number. */
uint32_t lock_epoch(enum lock_name which);

/* For those who wait for something else than these locks, and ask again and again: waits a
 * moment, which grows with `turn`, the number of earlier calls. Returns false after about a second.
 * Changes errno. */
bool lock_pause(unsigned turn);

#endif
