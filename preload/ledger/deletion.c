/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "preload/ledger/deletion.h"
#include "preload/ledger/release.h"
#include "preload/ledger/scopes.h"

#include "preload/base/poison.h"

/* Views the next entry after `number` that is a block of a scope. Returns its number, or 0. */
static uint32_t next_block(uint32_t number, uint32_t last, uint64_t scope, struct ledger_view *block)
{
	while (number++ < last) {
		if (entries[number].scope != scope || entries[number].space != SPACE_BLOCK)
			continue;
		if (entries_view(number, block) && block->entry.scope == scope)
			return number;
	}
	return 0;
}

uint32_t deletion_begin(const struct ledger_view *section)
{
	uint32_t last = entries_used(), number = 0, found = 0;
	int64_t most = scopes_most_blocks(section->number);
	uint64_t scope = scopes_of(section);
	struct ledger_view block;

	while (found < most && (number = next_block(number, last, scope, &block)) != 0)
		if (ledger_is_live(&block))
			found += release_begin(&block);
	return found;
}

uint32_t deletion_finish(struct lane *lane, const struct ledger_view *section, bool is_gone,
			 uint32_t stack,
			 void (*left)(const struct ledger_view *block, void *context), void *context)
{
	uint32_t last = entries_used(), number = 0, finished = 0;
	uint64_t scope = scopes_of(section);
	struct ledger_view block;

	while ((number = next_block(number, last, scope, &block)) != 0) {
		if (ledger_life(&block) != LIFE_DELETING || !entries_claim(number, block.entry.life))
			continue;
		finished++;
		if (is_gone) {
			release_claimed(lane, number, LIFE_DELETED, stack);
			left(&block, context);
		} else {
			release_undo(number);
		}
	}
	return finished;
}

static void ignore_block(const struct ledger_view *block, void *unused)
{
	(void)block, (void)unused;
}

void deletion_end_blocks(struct lane *lane, const struct ledger_view *section)
{
	if (deletion_begin(section))
		deletion_finish(lane, section, true, 0, ignore_block, NULL);
}
