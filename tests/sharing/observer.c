/* SPDX-License-Identifier: MIT */
/*
 * Counts how often a cache line goes from one thread to another. liblsatrace.so, compiled for gcc's
 * thread sanitizer and linked with this in place of the sanitizer's library, is preloaded into a program of
 * two threads. Each thread is taken for a processor with a cache of its own that never forgets: a line
 * moves to a thread that reads what another one has written, or writes where another one has been. What
 * processors fetch ahead is not seen, nor what the program itself does, nor the C library but for
 * memcpy() and its like.
 *
 * The threads take turns, call by call, so that the count is the same each time, unless one waits in
 * vain for the other on a busy machine: then it is smaller. It begins after WARM calls, and is for CALLS. At the end it is printed
 * on standard error, with the places in the library, for addr2line.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	LINE_BYTES = 128 /* two, which some processors fetch together */,
	WARM = 40000,
	CALLS = 40000,
	LINES = 1 << 20,
	PLACES = 1 << 12,
	SHOWN = 12
};

struct line {
	uintptr_t number;
	uint32_t has;    /* the threads that have it, as bits */
	bool is_changed; /* by the only one that has it */
};

static struct line lines[LINES];
static struct place {
	uintptr_t code;
	unsigned long moves;
} places[PLACES];
static unsigned long calls, moves;
static int lock, threads, turn;
static __thread int own; /* number of the thread, from 1; 0: not known yet */

static void note_move(uintptr_t code)
{
	struct place *place = &places[code % PLACES];

	while (place->code && place->code != code)
		place = place == &places[PLACES - 1] ? places : place + 1;
	place->code = code;
	place->moves++;
	moves++;
}

static void touch_line(uintptr_t number, bool is_write, uintptr_t code)
{
	struct line *line = &lines[number * 0x9e3779b97f4a7c15u >> 44];
	uint32_t bit = 1u << own % 32;

	while (line->number && line->number != number)
		line = line == &lines[LINES - 1] ? lines : line + 1;
	line->number = number;
	if ((line->has & ~bit) && (is_write || (line->is_changed && !(line->has & bit))) &&
	    calls > WARM && calls <= WARM + CALLS)
		note_move(code);
	line->is_changed = is_write || (line->is_changed && line->has == bit);
	line->has = is_write ? bit : line->has | bit;
}

static void begin(void)
{
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		sched_yield();
	if (!own)
		own = ++threads;
}

static void end(void)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

static void touch(const volatile void *from, size_t bytes, bool is_write, uintptr_t code)
{
	begin();
	for (uintptr_t n = (uintptr_t)from / LINE_BYTES;
	     bytes && n <= ((uintptr_t)from + bytes - 1) / LINE_BYTES; n++)
		touch_line(n, is_write, code);
	end();
}

/* What the compiler calls. */
#define HOOK(type, name, is_write, bytes, result, ...) \
	type __tsan_##name(__VA_ARGS__) \
	{ \
		touch(at, bytes, is_write, (uintptr_t)__builtin_return_address(0)); \
		return result; \
	}
#define PLAIN(name, bytes, ...) \
	HOOK(void, read##name, false, bytes, (void)0, __VA_ARGS__) \
	HOOK(void, write##name, true, bytes, (void)0, __VA_ARGS__)
PLAIN(1, 1, void *at)
PLAIN(2, 2, void *at)
PLAIN(4, 4, void *at)
PLAIN(8, 8, void *at)
PLAIN(16, 16, void *at)
PLAIN(_range, bytes, void *at, size_t bytes)
#define CHANGE(n, type, name, operation) \
	HOOK(type, atomic##n##_##name, true, sizeof(*at), operation(at, value, order), type *at, \
	     type value, int order)
#define ATOMIC(n, type) \
	HOOK(type, atomic##n##_load, false, sizeof(*at), __atomic_load_n(at, order), type *at, \
	     int order) \
	HOOK(void, atomic##n##_store, true, sizeof(*at), __atomic_store_n(at, value, order), \
	     type *at, type value, int order) \
	HOOK(int, atomic##n##_compare_exchange_strong, true, sizeof(*at), \
	     __atomic_compare_exchange_n(at, expected, value, false, order, other), type *at, \
	     type *expected, type value, int order, int other) \
	CHANGE(n, type, exchange, __atomic_exchange_n) \
	CHANGE(n, type, fetch_add, __atomic_fetch_add) \
	CHANGE(n, type, fetch_sub, __atomic_fetch_sub) \
	CHANGE(n, type, fetch_or, __atomic_fetch_or)
ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)

void __tsan_init(void)
{
}

void __tsan_atomic_thread_fence(int order)
{
	__atomic_thread_fence(order);
}

void __tsan_atomic_signal_fence(int order)
{
	__atomic_signal_fence(order);
}

/* The linker has the library call these (--wrap). */
#define WRAP(name, source, type) \
	void *__real_##name(void *to, type from, size_t bytes); \
	void *__wrap_##name(void *to, type from, size_t bytes) \
	{ \
		touch(source, (source) ? bytes : 0, false, (uintptr_t)__builtin_return_address(0)); \
		touch(to, bytes, true, (uintptr_t)__builtin_return_address(0)); \
		return __real_##name(to, from, bytes); \
	}
WRAP(memcpy, from, const void *)
WRAP(memmove, from, const void *)
WRAP(memset, NULL, int)

/* Waits until another thread has entered a call as well, but not twice for a thread that does not come. */
bool __real_call_enter(void *call, void *mark, uint32_t where, const void *frame,
		       uint64_t argument0, uint64_t argument1);
bool __wrap_call_enter(void *call, void *mark, uint32_t where, const void *frame,
		       uint64_t argument0, uint64_t argument1)
{
	const struct timespec patience = { .tv_nsec = 200000000 };

	begin();
	calls++;
	end();
	if (__atomic_exchange_n(&turn, own, __ATOMIC_SEQ_CST) != own) {
		syscall(SYS_futex, &turn, FUTEX_WAKE, 1, NULL, NULL, 0);
		syscall(SYS_futex, &turn, FUTEX_WAIT, own, &patience, NULL, 0);
	}
	return __real_call_enter(call, mark, where, frame, argument0, argument1);
}

__attribute__((destructor)) static void report(void)
{
	Dl_info own_library;

	dladdr(lines, &own_library);
	fprintf(stderr, "observer: %lu moves in %d calls\n", moves,
		calls < WARM + CALLS ? 0 : CALLS);
	for (struct place *place = places; place < places + PLACES; place++)
		if (place->moves)
			fprintf(stderr, "%lu at 0x%lx\n", place->moves,
				(unsigned long)(place->code - 1 - (uintptr_t)own_library.dli_fbase));
}
