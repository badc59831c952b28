/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "preload/base/lock.h"
#include "preload/file/chunks.h"
#include "preload/file/clock.h"
#include "preload/file/trace.h"
#include "preload/ledger/checkpoints.h"
#include "preload/ledger/entries.h"

#include "preload/base/poison.h"

static struct checkpoint {
	uint32_t era;   /* 0: unused */
	uint32_t place; /* reference of the one that shows it in the file; 0: there is none */
	uint64_t time;
	char name[CHECKPOINT_NAME_BYTES + 1];
} checkpoints[CHECKPOINTS];

static struct chunks_items places;

static struct checkpoint *find_checkpoint(const char *name)
{
	for (int i = 0; i < CHECKPOINTS; i++)
		if (checkpoints[i].era &&
		    strncmp(checkpoints[i].name, name, CHECKPOINT_NAME_BYTES) == 0)
			return &checkpoints[i];
	return NULL;
}

static struct checkpoint *replace_oldest(const char *name)
{
	struct checkpoint *oldest = &checkpoints[0];

	for (int i = 1; i < CHECKPOINTS; i++)
		if (checkpoints[i].era < oldest->era)
			oldest = &checkpoints[i];
	strncpy(oldest->name, name, CHECKPOINT_NAME_BYTES);
	return oldest;
}

/* A reader of the file sees it whole or not at all: the era is 0 while anything else changes. */
static void show(struct checkpoint *c)
{
	struct trace_checkpoint *shown = c->place ? chunks_at(c->place) : NULL;
	uint32_t one = 1;

	if (!shown)
		shown = chunks_items_take(&places, &one);
	if (!shown) {
		trace_lose(TRACE_LOST_DEFINITIONS);
		return;
	}
	c->place = chunks_reference(shown);
	__atomic_store_n(&shown->era, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	shown->time = c->time;
	memcpy(shown->name, c->name, sizeof(c->name));
	__atomic_store_n(&shown->era, c->era, __ATOMIC_RELEASE);
}

void checkpoints_show(void)
{
	places = (struct chunks_items){ .kind = TRACE_CHUNK_CHECKPOINTS,
					.item_bytes = sizeof(struct trace_checkpoint) };
	/* They are used one after another: pages without any are not touched. */
	for (int i = 0; i < CHECKPOINTS && checkpoints[i].era; i++) {
		checkpoints[i].place = 0;
		show(&checkpoints[i]);
	}
}

void checkpoints_set(const char *name)
{
	struct checkpoint *c;

	if (!lock_take(LOCK_COLD))
		return;
	c = find_checkpoint(name);
	if (!c)
		c = replace_oldest(name);
	c->era = trace_begin_era();
	c->time = clock_ticks();
	if (process_page && trace_is_mine())
		show(c);
	lock_release(LOCK_COLD);
}

uint32_t checkpoints_find(const char *name)
{
	const struct checkpoint *c;
	uint32_t era;

	if (!lock_take(LOCK_COLD))
		return 0;
	c = find_checkpoint(name);
	era = c ? c->era : 0;
	lock_release(LOCK_COLD);
	return era;
}

size_t checkpoints_count_since(uint32_t era)
{
	enum { NOT_OWN = LEDGER_INHERITED | LEDGER_ADOPTED | LEDGER_SUSPECT | LEDGER_IGNORED };
	uint32_t last = entries_used();
	struct ledger_view view;
	size_t count = 0;

	for (uint32_t number = 1; number <= last; number++)
		count += entries_view(number, &view) && ledger_is_live(&view) &&
			 view.entry.era >= era && !(view.entry.flags & NOT_OWN);
	return count;
}
