/* SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "../include/slots.h"
#include "guard.h"
#include "lanes.h"
#include "ledger.h"
#include "maps.h"
#include "trace.h"
#include "transfer.h"

#include "poison.h"

enum {
	DEPTH_MOST = 8,          /* of blocks that point to blocks */
	SCAN_BYTES_MOST = 65536, /* of one block: no structure of the interface is longer */
};

static void transfer_words(struct lane *lane, const uint64_t *word, size_t bytes, int depth);

/* Blocks that point to each other in a circle end it: what has gone is no longer live. */
static bool transfer_block(struct lane *lane, uint64_t address, int depth)
{
	struct ledger_view block;

	if (!ledger_find(SPACE_BLOCK, address, 0, &block) || !ledger_is_live(&block) ||
	    block.entry.family != FAMILY_LSA_HEAP || !ledger_transfer(lane, &block))
		return false;
	if (depth < DEPTH_MOST)
		transfer_words(lane, (const uint64_t *)(uintptr_t)address, block.entry.size,
			       depth + 1);
	return true;
}

/* Any aligned word may be a pointer. The block is live, so it can be read; nothing of it is kept. */
static void transfer_words(struct lane *lane, const uint64_t *word, size_t bytes, int depth)
{
	size_t words = (bytes < SCAN_BYTES_MOST ? bytes : SCAN_BYTES_MOST) / sizeof(*word);

	for (size_t i = 0; i < words; i++)
		if (word[i])
			transfer_block(lane, word[i], depth);
}

/* The lane of a thread that may write the trace, inside the tracer; NULL: there is nothing to do. */
static struct lane *enter(struct guard_mark *mark)
{
	struct lane *lane;

	if (!trace_is_mine() || (guard_inside && !lanes_were_left(mark + 1)))
		return NULL;
	guard_enter(mark);
	lane = lanes_mine();
	if (!lane)
		guard_leave();
	return lane;
}

void transfer_to_lsa(const void *block)
{
	struct guard_mark mark;
	struct lane *lane = block ? enter(&mark) : NULL;

	if (!lane)
		return;
	transfer_block(lane, (uint64_t)(uintptr_t)block, 0);
	guard_leave();
}

void transfer_contents_to_lsa(const void *structure, size_t bytes)
{
	struct guard_mark mark;
	struct lane *lane = structure ? enter(&mark) : NULL;

	if (!lane)
		return;
	transfer_words(lane, structure, maps_readable(structure, bytes), 0);
	guard_leave();
}

void transfer_to_client(const void *request, const void *buffer)
{
	uint64_t address = (uint64_t)(uintptr_t)buffer;
	struct guard_mark mark;
	struct lane *lane = buffer ? enter(&mark) : NULL;
	struct ledger_view view;

	if (!lane)
		return;
	if (ledger_find(SPACE_CLIENT, address, (uint64_t)(uintptr_t)request, &view) &&
	    ledger_is_live(&view))
		ledger_transfer(lane, &view);
	else
		transfer_block(lane, address, 0);
	guard_leave();
}
