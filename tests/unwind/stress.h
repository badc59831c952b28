/* SPDX-License-Identifier: MIT */
/*
 * A program that calls the function table from every kind of stack that there is, at random: a host
 * and its package in one executable. Each call is a chance for an unwinder to be wrong; `lsatrace
 * record --unwind=check` counts how often it is. Built by several compilers in many ways.
 *
 * A *walk* is a random walk over functions that call each other. Functions that take part are
 * *places*: each calls the table now and then, and goes on to the next places. What a place does to
 * the stack or to rbp before it does so is its point.
 */
#ifndef UNWIND_STRESS_H
#define UNWIND_STRESS_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "include/secpkg.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Neither inlined nor cloned: its name is looked for, or its frame is meant. */
#ifdef __clang__
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noipa))
#endif

/* After a call that must not become a jump. */
#define STAY() __asm__ volatile("" ::: "memory")
/* Nothing is known of a value, or of what a pointer points to, from here on. */
#define BLUR(value) __asm__ volatile("" : "+r"(value) : : "memory")

/* A place to which a walk may jump back, past all frames between. */
struct landing {
	jmp_buf buffer;
	struct landing *outer;
	unsigned depth, catches; /* of the walk, there */
};

struct walk {
	uint64_t random;
	unsigned long calls; /* of the table, that are left to make */
	unsigned depth;      /* places that may still be nested in this one */
	unsigned odd;        /* one place in so many is an odd one; 0: none */
	unsigned catches;    /* C++ frames around that catch */
	struct landing *landing;
	void (*pause)(struct walk *w); /* leaves this stack for another, for a while */
	void *pause_argument;
};

typedef void place(struct walk *w);

/* A number below `below`, which is at least 1. */
unsigned walk_random(struct walk *w, unsigned below);

/* Goes to some places, at random, and comes back. */
void walk_on(struct walk *w);

/* A walk of its own on the stack of the caller, that makes so many calls and jumps nowhere else. */
void walk_afresh(struct walk *w, unsigned long calls, unsigned depth);

/* The table that the host handed to the package. */
extern PLSA_SECPKG_FUNCTION_TABLE lsa;

/* Two calls of the table from here. */
static inline __attribute__((always_inline)) void touch(struct walk *w)
{
	PVOID block = lsa->AllocateLsaHeap(48);

	STAY();
	lsa->FreeLsaHeap(block);
	STAY();
	w->calls = w->calls > 2 ? w->calls - 2 : 0;
}

/* A block that is never freed, told from others by its size. */
void leak_block(unsigned bytes);

struct request {
	void (*action)(void *argument);
	void *argument;
};

/*
 * What the host's AllocateLsaHeap does the next time that this thread calls it, instead of its
 * work: a function that may jump out, throw, or call the package again.
 */
void host_next(void (*action)(void *argument), void *argument);
/* Puts that off, in a signal handler; returns what is to be given back at its end. */
struct request host_hold(struct request request);
/* CallPackage of the package, as its host calls it; the action is run inside of it. */
void host_call_package(void (*action)(void *argument), void *argument);

/* Calls of the table so far, in the whole process. */
unsigned long host_calls(void);

/*
 * A scenario: what it does, and a chain of calls at whose end is a leak. `chain` is what the
 * backtrace of that must begin with, behind leak_block: names of functions, innermost first.
 */
struct scenario {
	const char *name;
	void (*run)(struct walk *w);
	void (*leak)(unsigned bytes);
	const char *chain;
	unsigned share; /* of all calls, in 1024 */
	bool late;      /* in the last part only: libunwind gets slow by it */
};

/* Places, by file. Those of odd.c and its like are rarer: they are not plain, nor is what they call. */
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

/* frames_amd64.S: each calls visit(w) from a frame of a kind. */
void frame_push_rbp(place *visit, struct walk *w);
void frame_store_rbp(place *visit, struct walk *w);
void frame_keep_rbp(place *visit, struct walk *w);
void frame_hole(place *visit, struct walk *w);
void frame_decoy(place *visit, struct walk *w);
void frame_pointer(place *visit, struct walk *w);
void frame_late(place *visit, struct walk *w);
void frame_large(place *visit, struct walk *w);
void frame_copied(place *visit, struct walk *w);
/* Its visit must not return. */
void frame_no_return(place *visit, struct walk *w);
void frame_bare(place *visit, struct walk *w);
void frame_bare_rbp(place *visit, struct walk *w);
/* On another stack, whose highest address is `top`. */
void frame_switch(place *visit, struct walk *w, void *top);
/* The same, by rules that say where rsp is kept. */
void frame_switch_saved(place *visit, struct walk *w, void *top);
/* Leaves a stack for another, whose rsp `to` is; a stack is made with the address of a function and
 * what is found above that: where it returns to. */
void fiber_switch(void **from, void *to);
/* Where a fiber's function can return to. */
void fiber_ended(void);

#ifdef __cplusplus
}
#endif

#endif
