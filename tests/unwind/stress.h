/* SPDX-License-Identifier: MIT */
/*
 * A program, host and package in one, that calls table functions from every kind of stack, at
 * random. At each call an unwinder may be wrong: `lsatrace record --unwind=check` counts how often
 * it is. It is built by several compilers in many ways.
 *
 * A *walk* is a random walk over functions that call each other. These functions are *places*: a
 * place sometimes calls the table, and goes on to other places. Before that it does something
 * special to the stack or to rbp.
 */
#ifndef UNWIND_STRESS_H
#define UNWIND_STRESS_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/secpkg.h"
#include "tests/unwind/keep.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a walk may jump back to, past all frames between. */
struct landing {
	jmp_buf buffer;
	struct landing *outer;
	unsigned depth, catches; /* of the walk at this point */
};

struct walk {
	uint64_t random;
	unsigned long calls; /* calls of table functions that are still to be made */
	unsigned depth;      /* how many places may still be nested in this one */
	unsigned odd;        /* one of so many places is an odd one; 0: none */
	unsigned catches;    /* outer C++ frames that catch exceptions */
	struct landing *landing;
	void (*pause)(struct walk *w); /* goes to another stack for a while */
	void *pause_argument;
};

typedef void place(struct walk *w);

/* Returns a random number less than `below`, which is at least 1. */
unsigned walk_random(struct walk *w, unsigned below);

/* Visits some random places, and comes back. */
void walk_on(struct walk *w);

/* Makes a separate walk on the stack of the caller, with this many calls, which does not jump
 * out of it. */
void walk_afresh(struct walk *w, unsigned long calls, unsigned depth);

/* The table that the host gave to the package. */
extern PLSA_SECPKG_FUNCTION_TABLE lsa;

/* Makes two calls of table functions. */
static inline __attribute__((always_inline)) void touch(struct walk *w)
{
	PVOID block = lsa->AllocateLsaHeap(48);

	STAY();
	lsa->FreeLsaHeap(block);
	STAY();
	w->calls = w->calls > 2 ? w->calls - 2 : 0;
}

/* Leaks a block. Its size identifies it. */
void leak_block(unsigned bytes);

struct request {
	void (*action)(void *argument);
	void *argument;
};

/*
 * A function that the host's AllocateLsaHeap calls the next time in this thread, instead of its
 * work. It may jump out, throw, or call the package again.
 */
void host_next(void (*action)(void *argument), void *argument);
/* For a signal handler: takes this function away. Returns it, to be set again at the end of the
 * handler. */
struct request host_hold(struct request request);
/* Calls the package's CallPackage, as the host does. The package runs the action. */
void host_call_package(void (*action)(void *argument), void *argument);

/* Returns the number of calls of table functions so far, in the whole process. */
unsigned long host_calls(void);

/*
 * A scenario: what it does, and a chain of calls with a leak at its end. The backtrace of the leak
 * must begin with leak_block and then `chain`: names of functions, innermost first.
 */
struct scenario {
	const char *name;
	void (*run)(struct walk *w);
	void (*leak)(unsigned bytes);
	const char *chain;
	unsigned share; /* of all calls, in 1024 */
	bool late;      /* only in the last part, because it makes libunwind slow */
};

/* Places, by file. Those of odd.c are rarer, because neither they nor the places inside them are
 * plain. */
extern place *const frame_places[], *const jump_places[], *const call_places[];
extern place *const odd_places[], *const throw_places[];
extern const unsigned frame_places_count, jump_places_count, call_places_count;
extern const unsigned odd_places_count, throw_places_count;

#define PLACES(group, ...) \
	place *const group##_places[] = { __VA_ARGS__ }; \
	const unsigned group##_places_count = sizeof(group##_places) / sizeof(group##_places[0])

extern const struct scenario frames_scenario, deep_scenario, jumps_scenario, calls_scenario;
extern const struct scenario contexts_scenario, fibers_scenario, signals_scenario, odd_scenario;
extern const struct scenario threads_scenario, forks_scenario, throws_scenario, modules_scenario;
extern const struct scenario nested_scenario;

/* frames_amd64.S: each calls visit(w) from a special frame. */
void frame_push_rbp(place *visit, struct walk *w);
void frame_store_rbp(place *visit, struct walk *w);
void frame_keep_rbp(place *visit, struct walk *w);
void frame_hole(place *visit, struct walk *w);
void frame_decoy(place *visit, struct walk *w);
void frame_pointer(place *visit, struct walk *w);
void frame_late(place *visit, struct walk *w);
void frame_large(place *visit, struct walk *w);
void frame_copied(place *visit, struct walk *w);
/* visit() must not return. */
void frame_no_return(place *visit, struct walk *w);
void frame_bare(place *visit, struct walk *w);
void frame_bare_rbp(place *visit, struct walk *w);
/* Calls visit(w) on another stack, which ends at the address `top`. */
void frame_switch(place *visit, struct walk *w, void *top);
/* The same, with unwind rules that say where rsp is saved. */
void frame_switch_saved(place *visit, struct walk *w, void *top);
/* Switches to another stack with rsp `to`. A new stack has the address of a function, and above
 * it the address that the function returns to. */
void fiber_switch(void **from, void *to);
/* Where the function of a fiber can return to. */
void fiber_ended(void);

#ifdef __cplusplus
}
#endif

#endif
