/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "preload/base/lock.h"
#include "preload/ledger/checkpoints.h"
#include "preload/ledger/entries.h"

#include "preload/base/poison.h"

uint32_t checkpoints_last_era;

static struct checkpoint {
	uint32_t era; /* 0: unused */
	char name[CHECKPOINT_NAME_BYTES + 1];
} checkpoints[CHECKPOINTS];

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

void checkpoints_set(const char *name)
{
	struct checkpoint *c;

	if (!lock_take(LOCK_COLD))
		return;
	c = find_checkpoint(name);
	if (!c)
		c = replace_oldest(name);
	c->era = checkpoints_begin_era();
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

uint32_t checkpoints_begin_era(void)
{
	return __atomic_add_fetch(&checkpoints_last_era, 1, __ATOMIC_RELAXED);
}

size_t checkpoints_count_since(uint32_t era)
{
	enum { NOT_OWN = LEDGER_INHERITED | LEDGER_ADOPTED | LEDGER_SUSPECT };
	uint32_t last = entries_used();
	struct ledger_view view;
	size_t count = 0;

	for (uint32_t number = 1; number <= last; number++)
		count += entries_view(number, &view) && ledger_is_live(&view) &&
			 view.entry.era >= era && !(view.entry.flags & NOT_OWN);
	return count;
}
