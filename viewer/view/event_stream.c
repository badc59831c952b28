/* SPDX-License-Identifier: MIT */
#include "viewer/view/event_stream.h"

#include <stdbool.h>
#include <stdlib.h>

#include "viewer/base/memory.h"
#include "viewer/model/event.h"
#include "viewer/model/model.h"
#include "viewer/read/reader.h"
#include "viewer/read/timeline.h"

/* A call in flight. */
struct flight {
	struct trace_event event;
	uint32_t lane;
	bool is_recorded; /* the ring has an event of it */
};

struct event_stream {
	const struct model *model;
	struct timeline *timeline;
	const struct trace_event *ahead; /* of the timeline, to be handed out; NULL: not known */
	struct flight *flight;
	size_t count, room, next;
};

static struct trace_event event_of(const struct model *model, const struct trace_lane *lane,
				   const struct trace_call *call)
{
	enum trace_role role = model_function(model, call->function)->role;
	struct trace_event e = { .time = call->time,
				 .tid = lane->tid,
				 .stack = call->stack,
				 .function = call->function,
				 .package = call->package,
				 .state = TRACE_EVENT_COMMITTED };

	/* Where the address and the size come back through pointers, they are not known yet. */
	if (role == TRACE_ROLE_OBTAIN)
		return e;
	if (role == TRACE_ROLE_CREATE_SECTION) {
		e.size = (call->arguments[0] & UINT32_MAX) | call->arguments[1] << 32;
		return e;
	}
	if (event_takes_section(role))
		e.section = call->arguments[0];
	*(event_has_size(role) ? &e.size : &e.address) =
		call->arguments[event_takes_section(role) ? 1 : 0];
	return e;
}

/* Calls in flight of one lane are told apart by when they began. */
static int compare_beginnings(const void *left, const void *right)
{
	const struct flight *a = left, *b = right;

	if (a->lane != b->lane)
		return a->lane < b->lane ? -1 : 1;
	if (a->event.time != b->event.time)
		return a->event.time < b->event.time ? -1 : 1;
	return a->event.function - b->event.function;
}

static int compare_times(const void *left, const void *right)
{
	const struct trace_event *a = &((const struct flight *)left)->event;
	const struct trace_event *b = &((const struct flight *)right)->event;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	if (a->tid != b->tid)
		return a->tid < b->tid ? -1 : 1;
	return a->function - b->function;
}

static void take_lanes(struct event_stream *s)
{
	const struct trace_lane *lane;
	struct reader_cursor c = { 0 };

	while ((lane = reader_next_lane(model_reader(s->model), &c)) != NULL)
		for (uint32_t i = 0; i < lane->depth && i < TRACE_IN_FLIGHT; i++) {
			memory_room(s->flight, s->count, s->room);
			s->flight[s->count++] = (struct flight){
				.event = event_of(s->model, lane, &lane->in_flight[i]),
				.lane = lane->number,
			};
		}
}

/* Returns the call in flight that an event is of, or NULL. The order is that of `compare`. */
static struct flight *find_flight(const struct event_stream *s, uint32_t lane,
				  const struct trace_event *e,
				  int (*compare)(const void *, const void *))
{
	struct flight key = { .event = *e, .lane = lane };

	if (s->count == 0)
		return NULL;
	/* An acquiring call is recorded when it has returned, but is in flight a moment longer. */
	if (event_has_size(model_function(s->model, e->function)->role))
		key.event.time -= e->duration;
	return bsearch(&key, s->flight, s->count, sizeof(key), compare);
}

static void mark_recorded(struct event_stream *s, uint32_t lane, const struct trace_event *e)
{
	struct flight *found = find_flight(s, lane, e, compare_beginnings);

	if (found)
		found->is_recorded = true;
}

/* Was an event handed out as a call in flight? Of a process that runs, it may have returned since. */
static bool was_in_flight(const struct event_stream *s, const struct trace_event *e)
{
	struct flight *found = find_flight(s, 0, e, compare_times);

	if (!found || found->is_recorded)
		return false;
	found->is_recorded = true;
	return found < s->flight + s->next;
}

/* Does a chunk hold nothing that is as new as the calls in flight of its lane? `*next` is the first of
 * these, or of a lane before it, and is moved on. */
static bool is_older(const struct event_stream *s, const struct reader_ring *ring, size_t *next)
{
	while (*next < s->count && s->flight[*next].lane < ring->lane)
		++*next;
	return *next == s->count || s->flight[*next].lane != ring->lane ||
	       (ring->is_full && ring->last_time < s->flight[*next].event.time);
}

/* What cannot be read here is a trouble of the timeline too, which tells it. */
static void mark_all_recorded(struct event_stream *s)
{
	const struct reader *reader = model_reader(s->model);
	struct reader_events *some = memory_new(1, sizeof(*some));
	struct trouble trouble;
	size_t rings, next = 0;
	struct reader_ring *ring = reader_list_rings(reader, &rings);

	for (size_t i = 0; i < rings; i++) {
		if (is_older(s, &ring[i], &next))
			continue;
		if (!reader_read_events(reader, &ring[i], some, &trouble))
			break;
		for (size_t j = 0; j < some->count; j++)
			mark_recorded(s, ring[i].lane, &some->event[j]);
	}
	free(ring);
	free(some);
}

struct event_stream *event_stream_new(const struct model *model)
{
	struct event_stream *s = memory_new(1, sizeof(*s));

	s->model = model;
	s->timeline = timeline_new(model_reader(model));
	take_lanes(s);
	if (s->count == 0)
		return s;
	qsort(s->flight, s->count, sizeof(*s->flight), compare_beginnings);
	mark_all_recorded(s);
	qsort(s->flight, s->count, sizeof(*s->flight), compare_times);
	return s;
}

void event_stream_free(struct event_stream *s)
{
	if (!s)
		return;
	timeline_free(s->timeline);
	free(s->flight);
	free(s);
}

const struct trace_event *event_stream_next(struct event_stream *s, struct trouble *trouble)
{
	const struct trace_event *e = s->ahead;

	trouble->error = TROUBLE_NONE;
	s->ahead = NULL;
	if (!e)
		while ((e = timeline_next(s->timeline, trouble)) != NULL && was_in_flight(s, e))
			;
	if (trouble->error != TROUBLE_NONE)
		return NULL;
	while (s->next < s->count && s->flight[s->next].is_recorded)
		s->next++;
	if (s->next == s->count || (e && e->time <= s->flight[s->next].event.time))
		return e;
	s->ahead = e;
	return &s->flight[s->next++].event;
}
