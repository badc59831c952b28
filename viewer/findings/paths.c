/* SPDX-License-Identifier: MIT */
#include "viewer/findings/paths.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/hash.h"
#include "viewer/base/index.h"
#include "viewer/base/memory.h"
#include "viewer/model/event.h"
#include "viewer/model/model.h"

/* A call of an entry point. */
struct entered {
	struct path path;
	uint64_t begin;
};

/* A leak. Its allocation is the event with the same address, thread, size and stack. */
struct made {
	const struct trace_entry *entry;
	uint64_t time;   /* of the allocation, in ticks; 0: unknown */
	uint32_t path;   /* 1 + number of the call; 0: none that failed */
	uint32_t before; /* while calls are walked through: 1 + the leak before it in the thread */
};

struct paths {
	struct entered *call;
	size_t calls, call_room;
	struct made *made;
	size_t count, room;
	struct index index; /* of made[] */
};

struct wanted {
	const struct paths *paths;
	uint64_t address, size;
	uint32_t stack;
	int32_t tid;
};

static bool is_made(const void *context, uint32_t item)
{
	const struct wanted *wanted = context;
	const struct trace_entry *entry = wanted->paths->made[item].entry;

	return entry->address == wanted->address && entry->size == wanted->size &&
	       entry->stack == wanted->stack && entry->tid == wanted->tid;
}

static uint32_t *find_made(const struct paths *p, uint64_t address, uint64_t size, uint32_t stack,
			   int32_t tid)
{
	struct wanted wanted = { p, address, size, stack, tid };

	return index_find(&p->index, hash_bytes(&address, sizeof(address)), is_made, &wanted);
}

/* Reads one chunk of the ring after the other, and hands its events to take(). */
static void read_history(struct paths *p, const struct model *model, bool is_for_calls,
			 void (*take)(struct paths *, const struct model *,
				      const struct trace_event *))
{
	const struct reader *reader = model_reader(model);
	struct reader_events *events = memory_new(1, sizeof(*events));
	struct reader_cursor c = { 0 };
	struct reader_ring ring;
	struct trouble trouble;

	while (reader_next_ring(reader, &c, &ring)) {
		if (is_for_calls && ring.is_full && !ring.transfers)
			continue;
		if (!reader_read_events(reader, &ring, events, &trouble))
			break;
		for (size_t i = 0; i < events->count; i++)
			take(p, model, &events->event[i]);
	}
	free(events);
}

static void take_entered(struct paths *p, const struct model *model, const struct trace_event *e)
{
	if (event_role(model_function(model, e->function)->role, e) != EVENT_ROLE_RETURN ||
	    e->duration > e->time)
		return;
	memory_room(p->call, p->calls, p->call_room);
	p->call[p->calls++] = (struct entered){ { e->function, e->result, e->time, e->tid },
						e->time - e->duration };
}

static void take_made(struct paths *p, const struct model *model, const struct trace_event *e)
{
	enum trace_role role = event_role(model_function(model, e->function)->role, e);
	uint32_t number;

	if (!event_has_size(role) || role == TRACE_ROLE_TRANSFER || !event_has_address(role, e))
		return;
	number = *find_made(p, e->address, e->size, e->stack, e->tid);
	if (number && e->time > p->made[number - 1].time)
		p->made[number - 1].time = e->time;
}

static void list_leaks(struct paths *p, const struct model *model,
		       bool (*is_leak)(const struct trace_entry *, const struct model *))
{
	struct reader_cursor c = { 0 };
	struct model_entry entry;

	while (model_next_entry(model, &c, &entry)) {
		if (!entry.stack || !is_leak(entry.source, model))
			continue;
		memory_room(p->made, p->count, p->room);
		p->made[p->count++] = (struct made){ .entry = entry.source };
	}
}

static void index_leaks(struct paths *p)
{
	index_release(&p->index);
	index_init(&p->index, p->count);
	for (size_t i = 0; i < p->count; i++) {
		const struct trace_entry *e = p->made[i].entry;
		uint32_t *slot = find_made(p, e->address, e->size, e->stack, e->tid);

		if (!*slot)
			*slot = (uint32_t)i + 1;
	}
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_made(const void *left, const void *right)
{
	const struct made *a = left, *b = right;
	int order = compare_numbers((uint32_t)a->entry->tid, (uint32_t)b->entry->tid);

	return order ? order : compare_numbers(a->time, b->time);
}

/* The inner one of two calls that end at the same time comes first. */
static int compare_calls(const void *left, const void *right)
{
	const struct entered *a = left, *b = right;
	int order = compare_numbers((uint32_t)a->path.tid, (uint32_t)b->path.tid);

	if (!order)
		order = compare_numbers(a->path.end, b->path.end);
	return order ? order : compare_numbers(b->begin, a->begin);
}

/*
 * Both are in the order of threads, then of time. A leak waits until a call ends that had begun
 * before it: that is the innermost one. The leaks that wait are a list, the last one first.
 */
static void match_calls(struct paths *p)
{
	uint32_t waiting = 0;
	size_t next = 0;

	for (size_t i = 0; i < p->calls; i++) {
		const struct entered *call = &p->call[i];

		if (i && p->call[i - 1].path.tid != call->path.tid)
			waiting = 0;
		for (; next < p->count; next++) {
			const struct made *m = &p->made[next];
			int order =
				compare_numbers((uint32_t)m->entry->tid, (uint32_t)call->path.tid);

			if (order > 0 || (order == 0 && m->time > call->path.end))
				break;
			if (order < 0 || !m->time)
				continue;
			p->made[next].before = waiting;
			waiting = (uint32_t)next + 1;
		}
		for (; waiting && p->made[waiting - 1].time >= call->begin;
		     waiting = p->made[waiting - 1].before)
			if (call->path.status < 0)
				p->made[waiting - 1].path = (uint32_t)i + 1;
	}
}

static bool has_failure(const struct paths *p)
{
	for (size_t i = 0; i < p->calls; i++)
		if (p->call[i].path.status < 0)
			return true;
	return false;
}

struct paths *paths_new(const struct model *model,
			bool (*is_leak)(const struct trace_entry *, const struct model *))
{
	struct paths *p = memory_new(1, sizeof(*p));

	read_history(p, model, true, take_entered);
	if (has_failure(p))
		list_leaks(p, model, is_leak);
	if (!p->count) {
		paths_free(p);
		return NULL;
	}
	index_leaks(p);
	read_history(p, model, false, take_made);
	qsort(p->made, p->count, sizeof(*p->made), compare_made);
	qsort(p->call, p->calls, sizeof(*p->call), compare_calls);
	match_calls(p);
	index_leaks(p);
	return p;
}

void paths_free(struct paths *p)
{
	if (!p)
		return;
	index_release(&p->index);
	free(p->call);
	free(p->made);
	free(p);
}

const struct path *paths_find(const struct paths *p, const struct trace_entry *entry)
{
	uint32_t number;

	if (!p || !entry->stack)
		return NULL;
	number = *find_made(p, entry->address, entry->size, entry->stack, entry->tid);
	if (!number || p->made[number - 1].entry != entry || !p->made[number - 1].path)
		return NULL;
	return &p->call[p->made[number - 1].path - 1].path;
}
