/* SPDX-License-Identifier: MIT */
#include "descent.h"

typedef void frame(struct descent *d, unsigned left);

static frame down_farther, down_farthest;

static frame *inner_of(const struct descent *d, unsigned left)
{
	static frame *const frames[] = { down, down_farther, down_farthest };

	return left ? frames[size_of(d, left - 1)] : d->last;
}

void down(struct descent *d, unsigned left)
{
	frame *inner = inner_of(d, left);

	AT_SITE(site_of(d, left), inner(d, left - 1))
}

/* The same in larger frames. */
#define LARGER(name, bytes) \
	static void name(struct descent *d, unsigned left) \
	{ \
		frame *inner = inner_of(d, left); \
		char room[bytes]; \
\
		__asm__ volatile("" : : "r"(room) : "memory"); \
		AT_SITE(site_of(d, left), inner(d, left - 1)) \
	}

LARGER(down_farther, 48)
LARGER(down_farthest, 208)
