/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "preload/ledger/deletion.h"
#include "preload/ledger/release.h"
#include "preload/ledger/scopes.h"

#include "preload/base/poison.h"

/* What is done with each block of a section. */
struct deletion {
	struct lane *lane;
	uint64_t scope;
	bool is_gone;
	uint32_t stack;
	void (*left)(const struct ledger_view *block, void *context);
	void *context;
	uint32_t count;
};

/* Views an entry. Returns LIVE or DELETING if it is such a block of the section, else NONE. */
static enum ledger_life view_block(const struct deletion *d, uint32_t number,
				   struct ledger_view *block)
{
	if (!entries_view(number, block) || block->entry.space != SPACE_BLOCK ||
	    block->entry.scope != d->scope || ledger_life(block) > LIFE_DELETING)
		return LIFE_NONE;
	return ledger_life(block);
}

/* Once more if the block was changed meanwhile: it may still be live. */
static void begin_block(uint32_t number, void *context)
{
	struct deletion *d = context;
	struct ledger_view block;

	while (view_block(d, number, &block) == LIFE_LIVE)
		d->count += release_begin(&block);
}

uint32_t deletion_begin(const struct ledger_view *section)
{
	struct deletion d = { .scope = scopes_of(section) };

	scopes_visit_blocks(d.scope, begin_block, &d);
	return d.count;
}

static void finish_block(uint32_t number, void *context)
{
	struct deletion *d = context;
	struct ledger_view block;
	enum ledger_life life = view_block(d, number, &block);

	if (life == LIFE_NONE || (life == LIFE_LIVE && !d->is_gone) ||
	    !entries_claim(&entries[number], block.entry.life))
		return;
	d->count += life == LIFE_DELETING;
	if (d->is_gone) {
		release_claimed(d->lane, &entries[number], LIFE_DELETED, d->stack);
		d->left(&block, d->context);
	} else {
		release_undo(&entries[number]);
	}
}

uint32_t deletion_finish(struct lane *lane, const struct ledger_view *section, bool is_gone,
			 uint32_t stack,
			 void (*left)(const struct ledger_view *block, void *context), void *context)
{
	struct deletion d = { lane, scopes_of(section), is_gone, stack, left, context, 0 };

	scopes_visit_blocks(d.scope, finish_block, &d);
	if (is_gone)
		scopes_end(d.scope);
	return d.count;
}

static void suspect_block(uint32_t number, void *context)
{
	struct ledger_view block;

	if (view_block(context, number, &block) == LIFE_LIVE)
		release_suspect(&block);
}

void deletion_suspect(const struct ledger_view *section)
{
	struct deletion d = { .scope = scopes_of(section) };

	scopes_visit_blocks(d.scope, suspect_block, &d);
	release_suspect(section);
}

static void ignore_block(const struct ledger_view *block, void *unused)
{
	(void)block, (void)unused;
}

void deletion_end_blocks(struct lane *lane, const struct ledger_view *section)
{
	deletion_begin(section);
	deletion_finish(lane, section, true, 0, ignore_block, NULL);
}
