/* SPDX-License-Identifier: MIT */
#include "preload/ledger/describe.h"
#include "preload/ledger/scopes.h"

#include "preload/base/poison.h"

void describe_block(struct trace_finding *f, const struct ledger_view *block)
{
	enum ledger_life life = ledger_life(block);
	struct ledger_view section;

	if (!block->number)
		return;
	f->flags |= TRACE_FINDING_HAS_SIZE;
	f->size = f->bytes = block->entry.size;
	f->block_family = block->entry.family;
	f->block = block->entry.address;
	f->stack[TRACE_STACK_ALLOCATE] = block->entry.stack;
	if (life == LIFE_LIVE && block->entry.flags & LEDGER_OBTAINED)
		f->handed_out = (uint8_t)block->entry.file;
	if (life == LIFE_RELEASED)
		f->stack[TRACE_STACK_FREE] = block->entry.gone_stack;
	if (life != LIFE_DELETED)
		return;
	f->stack[TRACE_STACK_DELETE] = block->entry.gone_stack;
	if (!f->stack[TRACE_STACK_CREATE] && scopes_find_section(block, &section))
		f->stack[TRACE_STACK_CREATE] = section.entry.stack;
}

/* False: they are not known. */
static bool set_sizes(struct trace_section *s, const struct ledger_view *section)
{
	if (section->entry.flags & LEDGER_ADOPTED)
		return false;
	s->max_size = (uint32_t)section->entry.size;
	s->initial_size = (uint32_t)(section->entry.size >> 32);
	return true;
}

void describe_section(struct trace_finding *f, const struct ledger_view *section)
{
	if (!section->number)
		return;
	f->stack[TRACE_STACK_CREATE] = section->entry.stack;
	if (ledger_life(section) == LIFE_RELEASED)
		f->stack[TRACE_STACK_DELETE] = section->entry.gone_stack;
	if (section->entry.address == f->section.handle && set_sizes(&f->section, section))
		f->flags |= TRACE_FINDING_SECTION_SIZES;
}

void describe_owner(struct trace_finding *f, const struct ledger_view *owner)
{
	if (!owner->number)
		return;
	f->flags |= TRACE_FINDING_HAS_OWNER;
	f->owner.handle = owner->entry.address;
	f->stack[TRACE_STACK_OWNER_CREATE] = owner->entry.stack;
	if (set_sizes(&f->owner, owner))
		f->flags |= TRACE_FINDING_OWNER_SIZES;
}
