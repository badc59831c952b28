/* SPDX-License-Identifier: MIT */
#include "preload/ledger/judge.h"
#include "include/slots.h"
#include "preload/file/trace.h"

#include "preload/base/poison.h"

/* A view without a number holds nothing: the rest need not be cleared. */
static void begin(struct verdict *v)
{
	v->kind = TRACE_KIND_NONE;
	v->reason = TRACE_REASON_NONE;
	v->block.number = v->section.number = v->owner.number = 0;
	v->release = false;
}

static void find(struct verdict *v, enum trace_kind kind, enum trace_reason reason)
{
	v->kind = kind;
	v->reason = reason;
}

enum handle judge_handle(uint64_t handle, struct ledger_view *view)
{
	struct ledger_view block;

	if (handle == 0) {
		view->number = 0;
		return HANDLE_NULL;
	}
	if (ledger_find(SPACE_SECTION, handle, 0, view) && ledger_is_live(view))
		return HANDLE_LIVE;
	if (ledger_find(SPACE_BLOCK, handle, 0, &block) && ledger_is_live(&block)) {
		*view = block;
		return HANDLE_BLOCK;
	}
	if (view->number && !(view->entry.flags & LEDGER_TRANSFERRED))
		return HANDLE_DELETED;
	view->number = 0;
	return HANDLE_UNKNOWN;
}

static enum trace_reason reason_of(enum handle handle)
{
	static const enum trace_reason reasons[] = {
		[HANDLE_LIVE] = TRACE_REASON_NONE,       [HANDLE_NULL] = TRACE_REASON_NULL,
		[HANDLE_DELETED] = TRACE_REASON_DELETED, [HANDLE_BLOCK] = TRACE_REASON_BLOCK,
		[HANDLE_UNKNOWN] = TRACE_REASON_UNKNOWN,
	};

	return reasons[handle];
}

/* Notes what a handle turned out to be. */
static void name_handle(struct verdict *v, enum handle handle, const struct ledger_view *view)
{
	if ((handle == HANDLE_LIVE || handle == HANDLE_DELETED) && !v->section.number)
		v->section = *view;
	else if (handle == HANDLE_BLOCK && !v->block.number)
		v->block = *view;
}

void judge_allocate_in_section(enum handle handle, const struct ledger_view *view, bool failed,
			       struct verdict *v)
{
	begin(v);
	name_handle(v, handle, view);
	if (handle == HANDLE_LIVE || (handle == HANDLE_UNKNOWN && !failed))
		return;
	find(v, TRACE_KIND_INVALID_SECTION, reason_of(handle));
}

/* Rule 2, for the families without sections: a live block of this family. */
static bool is_right_block(const struct ledger_view *block, enum family family)
{
	return ledger_is_live(block) && block->entry.family == family;
}

/* Rule 6. A block whose section is just being deleted by another thread counts as gone with it. */
static enum trace_kind kind_of_gone(const struct ledger_view *block)
{
	enum ledger_life life = ledger_life(block);
	bool with_section = life == LIFE_DELETED ||
			    (life == LIFE_DELETING && block->entry.space == SPACE_BLOCK);

	return with_section ? TRACE_KIND_FREE_AFTER_DELETE : TRACE_KIND_DOUBLE_FREE;
}

/* Rules 3 and up to 6. True: one of them matched. `block` is what lies at the address itself. */
static bool judge_stray(enum ledger_space space, uint64_t request, uint64_t memory,
			struct verdict *v)
{
	struct ledger_view at = v->block, section;
	bool host = space == SPACE_BLOCK;

	v->block.number = 0;
	if (ledger_is_live(&at)) {
		v->block = at;
		find(v, TRACE_KIND_MISMATCHED_FREE, TRACE_REASON_WRONG_DEALLOCATOR);
	} else if (host && !at.number && ledger_find_client(memory, &v->block)) {
		find(v, TRACE_KIND_MISMATCHED_FREE, TRACE_REASON_WRONG_DEALLOCATOR);
	} else if (host && ledger_find(SPACE_SECTION, memory, 0, &section) &&
		   ledger_is_live(&section)) {
		v->section = section;
		find(v, TRACE_KIND_INVALID_FREE, TRACE_REASON_SECTION_HANDLE);
	} else if (ledger_find_around(space, memory, request, &v->block)) {
		find(v, TRACE_KIND_INVALID_FREE, TRACE_REASON_INTERIOR_POINTER);
	} else if (at.number) {
		if (at.entry.flags & LEDGER_TRANSFERRED)
			return true;
		v->block = at;
		find(v, kind_of_gone(&at), TRACE_REASON_NONE);
	} else {
		return false;
	}
	return true;
}

/* Rule 8. Once a call could not be entered, an unknown address may be a known one. */
static void judge_unknown(struct verdict *v)
{
	v->block.number = 0;
	if (ledger_has_gaps())
		trace_lose(TRACE_LOST_JUDGEMENTS);
	else
		find(v, TRACE_KIND_INVALID_FREE, TRACE_REASON_UNKNOWN_ADDRESS);
}

static void suspect_if_mismatched(const struct verdict *v)
{
	if (v->kind == TRACE_KIND_MISMATCHED_FREE ||
	    (v->kind == TRACE_KIND_INVALID_SECTION && v->block.number))
		ledger_suspect(&v->block);
}

/* Rule 2 for a live block of the family: is the handle its section's? */
static void judge_owner(enum handle handle, const struct ledger_view *named, struct verdict *v)
{
	struct ledger_view owner;
	bool owned = ledger_section_of(&v->block, &owner);

	if (handle == HANDLE_LIVE && owned && owner.number == named->number) {
		v->release = true;
		return;
	}
	/* A block that was handed out under a handle which was no section belongs to none. */
	if (!owned && (v->block.entry.flags & LEDGER_SUSPECT)) {
		v->release = true;
		return;
	}
	if (handle == HANDLE_LIVE || handle == HANDLE_UNKNOWN) {
		v->owner = owner;
		find(v, TRACE_KIND_MISMATCHED_FREE, TRACE_REASON_WRONG_SECTION);
	} else {
		find(v, TRACE_KIND_INVALID_SECTION, reason_of(handle));
	}
}

void judge_free_in_section(enum family family, uint64_t section, uint64_t memory, struct verdict *v)
{
	struct ledger_view named;
	enum handle handle = judge_handle(section, &named);

	begin(v);
	if (memory == 0) {
		name_handle(v, handle == HANDLE_BLOCK ? HANDLE_UNKNOWN : handle, &named);
		find(v, TRACE_KIND_NULL_FREE, TRACE_REASON_NONE);
		return;
	}
	ledger_find(SPACE_BLOCK, memory, 0, &v->block);
	if (is_right_block(&v->block, family))
		judge_owner(handle, &named, v);
	else if (!judge_stray(SPACE_BLOCK, 0, memory, v) && handle != HANDLE_UNKNOWN) {
		if (handle != HANDLE_LIVE)
			find(v, TRACE_KIND_INVALID_SECTION, reason_of(handle));
		else if (!(named.entry.flags & LEDGER_ADOPTED))
			judge_unknown(v);
	}
	suspect_if_mismatched(v);
	name_handle(v, handle, &named);
}

/* Not documented whether FreeLsaHeap and FreeReturnBuffer may stand for each other. */
static void judge_exchange(bool by_return_buffer, struct verdict *v)
{
	uint8_t flags = v->block.entry.flags;

	if (v->release && !(flags & LEDGER_SUSPECT) &&
	    by_return_buffer != ((flags & LEDGER_RETURNED) != 0))
		find(v, TRACE_KIND_EXCHANGED_FREE, TRACE_REASON_NONE);
}

static void judge_heap(enum family family, uint64_t memory, struct verdict *v)
{
	ledger_find(SPACE_BLOCK, memory, 0, &v->block);
	if (is_right_block(&v->block, family))
		v->release = true;
	else if (!judge_stray(SPACE_BLOCK, 0, memory, v))
		judge_unknown(v);
	suspect_if_mismatched(v);
}

void judge_free(enum family family, uint64_t memory, struct verdict *v)
{
	begin(v);
	if (memory == 0) {
		find(v, TRACE_KIND_NULL_FREE, TRACE_REASON_NONE);
		return;
	}
	judge_heap(family, memory, v);
	judge_exchange(false, v);
}

void judge_free_returned(uint64_t memory, struct verdict *v)
{
	begin(v);
	if (memory == 0)
		return; /* it is not said that this is wrong */
	judge_heap(FAMILY_LSA_HEAP, memory, v);
	judge_exchange(true, v);
}

/*
 * Rules 2 and 3 for an address that is not live under this request: it may be another request's, or
 * no client's. Addresses of different clients coincide by nature: where this request has had a
 * buffer there itself, another's proves nothing.
 */
static bool judge_foreign(uint64_t memory, struct verdict *v)
{
	struct ledger_view other;

	if (!v->block.number && ledger_find_client(memory, &other)) {
		v->block = other;
		find(v, TRACE_KIND_MISMATCHED_FREE, TRACE_REASON_WRONG_CLIENT);
		return true;
	}
	if (ledger_find(SPACE_BLOCK, memory, 0, &other) && ledger_is_live(&other)) {
		v->block = other;
		find(v, TRACE_KIND_MISMATCHED_FREE, TRACE_REASON_WRONG_DEALLOCATOR);
		return true;
	}
	return false;
}

void judge_free_for_client(uint64_t request, uint64_t memory, struct verdict *v)
{
	begin(v);
	if (memory == 0)
		return; /* documented as legal */
	ledger_find(SPACE_CLIENT, memory, request, &v->block);
	if (ledger_is_live(&v->block))
		v->release = true;
	else if (!judge_foreign(memory, v) && !judge_stray(SPACE_CLIENT, request, memory, v))
		judge_unknown(v);
	suspect_if_mismatched(v);
}

void judge_delete(uint64_t section, struct verdict *v)
{
	struct ledger_view named;
	enum handle handle = judge_handle(section, &named);

	begin(v);
	name_handle(v, handle, &named);
	if (handle == HANDLE_LIVE)
		v->release = true;
	else if (handle == HANDLE_DELETED)
		find(v, TRACE_KIND_DOUBLE_DELETE, TRACE_REASON_NONE);
	else
		find(v, TRACE_KIND_INVALID_DELETE, reason_of(handle));
}
