/* SPDX-License-Identifier: MIT */
#include "viewer/sites/plan.h"

#include <stdlib.h>
#include <string.h>

#include "include/trace_format.h"
#include "viewer/base/map.h"
#include "viewer/base/memory.h"

static void count_call(void *results, size_t site, const struct trace_event *call)
{
	struct site_calls *s = &((struct results *)results)->sites.all[site];

	s->calls++;
	s->can_succeed |= !(call->state & TRACE_EVENT_FAILED);
}

bool plan_learn(struct results *r, const struct model *model, struct symbols *symbols,
		struct trouble *trouble)
{
	return sites_add(&r->sites, model, symbols, count_call, r, trouble);
}

static void add_run(struct results *r, const struct failing *failing, unsigned count)
{
	memory_room(r->all, r->count, r->room);
	r->all[r->count] = (struct result){ .count = count };
	memcpy(r->all[r->count++].failing, failing, count * sizeof(*failing));
}

/* How many there have been of each text, or number. */
struct tally {
	char *key;
	size_t count;
	UT_hash_handle hh;
};

static void free_tally(struct tally *t)
{
	free(t->key);
	free(t);
}

static size_t tally_next(struct tally **all, const void *key, size_t bytes)
{
	struct tally *t;

	HASH_FIND(hh, *all, key, bytes, t);
	if (!t) {
		t = memory_new(1, sizeof(*t));
		t->key = memory_text(key, bytes);
		HASH_ADD_KEYPTR(hh, *all, t->key, bytes, t);
	}
	return t->count++;
}

/* A site, and how many are at its place and come before it. */
struct ranked {
	size_t site, rank;
};

static int compare_ranked(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return a->site < b->site ? -1 : a->site > b->site;
}

void plan_singles(struct results *r, uint32_t nth, size_t most)
{
	struct ranked *order = memory_new(r->sites.count, sizeof(*order));
	struct tally *places = NULL;
	size_t count = 0;

	for (size_t i = 0; i < r->sites.count; i++) {
		const struct site_calls *s = &r->sites.all[i];

		if (s->can_succeed && s->calls >= nth)
			order[count++] = (struct ranked){ i, tally_next(&places, s->where,
									strlen(s->where)) };
	}
	if (count)
		qsort(order, count, sizeof(*order), compare_ranked);
	for (size_t i = 0; i < count && i < most; i++)
		add_run(r, &(struct failing){ order[i].site, nth }, 1);
	r->singles = r->count - 1;
	r->left += count - r->singles;
	map_release(places, free_tally);
	free(order);
}

/* While the calls of a run are read. */
struct followed {
	struct results *results;
	struct plan_pairs *pairs;
	struct failing first;
	bool has_failed;
	uint32_t *calls; /* by site, so far */
	bool *is_paired; /* by site */
	size_t room;
};

static void make_room(struct followed *f, size_t site)
{
	size_t before = f->room;

	if (site < before)
		return;
	f->room = 2 * site + 16;
	f->calls = memory_resize(f->calls, f->room, sizeof(*f->calls));
	f->is_paired = memory_resize(f->is_paired, f->room, sizeof(*f->is_paired));
	memset(f->calls + before, 0, (f->room - before) * sizeof(*f->calls));
	memset(f->is_paired + before, 0, (f->room - before) * sizeof(*f->is_paired));
}

static void follow(void *followed, size_t site, const struct trace_event *call)
{
	struct followed *f = followed;
	struct plan_pairs *p = f->pairs;

	make_room(f, site);
	f->calls[site]++;
	if (call->state & TRACE_EVENT_INJECTED) {
		f->has_failed = true;
	} else if (f->has_failed && !f->is_paired[site] && !(call->state & TRACE_EVENT_FAILED)) {
		f->is_paired[site] = true;
		memory_room(p->all, p->count, p->room);
		p->all[p->count++] = (struct plan_pair){ f->first, { site, f->calls[site] }, 0 };
	}
}

bool plan_learn_pairs(struct results *r, struct plan_pairs *pairs, const struct failing *first,
		      struct model *const *models, size_t count, struct symbols *symbols,
		      struct trouble *trouble)
{
	struct followed f = { .results = r, .pairs = pairs, .first = *first };
	bool is_read = true;

	/* Each process counts its calls for itself. */
	for (size_t i = 0; is_read && i < count; i++) {
		if (f.room)
			memset(f.calls, 0, f.room * sizeof(*f.calls));
		f.has_failed = false;
		is_read = sites_add(&r->sites, models[i], symbols, follow, &f, trouble);
	}
	free(f.calls);
	free(f.is_paired);
	return is_read;
}

static int compare_pairs(const void *left, const void *right)
{
	const struct plan_pair *a = left, *b = right;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	if (a->first.site != b->first.site)
		return a->first.site < b->first.site ? -1 : 1;
	return a->second.site < b->second.site ? -1 : a->second.site > b->second.site;
}

void plan_add_pairs(struct results *r, struct plan_pairs *pairs, size_t most)
{
	struct tally *seconds = NULL;
	size_t added;

	for (size_t i = 0; i < pairs->count; i++) {
		struct plan_pair *p = &pairs->all[i];
		size_t before = tally_next(&seconds, &p->second.site, sizeof(p->second.site));

		/* A site that only error paths have is as good as one less. */
		p->rank = 2 * before + (r->sites.all[p->second.site].calls > 0);
	}
	if (pairs->count)
		qsort(pairs->all, pairs->count, sizeof(*pairs->all), compare_pairs);
	for (added = 0; added < pairs->count && added < most; added++)
		add_run(r, (struct failing[]){ pairs->all[added].first, pairs->all[added].second },
			2);
	r->left += pairs->count - added;
	map_release(seconds, free_tally);
	free(pairs->all);
	*pairs = (struct plan_pairs){ 0 };
}
