/* SPDX-License-Identifier: MIT */
/* Events of a trace that is still being written. */
#include <criterion/criterion.h>

#include "tests/support/trace_builder.h"
#include "viewer/base/progress.h"
#include "viewer/model/model.h"
#include "viewer/read/trouble.h"
#include "viewer/view/event_stream.h"

enum { TID = 77 };

static struct trace_event call(uint64_t time, uint32_t duration)
{
	return (struct trace_event){ .time = time,
				     .duration = duration,
				     .tid = TID,
				     .function = SLOT_AllocateLsaHeap,
				     .state = TRACE_EVENT_COMMITTED | TRACE_EVENT_RETURNED };
}

/* The thread has called before, and has not returned from its second call. */
static struct trace_builder *build(void)
{
	struct trace_builder *b = trace_builder_new();
	struct trace_lane *lane = trace_builder_lane(b, 0, TID);

	trace_builder_event(b, 0, call(500, 10));
	lane->in_flight[lane->depth++] =
		(struct trace_call){ .time = 1000, .function = SLOT_AllocateLsaHeap };
	return b;
}

static struct model *open_trace(struct trace_builder *b)
{
	struct progress progress = { 0 };
	struct trouble trouble;
	struct model *model = model_open(trace_builder_write(b), &progress, &trouble);

	cr_assert(model, "%s", trouble.text);
	return model;
}

static unsigned count_rest(struct event_stream *s)
{
	struct trouble trouble;
	unsigned count = 0;

	while (event_stream_next(s, &trouble))
		count++;
	cr_expect_eq(trouble.error, TROUBLE_NONE, "%s", trouble.text);
	return count;
}

Test(event_stream, a_call_that_returns_while_the_trace_is_read_is_shown_once)
{
	struct trace_builder *b = build();
	struct model *model = open_trace(b);
	struct event_stream *s = event_stream_new(model);

	trace_builder_event(b, 0, call(2000, 1000));
	trace_builder_event(b, 0, call(3000, 10));
	trace_builder_write(b);
	cr_expect_eq(count_rest(s), 3);
	event_stream_free(s);
	model_close(model);
	trace_builder_free(b);
}

Test(event_stream, calls_in_flight_are_among_the_events)
{
	struct trace_builder *b = build();
	struct model *model = open_trace(b);
	struct event_stream *s = event_stream_new(model);

	cr_expect_eq(count_rest(s), 2);
	event_stream_free(s);
	model_close(model);
	trace_builder_free(b);
}
