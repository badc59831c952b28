/* SPDX-License-Identifier: MIT */
/* C++ exceptions: thrown through frames, out of the host's function and past the tracer's
 * frames. Also calls from destructors while the stack is unwound. */
#include "stress.h"

namespace {

struct thrown {
	unsigned turns;
};

/* Calls the table at the end of its scope, also if an exception ends it. */
class guard {
public:
	explicit guard(struct walk *walk) : w(walk)
	{
	}
	~guard()
	{
		touch(w);
	}

private:
	struct walk *w;
};

NOINLINE void throw_now(unsigned turns)
{
	throw thrown{ turns };
}

void throw_from_host(void *)
{
	throw_now(0);
}

/* A walk does not jump past a frame that an exception would unwind. */
NOINLINE void guarded(struct walk *w)
{
	struct landing *landing = w->landing;

	w->landing = nullptr;
	{
		guard here(w);

		walk_on(w);
	}
	w->landing = landing;
	STAY();
}

NOINLINE void catching(struct walk *w)
{
	struct landing *landing = w->landing;
	unsigned depth = w->depth, catches = w->catches;

	w->landing = nullptr;
	w->catches++;
	try {
		guard here(w);

		walk_on(w);
	} catch (const thrown &) {
		touch(w);
		w->landing = nullptr;
		w->depth = depth;
		w->catches = catches;
		walk_on(w);
	}
	w->landing = landing;
	w->depth = depth;
	w->catches = catches;
	STAY();
}

NOINLINE void rethrowing(struct walk *w)
{
	try {
		walk_on(w);
	} catch (const thrown &) {
		touch(w);
		throw;
	}
	STAY();
}

/* Exceptions also pass through frames of C that have unwind information. */
NOINLINE void throwing(struct walk *w)
{
	touch(w);
	if (w->catches > 0 && walk_random(w, 2))
		throw_now(1);
	walk_on(w);
	STAY();
}

NOINLINE void throwing_from_host(struct walk *w)
{
	touch(w);
	if (w->catches > 0 && walk_random(w, 2)) {
		host_next(throw_from_host, nullptr);
		touch(w);
	}
	walk_on(w);
	STAY();
}

/* Runs at the end of a thread; in main, at the end of the process. */
struct last_words {
	~last_words()
	{
		struct walk w = {};

		w.random = 11;
		w.calls = 20;
		w.depth = 4;
		walk_on(&w);
	}
};

NOINLINE void leave_words(struct walk *w)
{
	static thread_local last_words words;

	BLUR(w);
	(void)&words;
	walk_on(w);
	STAY();
}

void run_throws(struct walk *w)
{
	static place *const places[] = { catching, catching, guarded, leave_words };

	while (w->calls > 0) {
		w->depth = 4 + walk_random(w, 12);
		w->odd = 3;
		places[walk_random(w, 4)](w);
	}
	w->odd = 0;
}

}

extern "C" {

NOINLINE void throws_leak_caught(unsigned bytes)
{
	leak_block(bytes);
	STAY();
}

NOINLINE void throws_leak_deep(unsigned turns)
{
	if (turns == 0) {
		host_next(throw_from_host, nullptr);
		lsa->AllocateLsaHeap(1);
	} else {
		throws_leak_deep(turns - 1);
	}
	STAY();
}

NOINLINE void throws_leak(unsigned bytes)
{
	try {
		throws_leak_deep(5);
	} catch (const thrown &) {
		throws_leak_caught(bytes);
		STAY();
	}
}

PLACES(throw, guarded, catching, catching, rethrowing, throwing, throwing_from_host, leave_words);

const struct scenario throws_scenario = { "throws", run_throws, throws_leak,
					  "throws_leak_caught throws_leak", 60, false };
}
