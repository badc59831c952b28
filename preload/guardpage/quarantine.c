/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "preload/guardpage/quarantine.h"

#include "preload/base/poison.h"

void quarantine_add(struct quarantine *q, struct quarantined *item, uint64_t bytes)
{
	item->bytes = bytes;
	item->older = q->newest;
	item->newer = NULL;
	*(q->newest ? &q->newest->newer : &q->oldest) = item;
	q->newest = item;
	q->bytes += bytes;
}

void quarantine_remove(struct quarantine *q, struct quarantined *item)
{
	if (item->bytes == 0)
		return;
	*(item->older ? &item->older->newer : &q->oldest) = item->newer;
	*(item->newer ? &item->newer->older : &q->newest) = item->older;
	q->bytes -= item->bytes;
	item->bytes = 0;
}
