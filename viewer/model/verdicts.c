/* SPDX-License-Identifier: MIT */
#include "viewer/model/verdicts.h"

#include <stdbool.h>
#include <stdlib.h>

#include "viewer/base/memory.h"
#include "viewer/model/event.h"
#include "viewer/model/model.h"

_Static_assert(TRACE_REASON_COUNT <= 32, "reasons are bits of a uint32_t");

/* What a finding and its events have in common, and when the first of these was. */
struct verdict {
	uint64_t call; /* kind, function, package and stack */
	uint64_t first_time;
	uint32_t reason, reasons; /* in bits: its own; and with those before it with the same call */
};

struct verdicts {
	const struct model *model;
	struct verdict *verdict; /* sorted */
	size_t count, room;
};

static uint64_t join(uint8_t kind, uint8_t function, uint8_t package, uint32_t stack)
{
	return (uint64_t)stack << 32 | (uint64_t)kind << 16 | (uint64_t)function << 8 | package;
}

static int compare_verdicts(const void *left, const void *right)
{
	const struct verdict *a = left, *b = right;

	if (a->call != b->call)
		return a->call < b->call ? -1 : 1;
	return a->first_time < b->first_time ? -1 : a->first_time > b->first_time;
}

struct verdicts *verdicts_new(const struct model *model)
{
	struct verdicts *v = memory_new(1, sizeof(*v));
	struct reader_cursor c = { 0 };
	const struct trace_finding *f;

	v->model = model;
	while ((f = model_next_finding(model, &c)) != NULL) {
		uint32_t stack = f->stack[TRACE_STACK_CALL];

		memory_room(v->verdict, v->count, v->room);
		v->verdict[v->count++] = (struct verdict){
			.call = join(f->kind, f->function, f->package, stack),
			.first_time = f->first_time,
			.reason = 1u << f->reason,
		};
	}
	if (v->count)
		qsort(v->verdict, v->count, sizeof(*v->verdict), compare_verdicts);
	for (size_t i = 0; i < v->count; i++) {
		struct verdict *now = &v->verdict[i];

		now->reasons = now->reason;
		if (i && now[-1].call == now->call)
			now->reasons |= now[-1].reasons;
	}
	return v;
}

void verdicts_free(struct verdicts *v)
{
	if (!v)
		return;
	free(v->verdict);
	free(v);
}

uint32_t verdicts_reasons(const struct verdicts *v, const struct trace_event *event)
{
	enum trace_role role = model_function(v->model, event->function)->role;
	bool is_acquiring = event_has_size(role) && role != TRACE_ROLE_TRANSFER;
	struct verdict key = { .call = join(event->verdict, event->function, event->package,
					    event->stack) };
	size_t low = 0, high = v->count;

	/* A finding has the time at which its call began. */
	key.first_time = event->time - (is_acquiring ? event->duration : 0);
	/* The last one whose first occurrence was not later. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_verdicts(&v->verdict[middle], &key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || v->verdict[low - 1].call != key.call)
		return 1u << TRACE_REASON_NONE;
	return v->verdict[low - 1].first_time == key.first_time ? v->verdict[low - 1].reason
								: v->verdict[low - 1].reasons;
}

enum trace_reason verdicts_reason(const struct verdicts *v, const struct trace_event *event)
{
	uint32_t reasons = verdicts_reasons(v, event);
	unsigned reason = TRACE_REASON_NONE;

	if (reasons & (reasons - 1))
		return TRACE_REASON_NONE;
	while (reasons >> reason != 1)
		reason++;
	return (enum trace_reason)reason;
}
