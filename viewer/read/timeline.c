/* SPDX-License-Identifier: MIT */
#include "viewer/read/timeline.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/memory.h"

#define WINDOW (2 * READER_RING_EVENTS)

/* What is left of one lane. */
struct lane {
	struct reader_ring *ring; /* its chunks, oldest first */
	size_t rings, next_ring;
	/* Sorted. Room for WINDOW, or for all of a lane with one chunk; NULL: no chunk is loaded. */
	struct trace_event *event;
	size_t head, count; /* those left: event[head] to event[count - 1] */
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
	struct reader_events *events; /* for reading a chunk */
	struct trace_event *spare;    /* room for WINDOW, for sorting */
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
	t->events = memory_new(1, sizeof(*t->events));
	t->spare = memory_new(WINDOW, sizeof(*t->spare));
	return t;
}

void timeline_free(struct timeline *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->lanes; i++)
		free(t->lane[i].event);
	free(t->rings);
	free(t->lane);
	free(t->heap);
	free(t->events);
	free(t->spare);
	free(t);
}

void timeline_show(struct timeline *t, const struct timeline_watch *watch)
{
	t->watch = watch;
}

/* Are the events sorted, of which the first ones are known to be? */
static bool is_sorted(const struct trace_event *event, size_t known, size_t count)
{
	for (size_t i = known ? known : 1; i < count; i++)
		if (event[i].time < event[i - 1].time)
			return false;
	return true;
}

/* A merge sort: stable, for events with the same time. Seldom needed. */
static void sort_events(struct trace_event *event, struct trace_event *spare, size_t known,
			size_t count)
{
	size_t half = count / 2, left = 0, right = half;

	if (is_sorted(event, known, count))
		return;
	sort_events(event, spare, 0, half);
	sort_events(event + half, spare, 0, count - half);
	memcpy(spare, event, count * sizeof(*event));
	for (size_t i = 0; i < count; i++) {
		bool take_left =
			right == count || (left < half && spare[left].time <= spare[right].time);

		event[i] = take_left ? spare[left++] : spare[right++];
	}
}

/* Loads chunks until more than one chunk of events is ahead, or the lane has no more. */
static bool refill_lane(struct timeline *t, struct lane *lane, struct trouble *trouble)
{
	while (lane->count - lane->head <= WINDOW / 2 && lane->next_ring < lane->rings) {
		const struct reader_ring *ring = &lane->ring[lane->next_ring++];
		size_t left = lane->count - lane->head;

		if (!reader_read_events(t->reader, ring, t->events, trouble))
			return false;
		if (t->watch)
			t->watch->visit(t->watch->context, ring, t->events);
		if (!lane->event)
			lane->event =
				memory_resize(NULL, lane->rings == 1 ? READER_RING_EVENTS : WINDOW,
					      sizeof(*lane->event));
		memmove(lane->event, lane->event + lane->head, left * sizeof(*lane->event));
		memcpy(lane->event + left, t->events->event,
		       t->events->count * sizeof(*lane->event));
		lane->head = 0;
		lane->count = left + t->events->count;
		sort_events(lane->event, t->spare, left, lane->count);
	}
	return true;
}

static bool is_earlier(const struct timeline *t, size_t a, size_t b)
{
	uint64_t left = t->lane[a].event[t->lane[a].head].time;
	uint64_t right = t->lane[b].event[t->lane[b].head].time;

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
		const struct lane *lane = &t->lane[t->heap[i]];

		if (lane->event[lane->head].time < t->others)
			t->others = lane->event[lane->head].time;
	}
}

static bool fill_heap(struct timeline *t, struct trouble *trouble)
{
	t->is_started = true;
	for (size_t i = 0; i < t->lanes; i++) {
		if (!refill_lane(t, &t->lane[i], trouble))
			return false;
		if (t->lane[i].count)
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

	lane->head++;
	if (!refill_lane(t, lane, trouble))
		return false;
	if (lane->head == lane->count) {
		free(lane->event);
		lane->event = NULL;
		t->heap[0] = t->heap[--t->heaped];
	} else if (lane->event[lane->head].time < t->others) {
		return true;
	}
	sift_lanes(t);
	return true;
}

const struct trace_event *timeline_next(struct timeline *t, struct trouble *trouble)
{
	const struct lane *lane;

	trouble->error = TROUBLE_NONE;
	if (t->is_started ? t->heaped && !take_next(t, trouble) : !fill_heap(t, trouble)) {
		t->heaped = 0;
		return NULL;
	}
	if (t->heaped == 0)
		return NULL;
	lane = &t->lane[t->heap[0]];
	return &lane->event[lane->head];
}
