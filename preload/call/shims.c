/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "include/secpkg.h"
#include "preload/base/slots.h"
#include "preload/call/call.h"
#include "preload/call/convention.h"
#include "preload/call/each_package.h"
#include "preload/call/note.h"
#include "preload/call/originals.h"
#include "preload/call/shims.h"
#include "preload/file/trace.h"
#include "preload/ledger/deletion.h"
#include "preload/ledger/gaps.h"
#include "preload/ledger/judge.h"
#include "preload/ledger/ledger.h"
#include "preload/ledger/lookup.h"
#include "preload/ledger/release.h"
#include "preload/ledger/scopes.h"

#include "preload/base/poison.h"

/* The host's function behind a call, by its type. */
#define HOST(type, where) ((type *)(&originals_of_shims[0][0])[where])

#define ADDRESS(pointer) ((uint64_t)(uintptr_t)(pointer))

/* Where a backtrace begins: the frame of the function in which this stands. */
#define FRAME __builtin_frame_address(0)

/* On the way of most calls. All that such a function does in the usual case is in one piece: a call and a
 * return cost as much as a step of the work, and each return that the processor mispredicts costs the
 * package more. What is not usual is APART. */
#define HOT static __attribute__((flatten))

/* For HOT functions: calls a function that is not inlined, with `&copy` for `&c` (call.h). */
#define WITH_COPY(c, statement) \
	do { \
		struct call copy = (c); \
\
		statement; \
		(c) = copy; \
	} while (0)

/* Some slots share a body. A ULONG is passed on as a SIZE_T: both are in one register. */
typedef PVOID(SECPKG_CALL allocate_function)(SIZE_T);
typedef void(SECPKG_CALL free_function)(PVOID);

static struct ledger_entry new_entry(const struct call *c, enum ledger_space space, uint64_t scope)
{
	return (struct ledger_entry){
		.address = c->address,
		.size = c->size,
		.scope = scope,
		.stack = c->stack,
		.tid = c->lane->tid,
		.space = (uint8_t)space,
		.family = (uint8_t)call_family(c),
		.package = call_package_index(c),
	};
}

static void enter_made(struct call *c, enum ledger_space space, uint64_t scope, uint8_t flags)
{
	struct ledger_entry entry = new_entry(c, space, scope);

	entry.flags = flags;
	if (flags & LEDGER_OBTAINED)
		entry.file = call_slot(c) + 1u;
	ledger_enter(c->lane, &entry, NULL);
}

_Static_assert((SLOT_COUNT + 1) << TRACE_ENTRY_FUNCTION_SHIFT <= 256, "flags of a trace_entry");

static inline void enter_again(struct call *c, enum ledger_space space, uint64_t scope,
			       struct ledger_entry *expected)
{
	ledger_enter_again(c->lane, new_entry(c, space, scope), expected);
}

/* Passes on what the host has made in a call that is not traced: there was no lane, or the host's
 * function forked, and this is the child. */
static APART PVOID pass_made(enum ledger_space space, PVOID made, const void *request)
{
	int saved_errno = errno;

	if (made)
		gaps_note_made(space, ADDRESS(made), ADDRESS(request));
	errno = saved_errno;
	return made;
}

static APART NTSTATUS pass_given(NTSTATUS status, enum ledger_space space, void *const *made,
				 const void *request)
{
	if (NT_SUCCESS(status) && made)
		pass_made(space, *made, request);
	return status;
}

static PVOID SECPKG_CALL create_section(ULONG max_size, ULONG initial_size, uint32_t where)
{
	LSA_CREATE_SHARED_MEMORY *host = HOST(LSA_CREATE_SHARED_MEMORY, where);
	originals_descriptor *descriptor;
	struct ledger_entry entry;
	struct reentry_mark mark;
	struct call c;
	PVOID section;

	if (!call_enter(&c, &mark, where, FRAME, max_size, initial_size))
		return pass_made(SPACE_SECTION, host(max_size, initial_size), NULL);
	call_host(&c);
	section = host(max_size, initial_size);
	if (!call_return(&c))
		return pass_made(SPACE_SECTION, section, NULL);
	c.address = ADDRESS(section);
	c.size = max_size | (uint64_t)initial_size << 32;
	if (section) {
		descriptor = originals_descriptors[call_package_index(&c)];
		entry = new_entry(&c, SPACE_SECTION, 0);
		entry.file = descriptor ? (uint32_t)(descriptor(c.address) + 1) : 0;
		ledger_enter(c.lane, &entry, NULL);
	} else {
		note_failure(&c, NULL);
	}
	call_record_acquired(&c, max_size, !section, 0,
			     section ? TRACE_KIND_NONE : TRACE_KIND_FAILED_CALL);
	call_leave(&c);
	return section;
}

/* Enters a section that was created before tracing began, or by the host itself. It is nobody's leak. */
static APART void adopt_section(struct call *c, uint64_t handle, struct ledger_view *section)
{
	struct ledger_entry entry = new_entry(c, SPACE_SECTION, 0);

	entry.address = handle;
	entry.size = 0;
	entry.stack = 0;
	entry.flags = LEDGER_ADOPTED;
	if (!ledger_enter(c->lane, &entry, section))
		section->number = 0;
}

/* For an allocation that is not usual: the handle is not that of a live section, or the host refuses. That
 * --fail refuses says nothing of a handle that is not known. */
static APART void judge_allocated(struct call *c, enum handle handle, struct ledger_view *named)
{
	struct verdict verdict;
	enum trace_kind kind;

	if (handle == HANDLE_LIVE)
		lookup_find(SPACE_SECTION, c->section, 0, named);
	judge_allocate_in_section(handle, named,
				  !c->address && !call_is_injected(c->lane, c->where), &verdict);
	note_verdict(c, &verdict);
	kind = verdict.kind;
	if (c->address && handle == HANDLE_UNKNOWN)
		adopt_section(c, c->section, named);
	if (!c->address) {
		if (kind == TRACE_KIND_NONE) {
			note_failure(c, &verdict);
			kind = TRACE_KIND_FAILED_CALL;
		}
	} else if (named->number && (handle == HANDLE_UNKNOWN || handle == HANDLE_LIVE)) {
		enter_made(c, SPACE_BLOCK, scopes_of(named), 0);
	} else {
		/* The block belongs to no section, and is suspect: the handle is what is wrong. */
		enter_made(c, SPACE_BLOCK, 0, LEDGER_SUSPECT);
	}
	call_record_acquired(c, c->size, !c->address, 0, kind);
}

HOT PVOID SECPKG_CALL allocate_in_section(PVOID section, ULONG size, uint32_t where)
{
	LSA_ALLOCATE_SHARED_MEMORY *host = HOST(LSA_ALLOCATE_SHARED_MEMORY, where);
	struct ledger_view named;
	enum handle handle = HANDLE_LIVE;
	struct ledger_entry *expected;
	uint64_t scope;
	struct reentry_mark mark;
	struct call c;
	PVOID block;

	if (!call_enter(&c, &mark, where, FRAME, ADDRESS(section), size))
		return pass_made(SPACE_BLOCK, host(section, size), NULL);
	scope = scopes_find(c.lane, ADDRESS(section));
	if (unlikely(!scope))
		handle = judge_handle(ADDRESS(section), &named);
	call_host(&c);
	block = host(section, size);
	expected = lookup_expect(SPACE_BLOCK, ADDRESS(block), 0);
	if (!call_return(&c))
		return pass_made(SPACE_BLOCK, block, NULL);
	c.address = ADDRESS(block);
	c.section = ADDRESS(section);
	c.size = size;
	if (likely(block && scope)) {
		enter_again(&c, SPACE_BLOCK, scope, expected);
		call_record_acquired(&c, size, false, 0, TRACE_KIND_NONE);
	} else {
		WITH_COPY(c, judge_allocated(&copy, handle, &named));
	}
	call_leave(&c);
	return block;
}

/* For a release that is not traced, because there was no lane. It is not judged, but what it frees is no
 * leak. */
static APART void pass_free(enum ledger_space space, const void *address, const void *request)
{
	if (trace_is_mine())
		gaps_note_freed(space, ADDRESS(address), ADDRESS(request));
}

static inline struct free_call free_call_of(const struct call *c)
{
	return (struct free_call){
		.memory = c->address,
		.section = c->section,
		.family = call_family(c),
		.returned = call_slot(c) == SLOT_FreeReturnBuffer ? LEDGER_RETURNED : 0,
	};
}

/* The judgement is made again if the block was changed by another thread since. */
static APART enum trace_kind judge_free_call(struct call *c)
{
	struct free_call call = free_call_of(c);
	struct verdict verdict;

	call.is_late = originals_are_late[call_package_index(c)];
	do {
		judge_free(&call, &verdict);
	} while (verdict.release && !release_now(c->lane, &verdict.block, c->stack));
	note_verdict(c, &verdict);
	return verdict.kind;
}

/* A free that cannot fail, before the host's function is called. */
static inline enum trace_kind end_block(struct call *c, struct ledger_entry *expected)
{
	const struct free_call call = free_call_of(c);
	enum trace_kind kind = TRACE_KIND_NONE;

	if (unlikely(!judge_release_if_right(c->lane, &call, expected, c->stack)))
		WITH_COPY(*c, kind = judge_free_call(&copy));
	call_record_releasing(c, kind);
	return kind;
}

HOT void SECPKG_CALL free_in_section(PVOID section, PVOID memory, uint32_t where)
{
	LSA_FREE_SHARED_MEMORY *host = HOST(LSA_FREE_SHARED_MEMORY, where);
	struct ledger_entry *expected = lookup_expect(SPACE_BLOCK, ADDRESS(memory), 0);
	enum trace_kind kind;
	struct reentry_mark mark;
	struct call c;

	if (!call_enter(&c, &mark, where, FRAME, ADDRESS(section), ADDRESS(memory))) {
		pass_free(SPACE_BLOCK, memory, NULL);
		host(section, memory);
		return;
	}
	c.section = ADDRESS(section);
	c.address = ADDRESS(memory);
	kind = end_block(&c, expected);
	call_host(&c);
	host(section, memory);
	if (!call_return(&c))
		return;
	call_complete(&c, false, 0, kind);
	call_leave(&c);
}

struct deletion {
	struct call *call;
	struct verdict verdict;
	struct ledger_view unseen; /* a section adopted for this call, as it was; number 0: none */
	uint32_t blocks;           /* that were live in the section */
	uint32_t left;             /* of these, how many should not have been */
};

/*
 * A section that is not known is adopted for the deletion, before the host is asked: after that, its handle
 * may be that of another section.
 */
static void begin_deletion(struct deletion *d)
{
	struct verdict *v = &d->verdict;

	do {
		judge_delete(d->call->section, v);
	} while (v->release && !release_begin(&v->section));
	if (v->release) {
		d->blocks = deletion_begin(&v->section);
	} else if (v->kind == TRACE_KIND_INVALID_DELETE && v->reason == TRACE_REASON_UNKNOWN) {
		adopt_section(d->call, d->call->section, &d->unseen);
		if (d->unseen.number && !release_begin(&d->unseen))
			d->unseen.number = 0;
	}
}

static void note_left(const struct ledger_view *block, void *context)
{
	struct deletion *d = context;

	d->left += note_left_block(d->call, &d->verdict.section, block);
}

/* What --fail has kept from being released is no leak of the package's. */
static APART void forgive(const struct call *c, enum ledger_space space, uint64_t address,
			  uint64_t request)
{
	struct ledger_view view;

	if (!call_is_injected(c->lane, c->where) || !lookup_find(space, address, request, &view) ||
	    !ledger_is_live(&view))
		return;
	if (space == SPACE_SECTION)
		deletion_suspect(&view);
	else
		release_suspect(&view);
}

/* If the host has refused, the section and its blocks are live as before, or the section never was one. */
static void finish_deletion(struct deletion *d, bool is_deleted)
{
	const struct call *c = d->call;
	const struct ledger_view *section = &d->verdict.section;
	struct ledger_view view;

	/* An address that another thread was given meanwhile can no longer be told from one that was left. */
	if (d->verdict.release) {
		if (deletion_finish(c->lane, section, is_deleted, c->stack, note_left, d) < d->blocks)
			trace_lose(TRACE_LOST_JUDGEMENTS);
		release_finish(c->lane, section, is_deleted, c->stack);
		if (!is_deleted)
			forgive(c, SPACE_SECTION, c->section, 0);
	}
	if (!d->unseen.number)
		return;
	release_finish(c->lane, &d->unseen, is_deleted, c->stack);
	if (!is_deleted && lookup_find(SPACE_SECTION, c->section, 0, &view) &&
	    scopes_of(&view) == scopes_of(&d->unseen) && ledger_is_live(&view))
		release_to_new_owner(c->lane, &view);
}

/* The verdict on a deletion that was right, or of a handle that is not known, once the host has answered. */
static enum trace_kind judge_answer(struct deletion *d, bool is_deleted)
{
	if (is_deleted)
		return d->left ? TRACE_KIND_LIVE_AT_DELETE : TRACE_KIND_NONE;
	if (d->verdict.reason == TRACE_REASON_UNKNOWN &&
	    !call_is_injected(d->call->lane, d->call->where)) {
		note_verdict(d->call, &d->verdict);
		return d->verdict.kind;
	}
	note_failure(d->call, &d->verdict);
	return TRACE_KIND_FAILED_CALL;
}

static BOOLEAN SECPKG_CALL delete_section(PVOID section, uint32_t where)
{
	LSA_DELETE_SHARED_MEMORY *host = HOST(LSA_DELETE_SHARED_MEMORY, where);
	struct reentry_mark mark;
	struct call c;
	struct deletion d = { .call = &c };
	enum trace_kind kind = TRACE_KIND_NONE;
	BOOLEAN is_deleted;

	if (!call_enter(&c, &mark, where, FRAME, ADDRESS(section), 0)) {
		pass_free(SPACE_SECTION, section, NULL);
		return host(section);
	}
	c.section = c.address = ADDRESS(section);
	begin_deletion(&d);
	if (d.verdict.reason != TRACE_REASON_UNKNOWN) {
		kind = d.verdict.kind;
		note_verdict(&c, &d.verdict);
	}
	call_record_releasing(&c, kind);
	call_host(&c);
	is_deleted = host(section);
	if (!call_return(&c))
		return is_deleted;
	finish_deletion(&d, is_deleted);
	if (kind == TRACE_KIND_NONE)
		kind = judge_answer(&d, is_deleted);
	call_complete(&c, !is_deleted, is_deleted, kind);
	call_leave(&c);
	return is_deleted;
}

HOT PVOID SECPKG_CALL allocate(SIZE_T size, uint32_t where)
{
	allocate_function *host = HOST(allocate_function, where);
	struct ledger_entry *expected;
	struct reentry_mark mark;
	struct call c;
	PVOID block;

	if (!call_enter(&c, &mark, where, FRAME, size, 0))
		return pass_made(SPACE_BLOCK, host(size), NULL);
	call_host(&c);
	block = host(size);
	expected = lookup_expect(SPACE_BLOCK, ADDRESS(block), 0);
	if (!call_return(&c))
		return pass_made(SPACE_BLOCK, block, NULL);
	c.address = ADDRESS(block);
	c.size = size;
	if (likely(block))
		enter_again(&c, SPACE_BLOCK, 0, expected);
	else
		WITH_COPY(c, note_failure(&copy, NULL));
	call_record_acquired(&c, size, !block, 0, block ? TRACE_KIND_NONE : TRACE_KIND_FAILED_CALL);
	call_leave(&c);
	return block;
}

HOT void SECPKG_CALL free_block(PVOID memory, uint32_t where)
{
	free_function *host = HOST(free_function, where);
	struct ledger_entry *expected = lookup_expect(SPACE_BLOCK, ADDRESS(memory), 0);
	enum trace_kind kind;
	struct reentry_mark mark;
	struct call c;

	if (!call_enter(&c, &mark, where, FRAME, ADDRESS(memory), 0)) {
		pass_free(SPACE_BLOCK, memory, NULL);
		host(memory);
		return;
	}
	c.address = ADDRESS(memory);
	kind = end_block(&c, expected);
	call_host(&c);
	host(memory);
	if (!call_return(&c))
		return;
	call_complete(&c, false, 0, kind);
	call_leave(&c);
}

HOT NTSTATUS SECPKG_CALL allocate_for_client(PLSA_CLIENT_REQUEST request, ULONG size, PVOID *block,
					     uint32_t where)
{
	LSA_ALLOCATE_CLIENT_BUFFER *host = HOST(LSA_ALLOCATE_CLIENT_BUFFER, where);
	struct ledger_entry *expected;
	uint64_t address;
	struct reentry_mark mark;
	struct call c;
	NTSTATUS status;

	if (!call_enter(&c, &mark, where, FRAME, ADDRESS(request), size))
		return pass_given(host(request, size, block), SPACE_CLIENT, block, request);
	call_host(&c);
	status = host(request, size, block);
	address = NT_SUCCESS(status) && block ? ADDRESS(*block) : 0;
	expected = lookup_expect(SPACE_CLIENT, address, ADDRESS(request));
	if (!call_return(&c))
		return pass_given(status, SPACE_CLIENT, block, request);
	c.section = ADDRESS(request);
	c.address = address;
	c.size = size;
	if (likely(address))
		enter_again(&c, SPACE_CLIENT, ADDRESS(request), expected);
	else if (!NT_SUCCESS(status))
		WITH_COPY(c, note_failure(&copy, NULL));
	call_record_acquired(&c, size, !NT_SUCCESS(status), status,
			     NT_SUCCESS(status) ? TRACE_KIND_NONE : TRACE_KIND_FAILED_CALL);
	call_leave(&c);
	return status;
}

/* The judgement is made again if the block was changed by another thread since. */
static APART void judge_client_free(struct call *c, const struct free_call *of_call,
				    struct verdict *v)
{
	struct free_call call = *of_call;

	call.is_late = originals_are_late[call_package_index(c)];
	do {
		judge_free(&call, v);
	} while (v->release && !release_begin(&v->block));
	note_verdict(c, v);
}

/* The buffer is live as before. Returns the verdict on the call. */
static APART enum trace_kind note_refused(struct call *c, const struct verdict *v)
{
	if (v->release) {
		release_finish(c->lane, &v->block, false, c->stack);
		forgive(c, SPACE_CLIENT, c->address, c->section);
	}
	if (v->kind != TRACE_KIND_NONE)
		return v->kind;
	note_failure(c, v);
	return TRACE_KIND_FAILED_CALL;
}

HOT NTSTATUS SECPKG_CALL free_for_client(PLSA_CLIENT_REQUEST request, PVOID memory, uint32_t where)
{
	LSA_FREE_CLIENT_BUFFER *host = HOST(LSA_FREE_CLIENT_BUFFER, where);
	struct ledger_entry *expected =
		lookup_expect(SPACE_CLIENT, ADDRESS(memory), ADDRESS(request));
	struct free_call call;
	enum trace_kind kind;
	struct verdict verdict;
	struct reentry_mark mark;
	struct call c;
	NTSTATUS status;

	if (!call_enter(&c, &mark, where, FRAME, ADDRESS(request), ADDRESS(memory))) {
		pass_free(SPACE_CLIENT, memory, request);
		return host(request, memory);
	}
	c.section = ADDRESS(request);
	c.address = ADDRESS(memory);
	call = free_call_of(&c);
	if (unlikely(!judge_begin_if_right(&call, expected, &verdict)))
		WITH_COPY(c, judge_client_free(&copy, &call, &verdict));
	kind = verdict.kind;
	call_record_releasing(&c, kind);
	call_host(&c);
	status = host(request, memory);
	if (!call_return(&c))
		return status;
	if (unlikely(!NT_SUCCESS(status)))
		WITH_COPY(c, kind = note_refused(&copy, &verdict));
	else if (likely(verdict.release))
		release_finish(c.lane, &verdict.block, true, c.stack);
	call_complete(&c, !NT_SUCCESS(status), status, kind);
	call_leave(&c);
	return status;
}

/*
 * The functions by which the package gets a buffer of the LSA's heap that it has to free. Of their
 * arguments, only the first and the place of the buffer are recorded, while the call is in flight.
 */
static void finish_obtaining(struct call *c, uint8_t flags, NTSTATUS status, void *const *buffer,
			     const ULONG *length)
{
	bool failed = !NT_SUCCESS(status);

	if (!failed && buffer)
		c->address = ADDRESS(*buffer);
	if (c->address && length)
		c->size = *length;
	if (c->address)
		enter_made(c, SPACE_BLOCK, 0, LEDGER_OBTAINED | flags);
	else if (failed)
		note_failure(c, NULL);
	call_record_acquired(c, c->size, failed, status,
			     failed ? TRACE_KIND_FAILED_CALL : TRACE_KIND_NONE);
	call_leave(c);
}

#define OBTAIN(type, flags, first, buffer, length, where, ...) \
	do { \
		type *host = HOST(type, where); \
		struct reentry_mark mark; \
		struct call c; \
		NTSTATUS status; \
\
		if (!call_enter(&c, &mark, where, FRAME, ADDRESS(first), ADDRESS(buffer))) \
			return pass_given(host(__VA_ARGS__), SPACE_BLOCK, (void *const *)(buffer), \
					  NULL); \
		call_host(&c); \
		status = host(__VA_ARGS__); \
		if (!call_return(&c)) \
			return pass_given(status, SPACE_BLOCK, (void *const *)(buffer), NULL); \
		finish_obtaining(&c, flags, status, (void *const *)(buffer), length); \
		return status; \
	} while (0)

static NTSTATUS SECPKG_CALL call_package(PUNICODE_STRING package, PVOID submit, ULONG submit_bytes,
					 PVOID *buffer, PULONG bytes, PNTSTATUS protocol_status,
					 uint32_t where)
{
	OBTAIN(LSA_CALL_PACKAGE, LEDGER_RETURNED, package, buffer, bytes, where, package, submit,
	       submit_bytes, buffer, bytes, protocol_status);
}

static NTSTATUS SECPKG_CALL call_package_ex(PUNICODE_STRING package, PVOID client_base,
					    PVOID submit, ULONG submit_bytes, PVOID *buffer,
					    PULONG bytes, PNTSTATUS protocol_status, uint32_t where)
{
	OBTAIN(LSA_CALL_PACKAGEEX, LEDGER_RETURNED, package, buffer, bytes, where, package,
	       client_base, submit, submit_bytes, buffer, bytes, protocol_status);
}

static NTSTATUS SECPKG_CALL get_user_auth_data(PVOID user, PUCHAR *data, PULONG bytes,
					       uint32_t where)
{
	OBTAIN(LSA_GET_USER_AUTH_DATA, 0, user, data, bytes, where, user, data, bytes);
}

static NTSTATUS SECPKG_CALL expand_auth_data(PUCHAR data, ULONG bytes, PVOID reserved,
					     PUCHAR *expanded, PULONG expanded_bytes, uint32_t where)
{
	OBTAIN(LSA_EXPAND_AUTH_DATA_FOR_DOMAIN, 0, data, expanded, expanded_bytes, where, data,
	       bytes, reserved, expanded, expanded_bytes);
}

/*
 * Functions that hand out memory without saying how it was allocated. Packages free it with
 * FreeLsaHeap, or not at all. It is entered so that nothing is claimed of it.
 */
enum { GIVEN_MOST = 2 };

struct giving {
	PVOID *place[GIVEN_MOST]; /* NULL: nothing is handed out there */
	PVOID before[GIVEN_MOST];
};

/* Some of these places may hold the package's own buffer, which the host fills. */
static void note_before(struct giving *g, PVOID *first, PVOID *second)
{
	g->place[0] = first;
	g->place[1] = second;
	for (int i = 0; i < GIVEN_MOST; i++)
		g->before[i] = g->place[i] ? *g->place[i] : NULL;
}

static void enter_given(struct call *c, const struct giving *g)
{
	uint64_t address = c->address, size = c->size;
	struct ledger_view view;

	for (int i = 0; i < GIVEN_MOST; i++) {
		PVOID given = g->place[i] ? *g->place[i] : NULL;
		bool was_there = given == g->before[0] || given == g->before[1];

		if (!given || (was_there && lookup_find(SPACE_BLOCK, ADDRESS(given), 0, &view) &&
			       ledger_is_live(&view)))
			continue;
		c->address = ADDRESS(given);
		c->size = 0;
		enter_made(c, SPACE_BLOCK, 0, LEDGER_GIVEN);
		address = address ? address : c->address;
	}
	c->address = address;
	c->size = size;
}

static APART NTSTATUS pass_all_given(NTSTATUS status, const struct giving *g)
{
	for (int i = 0; i < GIVEN_MOST; i++)
		pass_given(status, SPACE_BLOCK, g->place[i], NULL);
	return status;
}

static void finish_giving(struct call *c, NTSTATUS status, const struct giving *g)
{
	bool failed = !NT_SUCCESS(status);

	if (failed)
		note_failure(c, NULL);
	else
		enter_given(c, g);
	call_record_acquired(c, c->size, failed, status,
			     failed ? TRACE_KIND_FAILED_CALL : TRACE_KIND_NONE);
	call_leave(c);
}

#define GIVE(type, first_argument, first, second, where, ...) \
	do { \
		type *host = HOST(type, where); \
		struct giving giving; \
		struct reentry_mark mark; \
		struct call c; \
		NTSTATUS status; \
\
		note_before(&giving, (PVOID *)(first), (PVOID *)(second)); \
		if (!call_enter(&c, &mark, where, FRAME, ADDRESS(first_argument), ADDRESS(first))) \
			return pass_all_given(host(__VA_ARGS__), &giving); \
		call_host(&c); \
		status = host(__VA_ARGS__); \
		if (!call_return(&c)) \
			return pass_all_given(status, &giving); \
		finish_giving(&c, status, &giving); \
		return status; \
	} while (0)

static PVOID *buffer_of(PUNICODE_STRING string)
{
	return string ? (PVOID *)(void *)&string->Buffer : NULL;
}

static NTSTATUS SECPKG_CALL get_auth_data_for_user(PSECURITY_STRING name, SECPKG_NAME_TYPE name_type,
						   PSECURITY_STRING prefix, PUCHAR *data,
						   PULONG bytes, PUNICODE_STRING flat_name,
						   uint32_t where)
{
	LSA_GET_AUTH_DATA_FOR_USER *host = HOST(LSA_GET_AUTH_DATA_FOR_USER, where);
	struct giving giving;
	struct reentry_mark mark;
	struct call c;
	NTSTATUS status;

	note_before(&giving, buffer_of(flat_name), NULL);
	if (!call_enter(&c, &mark, where, FRAME, ADDRESS(name), ADDRESS(data))) {
		status = host(name, name_type, prefix, data, bytes, flat_name);
		pass_all_given(status, &giving);
		return pass_given(status, SPACE_BLOCK, (void *const *)data, NULL);
	}
	call_host(&c);
	status = host(name, name_type, prefix, data, bytes, flat_name);
	if (!call_return(&c)) {
		pass_all_given(status, &giving);
		return pass_given(status, SPACE_BLOCK, (void *const *)data, NULL);
	}
	if (NT_SUCCESS(status))
		enter_given(&c, &giving);
	c.address = c.size = 0;
	finish_obtaining(&c, 0, status, (void *const *)data, bytes);
	return status;
}

static NTSTATUS SECPKG_CALL convert_auth_data(PVOID data, ULONG bytes,
					      SECURITY_IMPERSONATION_LEVEL level,
					      PTOKEN_SOURCE source, SECURITY_LOGON_TYPE type,
					      PUNICODE_STRING authority, PHANDLE token, PLUID logon,
					      PUNICODE_STRING account, PNTSTATUS sub_status,
					      uint32_t where)
{
	GIVE(LSA_CONVERT_AUTH_DATA_TO_TOKEN, data, buffer_of(account), NULL, where, data, bytes,
	     level, source, type, authority, token, logon, account, sub_status);
}

static NTSTATUS SECPKG_CALL crack_single_name(ULONG offered, BOOLEAN at_catalog,
					      PUNICODE_STRING name, PUNICODE_STRING prefix,
					      ULONG requested, PUNICODE_STRING cracked,
					      PUNICODE_STRING domain, PULONG sub_status,
					      uint32_t where)
{
	GIVE(LSA_CRACK_SINGLE_NAME, name, buffer_of(cracked), buffer_of(domain), where, offered,
	     at_catalog, name, prefix, requested, cracked, domain, sub_status);
}

static NTSTATUS SECPKG_CALL get_user_credentials(PVOID user, PVOID *primary, PULONG primary_bytes,
						 PVOID *supplemental, PULONG supplemental_bytes,
						 uint32_t where)
{
	GIVE(LSA_GET_USER_CREDENTIALS, user, primary, supplemental, where, user, primary,
	     primary_bytes, supplemental, supplemental_bytes);
}

static NTSTATUS SECPKG_CALL client_callback(PCHAR callback, ULONG_PTR argument1, ULONG_PTR argument2,
					    PSecBuffer input, PSecBuffer output, uint32_t where)
{
	GIVE(LSA_CLIENT_CALLBACK, callback, output ? &output->pvBuffer : NULL, NULL, where,
	     callback, argument1, argument2, input, output);
}

/* If the input is mapped already, the output is a copy of it. */
static NTSTATUS SECPKG_CALL map_buffer(PSecBuffer input, PSecBuffer output, uint32_t where)
{
	GIVE(LSA_MAP_BUFFER, input, output ? &output->pvBuffer : NULL,
	     input ? &input->pvBuffer : NULL, where, input, output);
}

static NTSTATUS SECPKG_CALL credi_read(PLUID logon, ULONG options, PWSTR target, ULONG type,
				       ULONG flags, PENCRYPTED_CREDENTIALW *credential,
				       uint32_t where)
{
	GIVE(CredReadFn, logon, credential, NULL, where, logon, options, target, type, flags,
	     credential);
}

static NTSTATUS SECPKG_CALL credi_read_domain(PLUID logon, ULONG options,
					      PCREDENTIAL_TARGET_INFORMATIONW target, ULONG flags,
					      PULONG count, PENCRYPTED_CREDENTIALW **credentials,
					      uint32_t where)
{
	GIVE(CredReadDomainCredentialsFn, logon, credentials, NULL, where, logon, options, target,
	     flags, count, credentials);
}

static NTSTATUS SECPKG_CALL credi_decode(PWSTR marshaled, PUCHAR *blob, PULONG bytes,
					 PBOOLEAN is_fatal, uint32_t where)
{
	GIVE(CrediUnmarshalandDecodeStringFn, marshaled, blob, NULL, where, marshaled, blob, bytes,
	     is_fatal);
}

static NTSTATUS SECPKG_CALL get_password(PUNICODE_STRING account, PUNICODE_STRING domain, int fetch,
					 FILETIME *expiry, PUNICODE_STRING current,
					 PUNICODE_STRING previous, FILETIME *valid, uint32_t where)
{
	GIVE(LSA_GET_SERVICE_ACCOUNT_PASSWORD, account, buffer_of(current), buffer_of(previous),
	     where, account, domain, fetch, expiry, current, previous, valid);
}

static NTSTATUS SECPKG_CALL query_client_request(PLSA_CLIENT_REQUEST request, ULONG type,
						 PVOID *reply, uint32_t where)
{
	GIVE(LSA_QUERY_CLIENT_REQUEST, request, reply, NULL, where, request, type, reply);
}

static NTSTATUS SECPKG_CALL get_app_mode_info(PULONG function, PULONG_PTR argument1,
					      PULONG_PTR argument2, PSecBuffer data,
					      PBOOLEAN returns, uint32_t where)
{
	GIVE(LSA_GET_APP_MODE_INFO, function, data ? &data->pvBuffer : NULL, NULL, where, function,
	     argument1, argument2, data, returns);
}

/* By its documentation, FreeLsaHeap frees what GetCredentials gives. With STATUS_MORE_ENTRIES it gives
 * nothing. */
static PVOID buffer_given(NTSTATUS status, const LSA_STRING *credentials)
{
	return status == STATUS_SUCCESS && credentials ? credentials->Buffer : NULL;
}

static NTSTATUS pass_credentials(NTSTATUS status, const LSA_STRING *credentials)
{
	pass_made(SPACE_BLOCK, buffer_given(status, credentials), NULL);
	return status;
}

static NTSTATUS SECPKG_CALL get_credentials(PLUID logon, ULONG package, PULONG query, BOOLEAN all,
					    PLSA_STRING key, PULONG key_bytes,
					    PLSA_STRING credentials, uint32_t where)
{
	LSA_GET_CREDENTIALS *host = HOST(LSA_GET_CREDENTIALS, where);
	struct reentry_mark mark;
	struct call c;
	NTSTATUS status;
	PVOID given;
	ULONG bytes;

	if (!call_enter(&c, &mark, where, FRAME, ADDRESS(logon), ADDRESS(credentials))) {
		status = host(logon, package, query, all, key, key_bytes, credentials);
		return pass_credentials(status, credentials);
	}
	call_host(&c);
	status = host(logon, package, query, all, key, key_bytes, credentials);
	if (!call_return(&c))
		return pass_credentials(status, credentials);
	given = buffer_given(status, credentials);
	bytes = given ? credentials->MaximumLength : 0;
	finish_obtaining(&c, 0, status, &given, &bytes);
	return status;
}

/*
 * The prototypes, one row each: type of the host's function, result, body, parameters, arguments. The
 * upper half of a register that holds a ULONG can be anything: the parameter's type cuts it off.
 */
#define AS_CREATE_SECTION LSA_CREATE_SHARED_MEMORY, PVOID, create_section, (ULONG a, ULONG b), a, b
#define AS_ALLOCATE_IN_SECTION \
	LSA_ALLOCATE_SHARED_MEMORY, PVOID, allocate_in_section, (PVOID a, ULONG b), a, b
#define AS_FREE_IN_SECTION LSA_FREE_SHARED_MEMORY, void, free_in_section, (PVOID a, PVOID b), a, b
#define AS_DELETE_SECTION LSA_DELETE_SHARED_MEMORY, BOOLEAN, delete_section, (PVOID a), a
#define AS_ALLOCATE_ULONG LSA_ALLOCATE_LSA_HEAP, PVOID, allocate, (ULONG a), a
#define AS_ALLOCATE_SIZE_T LSA_ALLOCATE_PRIVATE_HEAP, PVOID, allocate, (SIZE_T a), a
#define AS_FREE free_function, void, free_block, (PVOID a), a
#define AS_ALLOCATE_FOR_CLIENT \
	LSA_ALLOCATE_CLIENT_BUFFER, NTSTATUS, allocate_for_client, \
		(PLSA_CLIENT_REQUEST a, ULONG b, PVOID * c), a, b, c
#define AS_FREE_FOR_CLIENT \
	LSA_FREE_CLIENT_BUFFER, NTSTATUS, free_for_client, (PLSA_CLIENT_REQUEST a, PVOID b), a, b
#define AS_CALL_PACKAGE \
	LSA_CALL_PACKAGE, NTSTATUS, call_package, \
		(PUNICODE_STRING a, PVOID b, ULONG c, PVOID * d, PULONG e, PNTSTATUS f), a, b, c, \
		d, e, f
#define AS_CALL_PACKAGE_EX \
	LSA_CALL_PACKAGEEX, NTSTATUS, call_package_ex, \
		(PUNICODE_STRING a, PVOID b, PVOID c, ULONG d, PVOID * e, PULONG f, PNTSTATUS g), \
		a, b, c, d, e, f, g
#define AS_GET_USER_AUTH_DATA \
	LSA_GET_USER_AUTH_DATA, NTSTATUS, get_user_auth_data, (PVOID a, PUCHAR * b, PULONG c), a, \
		b, c
#define AS_GET_AUTH_DATA_FOR_USER \
	LSA_GET_AUTH_DATA_FOR_USER, NTSTATUS, get_auth_data_for_user, \
		(PSECURITY_STRING a, SECPKG_NAME_TYPE b, PSECURITY_STRING c, PUCHAR * d, PULONG e, \
		 PUNICODE_STRING f), \
		a, b, c, d, e, f
#define AS_EXPAND_AUTH_DATA \
	LSA_EXPAND_AUTH_DATA_FOR_DOMAIN, NTSTATUS, expand_auth_data, \
		(PUCHAR a, ULONG b, PVOID c, PUCHAR * d, PULONG e), a, b, c, d, e
#define AS_CONVERT_AUTH_DATA \
	LSA_CONVERT_AUTH_DATA_TO_TOKEN, NTSTATUS, convert_auth_data, \
		(PVOID a, ULONG b, SECURITY_IMPERSONATION_LEVEL c, PTOKEN_SOURCE d, \
		 SECURITY_LOGON_TYPE e, PUNICODE_STRING f, PHANDLE g, PLUID h, PUNICODE_STRING i, \
		 PNTSTATUS j), \
		a, b, c, d, e, f, g, h, i, j
#define AS_CRACK_SINGLE_NAME \
	LSA_CRACK_SINGLE_NAME, NTSTATUS, crack_single_name, \
		(ULONG a, BOOLEAN b, PUNICODE_STRING c, PUNICODE_STRING d, ULONG e, \
		 PUNICODE_STRING f, PUNICODE_STRING g, PULONG h), \
		a, b, c, d, e, f, g, h
#define AS_GET_USER_CREDENTIALS \
	LSA_GET_USER_CREDENTIALS, NTSTATUS, get_user_credentials, \
		(PVOID a, PVOID * b, PULONG c, PVOID * d, PULONG e), a, b, c, d, e
#define AS_CLIENT_CALLBACK \
	LSA_CLIENT_CALLBACK, NTSTATUS, client_callback, \
		(PCHAR a, ULONG_PTR b, ULONG_PTR c, PSecBuffer d, PSecBuffer e), a, b, c, d, e
#define AS_MAP_BUFFER LSA_MAP_BUFFER, NTSTATUS, map_buffer, (PSecBuffer a, PSecBuffer b), a, b
#define AS_CREDI_READ \
	CredReadFn, NTSTATUS, credi_read, \
		(PLUID a, ULONG b, PWSTR c, ULONG d, ULONG e, PENCRYPTED_CREDENTIALW * f), a, b, \
		c, d, e, f
#define AS_CREDI_READ_DOMAIN \
	CredReadDomainCredentialsFn, NTSTATUS, credi_read_domain, \
		(PLUID a, ULONG b, PCREDENTIAL_TARGET_INFORMATIONW c, ULONG d, PULONG e, \
		 PENCRYPTED_CREDENTIALW * *f), \
		a, b, c, d, e, f
#define AS_CREDI_DECODE \
	CrediUnmarshalandDecodeStringFn, NTSTATUS, credi_decode, \
		(PWSTR a, PUCHAR * b, PULONG c, PBOOLEAN d), a, b, c, d
#define AS_GET_PASSWORD \
	LSA_GET_SERVICE_ACCOUNT_PASSWORD, NTSTATUS, get_password, \
		(PUNICODE_STRING a, PUNICODE_STRING b, int c, FILETIME *d, PUNICODE_STRING e, \
		 PUNICODE_STRING f, FILETIME *g), \
		a, b, c, d, e, f, g
#define AS_QUERY_CLIENT_REQUEST \
	LSA_QUERY_CLIENT_REQUEST, NTSTATUS, query_client_request, \
		(PLSA_CLIENT_REQUEST a, ULONG b, PVOID * c), a, b, c
#define AS_GET_APP_MODE_INFO \
	LSA_GET_APP_MODE_INFO, NTSTATUS, get_app_mode_info, \
		(PULONG a, PULONG_PTR b, PULONG_PTR c, PSecBuffer d, PBOOLEAN e), a, b, c, d, e
#define AS_GET_CREDENTIALS \
	LSA_GET_CREDENTIALS, NTSTATUS, get_credentials, \
		(PLUID a, ULONG b, PULONG c, BOOLEAN d, PLSA_STRING e, PULONG f, PLSA_STRING g), \
		a, b, c, d, e, f, g

/*
 * A shim: one function for each slot and package. It only adds which slot and package it is. It ends in
 * a jump, so that it costs next to nothing and is not on the stack. shims_amd64.S has a table of them.
 */
#define WHERE(name, p) ((uint32_t)(p) << 8 | SLOT_##name)
#define SHIM(p, name, ...) SHIM_FUNCTION(p, name, __VA_ARGS__)
#define SHIM_FUNCTION(p, name, type, result, body, parameters, ...) \
	result SECPKG_CALL CONVENTION_OF(shim_##name##_##p) parameters; \
	result SECPKG_CALL CONVENTION_OF(shim_##name##_##p) parameters \
	{ \
		return body(__VA_ARGS__, WHERE(name, p)); \
	}

/* Does the slot have the prototype that its row says? */
#define CHECK(member, ...) CHECK_TYPE(member, __VA_ARGS__)
#define CHECK_TYPE(member, type, ...) \
	_Static_assert(__builtin_types_compatible_p(__typeof__(member), type *), #member);

#define SLOT_SHIMS(table, name, family, role, prototype) \
	CHECK(((SLOT_TABLE_##table *)0)->name, AS_##prototype) \
	EACH_TRACED_PACKAGE(SHIM, name, AS_##prototype)

TRACED_SLOTS(SLOT_SHIMS)
