/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "preload/call/note.h"
#include "preload/file/findings.h"
#include "preload/ledger/describe.h"

#include "preload/base/poison.h"

static struct trace_finding new_finding(const struct call *c, enum trace_kind kind,
					enum trace_reason reason)
{
	return (struct trace_finding){
		.count = 1,
		.address = c->address,
		.first_time = c->began,
		.stack[TRACE_STACK_CALL] = c->stack,
		.tid = c->lane->tid,
		.flags = c->address ? TRACE_FINDING_HAS_ADDRESS : 0,
		.kind = (uint8_t)kind,
		.reason = (uint8_t)reason,
		.family = (uint8_t)call_family(c),
		.function = c->slot,
		.package = c->package,
	};
}

static void add_section(struct trace_finding *f, const struct call *c,
			const struct ledger_view *section)
{
	if (c->section && call_family(c) == FAMILY_SHARED_MEMORY) {
		f->flags |= TRACE_FINDING_HAS_SECTION;
		f->section.handle = c->section;
	}
	describe_section(f, section);
}

APART void note_verdict(struct call *c, const struct verdict *v)
{
	struct trace_finding f;

	if (v->kind == TRACE_KIND_NONE)
		return;
	f = new_finding(c, v->kind, v->reason);
	describe_block(&f, &v->block);
	add_section(&f, c, &v->section);
	describe_owner(&f, &v->owner);
	findings_note(&f);
	c->alarm = v->kind;
	c->alarm_reason = v->reason;
}

APART void note_failure(struct call *c, const struct verdict *v)
{
	struct trace_finding f = new_finding(c, TRACE_KIND_FAILED_CALL, TRACE_REASON_NONE);

	if (c->size) {
		f.flags |= TRACE_FINDING_HAS_SIZE;
		f.size = f.bytes = call_bytes(c);
	}
	if (v) {
		describe_block(&f, &v->block);
		add_section(&f, c, &v->section);
	}
	findings_note(&f);
}

APART bool note_left_block(struct call *c, const struct ledger_view *section,
			   const struct ledger_view *block)
{
	struct trace_finding f = new_finding(c, TRACE_KIND_LIVE_AT_DELETE, TRACE_REASON_NONE);

	if (block->entry.flags & (LEDGER_SUSPECT | LEDGER_INHERITED))
		return false;
	describe_block(&f, block);
	add_section(&f, c, section);
	f.stack[TRACE_STACK_FREE] = 0;
	f.stack[TRACE_STACK_DELETE] = c->stack;
	f.address = block->entry.address;
	f.flags |= TRACE_FINDING_HAS_ADDRESS;
	findings_note(&f);
	return true;
}
