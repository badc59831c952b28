/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <unistd.h>

#include "preload/base/kernel.h"
#include "preload/call/note.h"
#include "preload/capture/modules.h"
#include "preload/capture/stack_pages.h"
#include "preload/file/findings.h"
#include "preload/host/elf_image.h"
#include "preload/host/maps.h"
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
		.function = call_slot(c),
		.package = call_package_index(c),
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

enum { DEAD_FRAMES_BYTES = 1 << 20 }; /* below the present frame */

static bool is_own_stack(uint64_t address)
{
	uint64_t frame = (uint64_t)(uintptr_t)__builtin_frame_address(0) & ~7ull;
	struct stack_pages pages = { 0 };

	address &= ~7ull;
	return address > frame ? stack_pages_reach(&pages, frame, address)
			       : frame - address < DEAD_FRAMES_BYTES &&
					 stack_pages_reach(&pages, address, frame);
}

/*
 * Says what lies at an address that is no block, without reading it. The first occurrence of a
 * finding only: the kernel is asked.
 */
static void note_place(struct trace_finding *f)
{
	const void *at = (const void *)(uintptr_t)f->address;
	struct elf_image image;
	uint64_t frame;

	if (f->reason != TRACE_REASON_UNKNOWN_ADDRESS || !findings_is_first(f))
		return;
	if (elf_image_at(at, &image)) {
		f->place = TRACE_PLACE_IMAGE;
		f->place_of = modules_frames(&f->address, &frame, 1, false)
				      ? (uint32_t)(frame >> TRACE_FRAME_OFFSET_BITS)
				      : 0;
	} else if (!maps_can_read(at, 1)) {
		f->place = TRACE_PLACE_UNMAPPED;
	} else if (is_own_stack(f->address)) {
		f->place = TRACE_PLACE_STACK;
		f->place_of = (uint32_t)f->tid;
	} else if (elf_image_at(elf_image_first()->l_ld, &image) && f->address >= image.end &&
		   f->address < (uint64_t)(unsigned long)kernel_call(SYS_brk, 0)) {
		f->place = TRACE_PLACE_HEAP;
	} else {
		f->place = TRACE_PLACE_MAPPED;
	}
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
	note_place(&f);
	findings_note(&f);
	c->alarm = v->kind;
	c->alarm_reason = v->reason;
}

APART void note_failure(struct call *c, const struct verdict *v)
{
	bool is_injected = call_is_injected(c->lane, c->where);
	struct trace_finding f = new_finding(
		c, TRACE_KIND_FAILED_CALL, is_injected ? TRACE_REASON_INJECTED : TRACE_REASON_NONE);

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
