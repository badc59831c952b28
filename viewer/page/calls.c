/* SPDX-License-Identifier: MIT */
#include "viewer/page/calls.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

#include "viewer/base/buffer.h"
#include "viewer/base/memory.h"
#include "viewer/findings/findings.h"
#include "viewer/model/model.h"
#include "viewer/model/verdicts.h"
#include "viewer/page/html.h"
#include "viewer/read/reader.h"
#include "viewer/read/trouble.h"
#include "viewer/report/text.h"
#include "viewer/view/event_line.h"
#include "viewer/view/event_stream.h"

enum { CALLS = 20, THREADS = 8 };

struct thread {
	int32_t tid;
	bool is_any; /* all threads */
	uint64_t calls;
	struct trace_event last[CALLS];
};

struct threads {
	struct thread thread[THREADS];
	size_t count;
};

static void add_thread(struct threads *t, int32_t tid, bool is_any)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->thread[i].tid == tid)
			return;
	if (t->count < THREADS)
		t->thread[t->count++] = (struct thread){ .tid = tid, .is_any = is_any };
}

/* All that lived at the end, if there are not too many. */
static void add_living(struct threads *t, const struct model *model)
{
	struct reader_cursor c = { 0 };
	int32_t tid[THREADS + 1];
	size_t count = 0;

	while (count <= THREADS && model_next_thread(model, &c, &tid[count]))
		count++;
	for (size_t i = 0; count <= THREADS && i < count; i++)
		add_thread(t, tid[i], false);
}

static void choose_threads(struct threads *t, const struct model *model, struct findings *findings,
			   size_t number)
{
	bool is_known; /* which thread the signal was for */

	for (size_t i = 0; i < findings->shown; i++) {
		const struct finding *f = findings_look(findings, i);

		if (!text_has_ended_process(f)) /* they come first */
			break;
		if (f->trace == number && f->thread)
			add_thread(t, f->thread, false);
	}
	if (model_process(model)->end != TRACE_END_KILLED)
		return;
	is_known = t->count > 0;
	for (size_t i = 0; i < model_in_flight(model); i++)
		add_thread(t, model_call(model, i)->tid, false);
	if (!is_known)
		add_living(t, model);
	if (t->count == 0)
		add_thread(t, 0, true);
}

static void take_event(struct threads *t, const struct trace_event *e)
{
	for (size_t i = 0; i < t->count; i++) {
		struct thread *thread = &t->thread[i];

		if (thread->is_any || thread->tid == e->tid)
			thread->last[thread->calls++ % CALLS] = *e;
	}
}

static void write_thread(struct buffer *b, const struct event_line *line, const struct thread *t)
{
	uint64_t first = t->calls > CALLS ? t->calls - CALLS : 0;
	struct buffer text = { 0 };

	if (t->calls == 0)
		return;
	buffer_text(b, "<h4>The last calls of ");
	if (t->is_any)
		buffer_text(b, "the process");
	else
		buffer_format(b, "thread %" PRId32, t->tid);
	buffer_text(b, "</h4>\n");
	for (uint64_t i = first; i < t->calls; i++)
		event_line_write(line, &text, &t->last[i % CALLS]);
	html_lines(b, "pre class=calls", text.data);
	buffer_release(&text);
}

void calls_write(struct buffer *b, const struct model *model, struct findings *findings,
		 size_t number)
{
	struct threads *t = memory_new(1, sizeof(*t));
	const struct trace_event *e;
	struct event_stream *stream;
	struct verdicts *verdicts;
	struct trouble trouble;
	struct event_line *line;

	choose_threads(t, model, findings, number);
	if (t->count) {
		stream = event_stream_new(model);
		while ((e = event_stream_next(stream, &trouble)) != NULL)
			take_event(t, e);
		event_stream_free(stream);
		verdicts = verdicts_new(model);
		line = event_line_new(model, verdicts, false, false);
		for (size_t i = 0; i < t->count; i++)
			write_thread(b, line, &t->thread[i]);
		event_line_free(line);
		verdicts_free(verdicts);
	}
	free(t);
}
