/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "preload/base/lock.h"
#include "preload/base/reentry.h"
#include "preload/ledger/checkpoints.h"
#include "preload/ledger/ledger.h"

#include "preload/base/poison.h"

static struct checkpoint {
	uint32_t era; /* 0: unused */
	char name[CHECKPOINT_NAME_BYTES + 1];
} checkpoints[CHECKPOINTS];

static struct checkpoint *find(const char *name)
{
	for (int i = 0; i < CHECKPOINTS; i++)
		if (checkpoints[i].era &&
		    strncmp(checkpoints[i].name, name, CHECKPOINT_NAME_BYTES) == 0)
			return &checkpoints[i];
	return NULL;
}

static struct checkpoint *oldest(void)
{
	struct checkpoint *found = &checkpoints[0];

	for (int i = 1; i < CHECKPOINTS; i++)
		if (checkpoints[i].era < found->era)
			found = &checkpoints[i];
	return found;
}

void checkpoints_set(const char *name)
{
	struct checkpoint *c;

	if (!lock_take(LOCK_COLD))
		return;
	c = find(name);
	if (!c) {
		c = oldest();
		strncpy(c->name, name, CHECKPOINT_NAME_BYTES);
	}
	c->era = ledger_begin_era();
	lock_release(LOCK_COLD);
}

uint32_t checkpoints_find(const char *name)
{
	const struct checkpoint *c;
	uint32_t era;

	if (!lock_take(LOCK_COLD))
		return 0;
	c = find(name);
	era = c ? c->era : 0;
	lock_release(LOCK_COLD);
	return era;
}
