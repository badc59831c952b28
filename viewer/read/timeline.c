/* SPDX-License-Identifier: MIT */
#include "viewer/read/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/memory.h"

/* What is left of one lane. Both chunks hold events, and are sorted together. */
struct lane {
	struct reader_ring *ring; /* its chunks, oldest first */
	size_t rings, next_ring;
	struct reader_events *now,
		*then; /* the chunk that is handed out, and the one behind it, or NULL */
	size_t head;   /* those left of `now`: from event[head] on */
};

struct timeline {
	const struct reader *reader;
	const struct timeline_watch *watch; /* may be NULL */
	struct reader_ring *rings;          /* of all lanes */
	struct lane *lane;
	size_t lanes;
	size_t *heap; /* lanes that have an event; each before those at 2i + 1 and 2i + 2 */
	size_t heaped;
	uint64_t others; /* the first time of the other lanes: until then, none goes before heap[0] */
	bool is_started;
};

struct timeline *timeline_new(const struct reader *reader)
{
	struct timeline *t = memory_new(1, sizeof(*t));
	size_t rings, lane_room = 0;

	t->reader = reader;
	t->rings = reader_list_rings(reader, &rings);
	for (size_t i = 0; i < rings; i++) {
		if (i == 0 || t->rings[i].lane != t->rings[i - 1].lane) {
			memory_room(t->lane, t->lanes, lane_room);
			t->lane[t->lanes++] = (struct lane){ .ring = &t->rings[i] };
		}
		t->lane[t->lanes - 1].rings++;
	}
	t->heap = memory_new(t->lanes, sizeof(*t->heap));
	return t;
}

void timeline_free(struct timeline *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->lanes; i++) {
		free(t->lane[i].now);
		free(t->lane[i].then);
	}
	free(t->rings);
	free(t->lane);
	free(t->heap);
	free(t);
}

void timeline_show(struct timeline *t, const struct timeline_watch *watch)
{
	t->watch = watch;
}

static bool is_sorted(const struct trace_event *event, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (event[i].time < event[i - 1].time)
			return false;
	return true;
}

/* A merge sort: stable, for events with the same time. */
static void sort_events(struct trace_event *event, struct trace_event *spare, size_t count)
{
	size_t half = count / 2, left = 0, right = half;

	if (is_sorted(event, count))
		return;
	sort_events(event, spare, half);
	sort_events(event + half, spare, count - half);
	memcpy(spare, event, count * sizeof(*event));
	for (size_t i = 0; i < count; i++) {
		bool take_left =
			right == count || (left < half && spare[left].time <= spare[right].time);

		event[i] = take_left ? spare[left++] : spare[right++];
	}
}

/* Seldom needed. */
static void sort_chunks(struct reader_events *now, struct reader_events *then)
{
	size_t first = now ? now->count : 0, all = first + then->count;
	struct trace_event *event = memory_new(2 * all, sizeof(*event));

	if (first)
		memcpy(event, now->event, first * sizeof(*event));
	memcpy(event + first, then->event, then->count * sizeof(*event));
	sort_events(event, event + all, all);
	if (first)
		memcpy(now->event, event, first * sizeof(*event));
	memcpy(then->event, event + first, then->count * sizeof(*event));
	free(event);
}

/* Goes on to the chunk behind, and reads the next one that holds events. */
static bool turn_lane(struct timeline *t, struct lane *lane, struct trouble *trouble)
{
	struct reader_events *now = lane->then, *then = lane->now;

	lane->now = now;
	lane->then = then;
	lane->head = 0;
	while (lane->next_ring < lane->rings) {
		const struct reader_ring *ring = &lane->ring[lane->next_ring++];

		if (!then)
			lane->then = then = memory_resize(NULL, 1, sizeof(*then));
		if (!reader_read_events(t->reader, ring, then, trouble))
			return false;
		if (t->watch)
			t->watch->visit(t->watch->context, ring, then);
		if (!then->count)
			continue;
		if (!is_sorted(then->event, then->count) ||
		    (now && then->event[0].time < now->event[now->count - 1].time))
			sort_chunks(now, then);
		return true;
	}
	free(then);
	lane->then = NULL;
	return true;
}

static const struct trace_event *first_event(const struct lane *lane)
{
	return &lane->now->event[lane->head];
}

static bool is_earlier(const struct timeline *t, size_t a, size_t b)
{
	uint64_t left = first_event(&t->lane[a])->time, right = first_event(&t->lane[b])->time;

	return left < right || (left == right && a < b);
}

/* Moves the lane at `place` down the heap to where it belongs. */
static void sink_lane(struct timeline *t, size_t place)
{
	for (;;) {
		size_t first = place, lane = t->heap[place];

		for (size_t child = 2 * place + 1; child <= 2 * place + 2; child++)
			if (child < t->heaped && is_earlier(t, t->heap[child], t->heap[first]))
				first = child;
		if (first == place)
			return;
		t->heap[place] = t->heap[first];
		t->heap[first] = lane;
		place = first;
	}
}

/* Puts the lane at the top of the heap in its place. */
static void sift_lanes(struct timeline *t)
{
	t->others = UINT64_MAX;
	if (t->heaped)
		sink_lane(t, 0);
	for (size_t i = 1; i < t->heaped && i <= 2; i++) {
		uint64_t time = first_event(&t->lane[t->heap[i]])->time;

		if (time < t->others)
			t->others = time;
	}
}

static bool fill_heap(struct timeline *t, struct trouble *trouble)
{
	t->is_started = true;
	for (size_t i = 0; i < t->lanes; i++) {
		/* The first chunk comes to lie behind no other. */
		if (!turn_lane(t, &t->lane[i], trouble) || !turn_lane(t, &t->lane[i], trouble))
			return false;
		if (t->lane[i].now)
			t->heap[t->heaped++] = i;
	}
	for (size_t i = t->heaped; i-- > 1;)
		sink_lane(t, i);
	sift_lanes(t);
	return true;
}

/* Goes on behind the event that was handed out last. */
static bool take_next(struct timeline *t, struct trouble *trouble)
{
	struct lane *lane = &t->lane[t->heap[0]];

	if (++lane->head == lane->now->count && !turn_lane(t, lane, trouble))
		return false;
	if (!lane->now)
		t->heap[0] = t->heap[--t->heaped];
	else if (first_event(lane)->time < t->others)
		return true;
	sift_lanes(t);
	return true;
}

const struct trace_event *timeline_next(struct timeline *t, struct trouble *trouble)
{
	trouble->error = TROUBLE_NONE;
	if (t->is_started ? t->heaped && !take_next(t, trouble) : !fill_heap(t, trouble)) {
		t->heaped = 0;
		return NULL;
	}
	return t->heaped ? first_event(&t->lane[t->heap[0]]) : NULL;
}
