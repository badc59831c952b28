/* SPDX-License-Identifier: MIT */
#ifndef BENCH_DESCENT_H
#define BENCH_DESCENT_H

/*
 * The frames between the outermost one of the program `calls` and the caller of a table's function.
 * descent.c has them in C; descent_virtual.cpp has them as virtual functions in C++.
 */

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One call of a table's function. down() calls itself until last() makes the call. Stacks differ by
 * the site in last() and by the sites in the `varying` frames around it. */
struct descent {
	void (*last)(struct descent *d, unsigned left);
	unsigned varying;
	bool uneven;      /* those have one of three sizes each, as their sites have it */
	unsigned site[4]; /* of last(), of the frame around it, and so on, again and again */
	void **block, *section;
};

/* Calls itself `left` times, and then last(). */
void down(struct descent *d, unsigned left);

#ifdef __cplusplus
}
#endif

static inline unsigned site_of(const struct descent *d, unsigned left)
{
	return left < d->varying ? d->site[(left + 1) % 4] : 0;
}

/* Which of the three functions a frame is of. */
static inline unsigned size_of(const struct descent *d, unsigned left)
{
	return d->uneven ? site_of(d, left) % 3 : 0;
}

/*
 * A hundred places that do the same thing. The operand of each is different, so that the compiler
 * cannot merge two of them, or make a tail call.
 */
#define SITE(n, action) \
	case n: \
		action; \
		__asm__ volatile("" : : "i"(n)); \
		break;
#define TEN_SITES(t, action) \
	SITE(t##0, action) \
	SITE(t##1, action) \
	SITE(t##2, action) \
	SITE(t##3, action) \
	SITE(t##4, action) \
	SITE(t##5, action) \
	SITE(t##6, action) \
	SITE(t##7, action) \
	SITE(t##8, action) \
	SITE(t##9, action)
#define AT_SITE(number, action) \
	switch (number) { \
		TEN_SITES(, action) \
		TEN_SITES(1, action) \
		TEN_SITES(2, action) \
		TEN_SITES(3, action) \
		TEN_SITES(4, action) \
		TEN_SITES(5, action) \
		TEN_SITES(6, action) \
		TEN_SITES(7, action) \
		TEN_SITES(8, action) \
		TEN_SITES(9, action) \
	}

#endif
