/* SPDX-License-Identifier: MIT */
#include "stress.h"

unsigned walk_random(struct walk *w, unsigned below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (unsigned)(w->random >> 33) % below;
}

static place *choose_odd(struct walk *w)
{
	unsigned i = walk_random(w, odd_places_count + throw_places_count);

	return i < odd_places_count ? odd_places[i] : throw_places[i - odd_places_count];
}

/* Most places have plain frames, as most stacks have. */
static place *choose(struct walk *w)
{
	unsigned i;

	if (w->odd && walk_random(w, w->odd) == 0)
		return choose_odd(w);
	i = walk_random(w, 16);
	if (i == 0)
		return jump_places[walk_random(w, jump_places_count)];
	if (i < 3)
		return call_places[walk_random(w, call_places_count)];
	return frame_places[walk_random(w, frame_places_count)];
}

static void go(struct walk *w)
{
	w->depth--;
	choose(w)(w);
	w->depth++;
}

void walk_on(struct walk *w)
{
	if (w->pause && walk_random(w, 8) == 0)
		w->pause(w);
	for (unsigned n = walk_random(w, 8) ? 1 + walk_random(w, 2) : 0; n > 0; n--) {
		if (w->calls == 0)
			return;
		if (walk_random(w, 2))
			touch(w);
		if (w->depth > 0)
			go(w);
	}
	touch(w);
}

void walk_afresh(struct walk *w, unsigned long calls, unsigned depth)
{
	struct walk saved = *w;
	unsigned long most = w->calls < calls ? w->calls : calls;

	w->calls = most;
	w->depth = depth;
	w->landing = NULL;
	w->catches = 0;
	while (w->calls > 0)
		walk_on(w);
	saved.random = w->random;
	saved.calls -= most;
	*w = saved;
}
