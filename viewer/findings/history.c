/* SPDX-License-Identifier: MIT */
#include "viewer/findings/history.h"

#include <stdlib.h>
#include <string.h>

#include "viewer/base/hash.h"
#include "viewer/base/index.h"
#include "viewer/base/memory.h"
#include "viewer/base/search.h"
#include "viewer/model/event.h"
#include "viewer/model/model.h"
#include "viewer/read/eras.h"

/* A call of an entry point. */
struct entered {
	struct path path;
	uint64_t begin;
};

/* A misuse. Its events have the same verdict, function, package and stack. */
struct misuse {
	const struct trace_finding *finding;
	uint64_t last;     /* in ticks; 0: unknown */
	bool is_ambiguous; /* another misuse has the same events */
};

/* A leak. Its allocation is the event with the same address, thread, size and stack. */
struct made {
	const struct trace_entry *entry;
	uint64_t time;   /* of the allocation, in ticks; 0: unknown */
	uint32_t path;   /* 1 + number of the call; 0: none that failed */
	uint32_t before; /* while calls are walked through: 1 + the leak before it in the thread */
};

/* What makes an allocation distinct. */
struct key {
	uint64_t address, size;
	uint32_t stack;
	int32_t tid;
};

struct history {
	struct entered *call;
	size_t calls, call_room;
	struct made *made;
	size_t count;
	size_t last;   /* place in made[] of the last one that was found */
	uint64_t *era; /* those of the leaks, in ascending order */
	size_t eras;
	struct index index; /* of made[], once it is asked for */
	struct key area;    /* what hash_key() has hashed last */
	uint64_t area_hash;
	uint64_t *filter;      /* a bit for each hash of their addresses and stacks */
	unsigned filter_bits;  /* of such a hash */
	struct misuse *misuse; /* all, if one happened several times */
	size_t misuses;
	size_t unseen; /* while chunks are read: those of which a last event is wanted, and none was read */
	uint64_t since; /* ... and when there are no more: chunks before that hold no later event */
	struct index misuse_index;
};

struct wanted {
	const struct history *history;
	struct key key;
};

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static bool is_made(const void *context, uint32_t item)
{
	const struct wanted *wanted = context;
	const struct trace_entry *entry = wanted->history->made[item].entry;

	return entry->address == wanted->key.address && entry->size == wanted->key.size &&
	       entry->stack == wanted->key.stack && entry->tid == wanted->key.tid;
}

/* Neighbours that are alike otherwise get slots near each other, for the processor's caches. */
static uint64_t hash_key(struct history *h, const struct key *key)
{
	struct key area = *key;

	area.address >>= 10;
	if (memcmp(&area, &h->area, sizeof(area)) != 0) {
		h->area = area;
		h->area_hash = hash_bytes(&area, sizeof(area));
	}
	return h->area_hash + (key->address >> 4 & 63) * 0x19e3779b9;
}

static void index_leaks(struct history *h)
{
	index_init(&h->index, h->count);
	for (size_t i = 0; i < h->count; i++) {
		const struct trace_entry *e = h->made[i].entry;
		struct wanted wanted = { h, { e->address, e->size, e->stack, e->tid } };

		index_add(&h->index, hash_key(h, &wanted.key), is_made, &wanted, i);
	}
}

/* What is asked for next lies beside it, as a rule: a thread takes new entries from the last one down. So
 * the index, which takes longer than all the rest, is made only when something else is asked for. */
static uint32_t find_made(struct history *h, const struct wanted *wanted)
{
	uint32_t number;

	for (size_t i = h->last ? h->last - 1 : 0; i < h->count && i < h->last + 2; i++)
		if (is_made(wanted, (uint32_t)i))
			return (uint32_t)(h->last = i) + 1;
	if (!h->index.slot)
		index_leaks(h);
	number = index_find(&h->index, hash_key(h, &wanted->key), is_made, wanted);
	h->last = number ? number - 1 : h->last;
	return number;
}

/*
 * Most events are of no leak. One bit tells so, which is in the cache of the processor, unlike the index and
 * the ledger. There are at least eight bits for a leak, so that one in eight is set.
 */
enum { FILTER_BITS_LEAST = 19 };

static size_t filter_bit(const struct history *h, uint64_t address, uint32_t stack)
{
	const uint64_t golden = 0x9e3779b97f4a7c15; /* spreads over all bits */

	return (address + ((uint64_t)stack << 40)) * golden >> (64 - h->filter_bits);
}

static void new_filter(struct history *h, size_t leaks)
{
	h->filter_bits = FILTER_BITS_LEAST;
	while ((1ull << h->filter_bits) / 8 < leaks)
		h->filter_bits++;
	h->filter = memory_new((1ull << h->filter_bits) / 64, sizeof(*h->filter));
}

static void take_entered(struct history *h, const struct model *model, const struct trace_event *e)
{
	if (event_role(model_function(model, e->function)->role, e) != EVENT_ROLE_RETURN ||
	    e->duration > e->time)
		return;
	memory_room(h->call, h->calls, h->call_room);
	h->call[h->calls++] = (struct entered){ { e->function, e->result, e->time, e->tid },
						e->time - e->duration };
}

static void take_made(struct history *h, const struct model *model, const struct trace_event *e)
{
	struct wanted wanted = { h, { e->address, e->size, e->stack, e->tid } };
	size_t bit = filter_bit(h, e->address, e->stack);
	enum trace_role role;
	uint32_t number;

	if (!(h->filter[bit / 64] >> bit % 64 & 1))
		return;
	role = event_role(model_function(model, e->function)->role, e);
	if (!event_has_size(role) || role == TRACE_ROLE_TRANSFER || !event_has_address(role, e))
		return;
	number = find_made(h, &wanted);
	if (number && e->time > h->made[number - 1].time)
		h->made[number - 1].time = e->time;
}

/* Of live-at-delete the call is the deletion, and either may have been recorded. */
static uint32_t stack_of(const struct trace_finding *f)
{
	return f->stack[TRACE_STACK_CALL] || f->kind != TRACE_KIND_LIVE_AT_DELETE
		       ? f->stack[TRACE_STACK_CALL]
		       : f->stack[TRACE_STACK_DELETE];
}

/* What an event and a misuse have in common. */
static uint64_t join(uint32_t stack, uint8_t kind, uint8_t function, uint8_t package)
{
	return (uint64_t)stack << 32 | (uint64_t)kind << 16 | (uint64_t)function << 8 | package;
}

static uint64_t join_finding(const struct trace_finding *f)
{
	return join(stack_of(f), f->kind, f->function, f->package);
}

struct wanted_misuse {
	const struct history *history;
	uint64_t joined;
};

static bool is_misuse(const void *context, uint32_t item)
{
	const struct wanted_misuse *wanted = context;

	return join_finding(wanted->history->misuse[item].finding) == wanted->joined;
}

static uint32_t find_misuse(const struct history *h, uint64_t joined)
{
	struct wanted_misuse wanted = { h, joined };

	return index_find(&h->misuse_index, hash_bytes(&joined, sizeof(joined)), is_misuse, &wanted);
}

static bool has_wanted_last(const struct misuse *misuse)
{
	return misuse->finding->count > 1 && !misuse->is_ambiguous;
}

/* The last event of each misuse was read, or a later one will be. */
static uint64_t find_since(const struct history *h)
{
	uint64_t since = UINT64_MAX;

	for (size_t i = 0; i < h->misuses; i++)
		if (has_wanted_last(&h->misuse[i]) && h->misuse[i].last < since)
			since = h->misuse[i].last;
	return since;
}

static void take_misuse(struct history *h, const struct trace_event *e)
{
	uint32_t number = find_misuse(h, join(e->stack, e->verdict, e->function, e->package));
	struct misuse *misuse = number ? &h->misuse[number - 1] : NULL;
	bool is_first = misuse && !misuse->last;

	if (!misuse || e->time <= misuse->last)
		return;
	misuse->last = e->time;
	if (is_first && has_wanted_last(misuse) && --h->unseen == 0)
		h->since = find_since(h);
}

static void take_event(struct history *h, const struct model *model, const struct trace_event *e)
{
	if (e->verdict && h->misuses)
		take_misuse(h, e);
	if (!h->count)
		return;
	take_entered(h, model, e);
	take_made(h, model, e);
}

static void list_misuses(struct history *h, const struct model *model)
{
	struct reader_cursor counted = { 0 }, c = { 0 };
	const struct trace_finding *f;
	size_t count = 0, several = 0;

	while ((f = model_next_finding(model, &counted)) != NULL) {
		count++;
		several += f->count > 1;
	}
	if (!several)
		return;
	h->since = UINT64_MAX;
	h->misuse = memory_new(count, sizeof(*h->misuse));
	index_init(&h->misuse_index, count);
	while ((f = model_next_finding(model, &c)) != NULL) {
		struct wanted_misuse wanted = { h, join_finding(f) };
		uint32_t number = index_add(&h->misuse_index,
					    hash_bytes(&wanted.joined, sizeof(wanted.joined)),
					    is_misuse, &wanted, h->misuses);

		if (number > h->misuses)
			h->misuse[h->misuses++].finding = f;
		else
			h->misuse[number - 1].is_ambiguous = true;
	}
	for (size_t i = 0; i < h->misuses; i++)
		h->unseen += has_wanted_last(&h->misuse[i]);
}

static int compare_eras(const void *left, const void *right)
{
	return compare_numbers(*(const uint64_t *)left, *(const uint64_t *)right);
}

static void list_leaks(struct history *h, const struct model *model)
{
	size_t count = reader_count_entries(model_reader(model));
	struct reader_cursor c = { 0 };
	struct model_entry entry;

	h->made = memory_new(count, sizeof(*h->made));
	h->era = memory_new(count, sizeof(*h->era));
	new_filter(h, count);
	while (model_next_entry(model, &c, &entry)) {
		size_t bit = filter_bit(h, entry.address, entry.stack);

		if (!entry.stack || !model_is_leak(&entry))
			continue;
		h->filter[bit / 64] |= 1ull << bit % 64;
		if (!h->eras || h->era[h->eras - 1] != entry.era)
			h->era[h->eras++] = entry.era;
		h->made[h->count++] = (struct made){ .entry = entry.source };
	}
	qsort(h->era, h->eras, sizeof(*h->era), compare_eras);
}

/* When a chunk holds its last event, at most. */
static uint64_t last_time(const struct reader_ring *ring)
{
	return ring->is_full && ring->last_time >= ring->first_time ? ring->last_time : UINT64_MAX;
}

static int compare_ages(const void *left, const void *right)
{
	const struct eras_chunk *a = left, *b = right;

	return compare_numbers(last_time(&b->ring), last_time(&a->ring));
}

static int compare_places(const void *left, const void *right)
{
	const struct eras_chunk *a = left, *b = right;

	return compare_numbers(a->ring.chunk, b->ring.chunk);
}

/* Is a leak of one of these eras? */
static bool has_leak_of(const struct history *h, uint32_t first, uint32_t last)
{
	size_t next = first ? search_starts(h->era, h->eras, sizeof(*h->era), first - 1) : 0;

	return next < h->eras && h->era[next] <= last;
}

static bool is_needed(const struct history *h, const struct eras_chunk *c)
{
	if (h->misuses && (h->unseen || last_time(&c->ring) > h->since))
		return true;
	return h->count &&
	       (!c->ring.is_full || c->ring.transfers || has_leak_of(h, c->first, c->last));
}

/* Reads those chunks of the ring that can hold what is looked for. Where that is a last event, from the
 * newest to the oldest. */
static void read_history(struct history *h, const struct model *model)
{
	const struct reader *reader = model_reader(model);
	struct reader_events *events = memory_new(1, sizeof(*events));
	size_t count;
	struct eras_chunk *chunk = eras_list_chunks(reader, &count);
	struct trouble trouble;

	qsort(chunk, count, sizeof(*chunk), h->misuses ? compare_ages : compare_places);
	for (size_t i = 0; i < count; i++) {
		if (!is_needed(h, &chunk[i]) ||
		    !reader_read_events(reader, &chunk[i].ring, events, &trouble))
			continue;
		for (size_t j = 0; j < events->count; j++)
			take_event(h, model, &events->event[j]);
	}
	free(chunk);
	free(events);
}

static int compare_made(const void *left, const void *right, void *made)
{
	const struct made *a = (struct made *)made + *(const uint32_t *)left;
	const struct made *b = (struct made *)made + *(const uint32_t *)right;
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
 * Both are walked through in the order of threads, then of time. A leak waits until a call ends that had
 * begun before it: that is the innermost one. The leaks that wait are a list, the last one first.
 */
static void match_calls(struct history *h)
{
	uint32_t *order = memory_new(h->count, sizeof(*order)), waiting = 0;
	size_t next = 0;

	for (size_t i = 0; i < h->count; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, h->count, sizeof(*order), compare_made, h->made);
	qsort(h->call, h->calls, sizeof(*h->call), compare_calls);
	for (size_t i = 0; i < h->calls; i++) {
		const struct entered *call = &h->call[i];

		if (i && h->call[i - 1].path.tid != call->path.tid)
			waiting = 0;
		for (; next < h->count; next++) {
			struct made *m = &h->made[order[next]];
			int side =
				compare_numbers((uint32_t)m->entry->tid, (uint32_t)call->path.tid);

			if (side > 0 || (side == 0 && m->time > call->path.end))
				break;
			if (side < 0 || !m->time)
				continue;
			m->before = waiting;
			waiting = order[next] + 1;
		}
		for (; waiting && h->made[waiting - 1].time >= call->begin;
		     waiting = h->made[waiting - 1].before)
			if (call->path.status < 0)
				h->made[waiting - 1].path = (uint32_t)i + 1;
	}
	free(order);
}

static bool has_failure(const struct history *h)
{
	for (size_t i = 0; i < h->calls; i++)
		if (h->call[i].path.status < 0)
			return true;
	return false;
}

struct history *history_new(const struct model *model)
{
	struct history *h = memory_new(1, sizeof(*h));

	list_leaks(h, model);
	list_misuses(h, model);
	if (!h->count && !h->misuses) {
		history_free(h);
		return NULL;
	}
	read_history(h, model);
	if (has_failure(h))
		match_calls(h);
	return h;
}

void history_free(struct history *h)
{
	if (!h)
		return;
	index_release(&h->index);
	index_release(&h->misuse_index);
	free(h->misuse);
	free(h->call);
	free(h->made);
	free(h->era);
	free(h->filter);
	free(h);
}

static const struct made *find_entry(struct history *h, const struct trace_entry *entry)
{
	struct wanted wanted = { h, { entry->address, entry->size, entry->stack, entry->tid } };
	uint32_t number;

	if (!h || !h->count || !entry->stack)
		return NULL;
	number = find_made(h, &wanted);
	return number && h->made[number - 1].entry == entry ? &h->made[number - 1] : NULL;
}

const struct path *history_path(struct history *h, const struct trace_entry *entry)
{
	const struct made *made = find_entry(h, entry);

	return made && made->path ? &h->call[made->path - 1].path : NULL;
}

uint64_t history_time(struct history *h, const struct trace_entry *entry)
{
	const struct made *made = find_entry(h, entry);

	return made ? made->time : 0;
}

uint64_t history_last(const struct history *h, const struct trace_finding *finding)
{
	const struct misuse *misuse;
	uint32_t number;

	if (finding->count == 1)
		return finding->first_time;
	number = h && h->misuses ? find_misuse(h, join_finding(finding)) : 0;
	if (!number)
		return 0;
	misuse = &h->misuse[number - 1];
	return misuse->is_ambiguous ? 0 : misuse->last;
}
