// SPDX-License-Identifier: MIT
#include "tests/bench/descent.h"

namespace
{
/* Makes its frame one that an exception would stop in. */
struct destroyed {
	~destroyed()
	{
		__asm__ volatile("" : : : "memory");
	}
};

struct frame {
	virtual void go(descent *d, unsigned left) = 0;

protected:
	~frame() = default;
};

extern frame *const frames[3];

template <unsigned BYTES> struct sized final : frame {
	void go(descent *d, unsigned left) override
	{
		frame *inner = left ? frames[size_of(d, left - 1)] : nullptr;
		destroyed at_end;
		char room[BYTES];

		__asm__ volatile("" : : "r"(room) : "memory");
		AT_SITE(site_of(d, left), inner ? inner->go(d, left - 1) : d->last(d, left - 1))
	}
};

sized<16> small;
sized<48> larger;
sized<208> largest;
frame *const frames[3] = { &small, &larger, &largest };
}

/* A tail call. */
void down(descent *d, unsigned left)
{
	frames[0]->go(d, left);
}
