/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <unistd.h>

#include "preload/base/reentry.h"
#include "preload/base/slots.h"
#include "preload/file/clock.h"
#include "preload/file/findings.h"
#include "preload/file/lanes.h"
#include "preload/file/trace.h"
#include "preload/guardpage/damage.h"
#include "preload/ledger/describe.h"
#include "preload/ledger/lookup.h"

#include "preload/base/poison.h"

/* The function that makes blocks of a family: stands for the function of a finding that is no
 * call. */
static enum slot maker_of(enum family family)
{
	switch (family) {
	case FAMILY_LSA_HEAP:
		return SLOT_AllocateLsaHeap;
	case FAMILY_PRIVATE_HEAP:
		return SLOT_AllocatePrivateHeap;
	default:
		return SLOT_AllocateSharedMemory;
	}
}

static void name_block(struct trace_finding *f, const struct location *location)
{
	struct ledger_view block;

	if (!location->block)
		return;
	f->flags |= TRACE_FINDING_HAS_SIZE;
	f->size = f->bytes = location->size;
	f->block_family = (uint8_t)location->family;
	f->block = location->block;
	if (!lookup_find(SPACE_BLOCK, location->block, 0, &block))
		return;
	f->package = block.entry.package;
	describe_block(f, &block);
}

static void name_section(struct trace_finding *f, const struct location *location)
{
	struct ledger_view section;

	if (!location->section)
		return;
	f->flags |= TRACE_FINDING_HAS_SECTION;
	f->section.handle = location->section;
	if (lookup_find(SPACE_SECTION, location->section, 0, &section))
		describe_section(f, &section);
}

static struct trace_finding finding_of(const struct location *location, uint64_t address)
{
	struct trace_finding f = {
		.count = 1,
		.address = address,
		.first_time = clock_ticks(),
		.tid = gettid(),
		.flags = TRACE_FINDING_HAS_ADDRESS,
		.kind = (uint8_t)location->kind,
		.family = (uint8_t)location->family,
		.function = (uint8_t)maker_of(location->family),
	};

	name_section(&f, location);
	name_block(&f, location);
	return f;
}

void damage_note_access(const struct location *location, uint64_t address, bool is_write,
			uint32_t stack)
{
	struct trace_finding f = finding_of(location, address);

	f.reason = is_write ? TRACE_REASON_WRITE : TRACE_REASON_READ;
	f.stack[TRACE_STACK_CALL] = stack;
	findings_note(&f);
}

static bool is_release(enum slot slot)
{
	return slot_role[slot] == TRACE_ROLE_FREE || slot_role[slot] == TRACE_ROLE_FREE_IN_SECTION ||
	       slot_role[slot] == TRACE_ROLE_DELETE_SECTION;
}

/* Names the call in which the damage was found. At the end of the trace there is none. */
static void name_call(struct trace_finding *f)
{
	struct lane *lane = lanes_mine();
	const struct trace_call *call;
	uint8_t function;

	f->stack[TRACE_STACK_FREE] = f->stack[TRACE_STACK_DELETE] = 0;
	if (!lane || lane->depth == 0)
		return;
	call = &lane->shown->in_flight[lane->depth - 1];
	function = __atomic_load_n(&call->function, __ATOMIC_RELAXED);
	/* Somebody may have overwritten it. */
	if (function >= SLOT_COUNT || !is_release(function))
		return;
	f->stack[TRACE_STACK_CALL] = call->stack;
	f->function = function;
}

void damage_note_canary(const struct location *location, uint64_t address, uint64_t bytes)
{
	struct trace_finding f;

	if (!trace_is_mine() || reentry_inside)
		return;
	reentry_inside = true;
	f = finding_of(location, address);
	f.reason = TRACE_REASON_CANARY;
	f.damage = (uint16_t)(bytes < UINT16_MAX ? bytes : UINT16_MAX);
	name_call(&f);
	findings_note(&f);
	reentry_inside = false;
}
