// SPDX-License-Identifier: MIT
#include "tests/windows/throwing.h"

namespace
{
enum { DEPTH = 8, BLOCK_BYTES = 24, LEAK_BYTES = 56 };

struct heap {
	void *(*allocate)(unsigned bytes);
	void (*release)(void *block);
	bool leaks;
};

struct holder {
	const heap &from;
	int left;
	void *block;

	holder(const heap &h, int l) : from(h), left(l), block(h.allocate(BLOCK_BYTES))
	{
	}
	__attribute__((noinline)) ~holder()
	{
		from.release(from.allocate(BLOCK_BYTES));
		if (from.leaks && left == 0)
			from.allocate(LEAK_BYTES);
		from.release(block);
	}
};

__attribute__((noinline)) int descend(const heap &h, int left)
{
	holder own(h, left);

	if (left == 0)
		throw left;
	return descend(h, left - 1) + 1;
}
} // namespace

void throwing_run(void *(*allocate)(unsigned bytes), void (*release)(void *block), int leaks)
{
	heap h = { allocate, release, leaks != 0 };

	try {
		descend(h, DEPTH);
	} catch (int) {
		release(allocate(BLOCK_BYTES));
	}
}
