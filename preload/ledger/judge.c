/* SPDX-License-Identifier: MIT */
#include "preload/ledger/judge.h"
#include "preload/file/trace.h"
#include "preload/ledger/gaps.h"
#include "preload/ledger/groups.h"
#include "preload/ledger/ledger.h"
#include "preload/ledger/lookup.h"
#include "preload/ledger/release.h"
#include "preload/ledger/scopes.h"

#include "preload/base/poison.h"

/* Views without a number need not be cleared. */
static void clear_verdict(struct verdict *v)
{
	v->kind = TRACE_KIND_NONE;
	v->reason = TRACE_REASON_NONE;
	v->block.number = v->section.number = v->owner.number = 0;
	v->release = false;
}

static void set_finding(struct verdict *v, enum trace_kind kind, enum trace_reason reason)
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
	if (lookup_find(SPACE_SECTION, handle, 0, view) && ledger_is_live(view))
		return HANDLE_LIVE;
	if (lookup_find(SPACE_BLOCK, handle, 0, &block) && ledger_is_live(&block)) {
		*view = block;
		return HANDLE_BLOCK;
	}
	if (view->number && !(view->entry.flags & LEDGER_TRANSFERRED))
		return HANDLE_DELETED;
	view->number = 0;
	return HANDLE_UNKNOWN;
}

static enum trace_reason reason_for(enum handle handle)
{
	static const enum trace_reason reasons[] = {
		[HANDLE_LIVE] = TRACE_REASON_NONE,       [HANDLE_NULL] = TRACE_REASON_NULL,
		[HANDLE_DELETED] = TRACE_REASON_DELETED, [HANDLE_BLOCK] = TRACE_REASON_BLOCK,
		[HANDLE_UNKNOWN] = TRACE_REASON_UNKNOWN,
	};

	return reasons[handle];
}

/* Notes what a handle turned out to be, unless the verdict names another one. */
static void set_named(struct verdict *v, enum handle handle, const struct ledger_view *view)
{
	if ((handle == HANDLE_LIVE || handle == HANDLE_DELETED) && !v->section.number)
		v->section = *view;
	else if (handle == HANDLE_BLOCK && !v->block.number)
		v->block = *view;
}

/* What a free is judged by. */
struct judgement {
	const struct free_call *call;
	struct verdict *v;
	enum ledger_space space;
	struct ledger_view at; /* what is or was at the address itself */
	bool was_others;       /* that was under another request */
	/* Shared memory: what was named as its section. */
	enum handle handle;
	struct ledger_view named;
};

static bool is_shared_memory(const struct judgement *j)
{
	return j->call->family == FAMILY_SHARED_MEMORY;
}

static inline bool is_its_section_named(const struct ledger_entry *block,
					const struct free_call *call)
{
	return call->family != FAMILY_SHARED_MEMORY ||
	       scopes_is_live(peek(block->scope), call->section);
}

/* Rule 2, of a block that is live: is there nothing wrong, and nothing to note? The section is another
 * question. */
static inline bool is_right(const struct ledger_entry *block, const struct free_call *call)
{
	return peek(block->family) == call->family &&
	       (peek(block->flags) & (LEDGER_SUSPECT | LEDGER_RETURNED)) == call->returned;
}

static bool match_null(struct judgement *j)
{
	if (j->call->memory)
		return false;
	if (j->space != SPACE_CLIENT && !j->call->returned)
		set_finding(j->v, TRACE_KIND_NULL_FREE, TRACE_REASON_NONE);
	/* No block is concerned, not even one that was named as a section. */
	if (j->handle == HANDLE_BLOCK)
		j->handle = HANDLE_UNKNOWN;
	return true;
}

/* The block is live and of the function's family, but its section is not the one named. */
static void judge_section(struct judgement *j)
{
	struct ledger_view owner;
	bool is_owned = scopes_find_section(&j->at, &owner);

	/* A block that was handed out under a handle which was no section belongs to none. */
	if (!is_owned && (j->at.entry.flags & LEDGER_SUSPECT)) {
		j->v->release = true;
	} else if (j->handle == HANDLE_LIVE || j->handle == HANDLE_UNKNOWN) {
		j->v->owner = owner;
		set_finding(j->v, TRACE_KIND_MISMATCHED_FREE, TRACE_REASON_WRONG_SECTION);
	} else {
		set_finding(j->v, TRACE_KIND_INVALID_SECTION, reason_for(j->handle));
	}
}

/* The buffers at an address that the request of a call may mean. */
struct candidates {
	const struct free_call *call;
	struct ledger_view live, gone; /* of several that have gone, the last */
	unsigned count;                /* of those that are live */
};

/* A client may hand back what was handed to it, under a request of a later call. */
static bool add_candidate(uint32_t number, void *context)
{
	struct candidates *c = context;
	bool may_be_meant, may_come_back;
	struct ledger_view view;

	if (!entries_view(number, &view) || view.entry.space != SPACE_CLIENT ||
	    view.entry.address != c->call->memory)
		return false;
	may_be_meant = !c->call->section || !view.entry.scope;
	may_come_back = view.entry.flags & LEDGER_TRANSFERRED;
	if (!ledger_is_live(&view)) {
		if ((may_be_meant || may_come_back) && lookup_is_later(&view, &c->gone))
			c->gone = view;
	} else if (may_be_meant) {
		c->live = view;
		c->count++;
	}
	return false;
}

/*
 * A request of NULL means the client of the current call, as packages use it, and so perhaps the
 * client of any request. What was allocated under the one is freed under the other. Where NULL may
 * mean buffers of several clients, nobody knows which: none of them is judged from then on. Returns
 * true if it is so.
 */
static APART bool find_any_client(struct judgement *j)
{
	struct candidates c = { .call = j->call };

	groups_visit_clients(j->call->memory, add_candidate, &c);
	if (c.count > 1) {
		while (lookup_find_client(j->call->memory, &c.live))
			release_to_new_owner(NULL, &c.live);
		trace_lose(TRACE_LOST_JUDGEMENTS);
		return true;
	}
	if (c.count) {
		j->at = c.live;
	} else if (!j->at.number || !j->call->section) {
		j->at = c.gone;
		j->was_others = true;
	}
	return false;
}

static bool match_any_client(struct judgement *j)
{
	return j->space == SPACE_CLIENT && !(j->call->section && ledger_is_live(&j->at)) &&
	       find_any_client(j);
}

static bool match_live_block(struct judgement *j)
{
	const struct ledger_entry *block = &j->at.entry;

	if (!ledger_is_live(&j->at) || block->family != j->call->family)
		return false;
	j->v->block = j->at;
	if (!is_its_section_named(block, j->call)) {
		judge_section(j);
		return true;
	}
	j->v->release = true;
	/* It is not documented whether FreeLsaHeap and FreeReturnBuffer may stand for each
	 * other. */
	if (!is_right(block, j->call) && !(block->flags & LEDGER_SUSPECT))
		set_finding(j->v, TRACE_KIND_EXCHANGED_FREE, TRACE_REASON_NONE);
	return true;
}

/* Another thread is changing what is at the address, and was stopped meanwhile: it may be a live
 * block. */
static bool match_busy_block(struct judgement *j)
{
	if (ledger_is_live(&j->at) || !lookup_busy(j->space, j->call->memory, j->call->section))
		return false;
	trace_lose(TRACE_LOST_JUDGEMENTS);
	return true;
}

/*
 * Addresses of different clients, and of the host, coincide by nature. So a client's buffer is
 * looked for only where nothing has been at the address itself, under this request.
 */
static bool match_foreign_block(struct judgement *j)
{
	struct ledger_view *block = &j->v->block;
	bool is_client = j->space == SPACE_CLIENT;
	enum trace_reason reason = TRACE_REASON_WRONG_DEALLOCATOR;

	if (ledger_is_live(&j->at)) {
		*block = j->at;
		/* Nobody knows which function has allocated it. */
		j->v->release = (block->entry.flags & LEDGER_GIVEN) == LEDGER_GIVEN;
		if (j->v->release)
			return true;
	} else if ((!j->at.number || j->was_others) && lookup_find_client(j->call->memory, block))
		reason = is_client ? TRACE_REASON_WRONG_CLIENT : reason;
	else if (!is_client || !lookup_find(SPACE_BLOCK, j->call->memory, 0, block) ||
		 !ledger_is_live(block)) {
		block->number = 0;
		return false;
	}
	set_finding(j->v, TRACE_KIND_MISMATCHED_FREE, reason);
	return true;
}

static bool match_section_handle(struct judgement *j)
{
	struct ledger_view section;

	if (j->space == SPACE_CLIENT || !lookup_find(SPACE_SECTION, j->call->memory, 0, &section) ||
	    !ledger_is_live(&section))
		return false;
	j->v->section = section;
	set_finding(j->v, TRACE_KIND_INVALID_FREE, TRACE_REASON_SECTION_HANDLE);
	return true;
}

static bool match_interior_pointer(struct judgement *j)
{
	if (!lookup_find_around(j->space, j->call->memory, j->call->section, &j->v->block))
		return false;
	set_finding(j->v, TRACE_KIND_INVALID_FREE, TRACE_REASON_INTERIOR_POINTER);
	return true;
}

static bool match_gone_block(struct judgement *j)
{
	enum ledger_life life = ledger_life(&j->at);
	/* A block whose section is being deleted by another thread has gone with it. */
	bool with_section =
		life == LIFE_DELETED || (life == LIFE_DELETING && j->at.entry.space == SPACE_BLOCK);

	if (!j->at.number)
		return false;
	if (j->at.entry.flags & LEDGER_TRANSFERRED)
		return true;
	j->v->block = j->at;
	set_finding(j->v, with_section ? TRACE_KIND_FREE_AFTER_DELETE : TRACE_KIND_DOUBLE_FREE,
		    TRACE_REASON_NONE);
	return true;
}

static bool match_wrong_handle(struct judgement *j)
{
	if (!is_shared_memory(j))
		return false;
	if (j->handle == HANDLE_LIVE)
		return j->named.entry.flags & LEDGER_ADOPTED;
	if (j->handle != HANDLE_UNKNOWN)
		set_finding(j->v, TRACE_KIND_INVALID_SECTION, reason_for(j->handle));
	return true;
}

static bool match_unknown_address(struct judgement *j)
{
	if ((j->call->family == FAMILY_LSA_HEAP || j->call->family == FAMILY_USER_HEAP) &&
	    gaps_was_handed_in(j->call->memory))
		return true;
	if (gaps_exist() || j->call->is_late)
		trace_lose(TRACE_LOST_JUDGEMENTS);
	else
		set_finding(j->v, TRACE_KIND_INVALID_FREE, TRACE_REASON_UNKNOWN_ADDRESS);
	return true;
}

/* What is no live block of the function's family. */
static void judge_further(struct judgement *j)
{
	lookup_fetch(j->space, j->call->memory, j->call->section);
	(void)(match_busy_block(j) || match_foreign_block(j) || /* 3 */
	       match_section_handle(j) ||                       /* 4 */
	       match_interior_pointer(j) ||                     /* 5 */
	       match_gone_block(j) ||                           /* 6 */
	       match_wrong_handle(j) ||                         /* 7 */
	       match_unknown_address(j));                       /* 8 */
}

void judge_free(const struct free_call *call, struct verdict *v)
{
	struct judgement j;

	clear_verdict(v);
	/* One by one: the views need not be cleared. */
	j.call = call;
	j.v = v;
	j.was_others = false;
	j.space = call->family == FAMILY_CLIENT_BUFFER ? SPACE_CLIENT : SPACE_BLOCK;
	j.handle = is_shared_memory(&j) ? judge_handle(call->section, &j.named) : HANDLE_UNKNOWN;
	lookup_find(j.space, call->memory, call->section, &j.at);
	if (!match_null(&j) &&                              /* 1 */
	    !match_any_client(&j) && !match_live_block(&j)) /* 2 */
		judge_further(&j);
	if (v->kind == TRACE_KIND_MISMATCHED_FREE ||
	    (v->kind == TRACE_KIND_INVALID_SECTION && v->block.number))
		release_suspect(&v->block);
	set_named(v, j.handle, &j.named);
}

bool judge_release_if_right(struct lane *lane, const struct free_call *call,
			    struct ledger_entry *expected, uint32_t stack)
{
	struct lookup_entry block = lookup_at(SPACE_BLOCK, call->memory, 0, expected);

	/* What is read from here on still holds if the claim succeeds. */
	if (unlikely(!is_right(block.entry, call)) ||
	    (call->family == FAMILY_SHARED_MEMORY &&
	     unlikely(!scopes_is_named(lane, peek(block.entry->scope), call->section))) ||
	    unlikely(!entries_claim_if(block.entry, block.life, LIFE_LIVE)))
		return false;
	release_claimed(lane, block.entry, LIFE_RELEASED, stack);
	return true;
}

bool judge_begin_if_right(const struct free_call *call, struct ledger_entry *expected,
			  struct verdict *v)
{
	struct lookup_entry block = lookup_at(SPACE_CLIENT, call->memory, call->section, expected);

	if (unlikely((block.life & 0xff) != LIFE_LIVE) || unlikely(!call->section))
		return false;
	clear_verdict(v);
	v->block.number = (uint32_t)(block.entry - entries);
	entries_copy(v->block.number, &v->block.entry);
	v->block.entry.life = block.life;
	v->release = true;
	return likely(is_right(&v->block.entry, call)) && likely(release_begin(&v->block));
}

void judge_allocate_in_section(enum handle handle, const struct ledger_view *view, bool has_failed,
			       struct verdict *v)
{
	clear_verdict(v);
	set_named(v, handle, view);
	if (handle != HANDLE_LIVE && (handle != HANDLE_UNKNOWN || has_failed))
		set_finding(v, TRACE_KIND_INVALID_SECTION, reason_for(handle));
}

void judge_delete(uint64_t section, struct verdict *v)
{
	struct ledger_view named;
	enum handle handle = judge_handle(section, &named);

	clear_verdict(v);
	set_named(v, handle, &named);
	if (handle == HANDLE_LIVE)
		v->release = true;
	else if (handle == HANDLE_DELETED)
		set_finding(v, TRACE_KIND_DOUBLE_DELETE, TRACE_REASON_NONE);
	else
		set_finding(v, TRACE_KIND_INVALID_DELETE, reason_for(handle));
}
